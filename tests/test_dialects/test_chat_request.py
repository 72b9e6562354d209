"""Requests of the dialect `chat`: read and written again they are the same JSON; from elsewhere they keep to the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.chat import DIALECT
from dragoman.dialects.contract import Call, Peek, Quirks
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.splice import Outline

GOLDEN = Path(__file__).parent.parent / "golden" / "chat" / "requests"
SILENT = Quirks(stream_usage=False)


def read(value: Any) -> ir.Request:
    return DIALECT.read_request(Call("/chat/completions", json.dumps(value).encode()))


def write(request: ir.Request, quirks: Quirks = SILENT) -> Any:
    return json.loads(DIALECT.write_request(request, quirks)[0].body)


def messages(*items: ir.Item, quirks: Quirks = SILENT) -> Any:
    return write(ir.Request("m", items), quirks)["messages"]


def exactly(value: Any) -> str:
    """JSON text with sorted keys: tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


def with_messages(*values: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(values)}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_read_is_written_again(path: Path) -> None:
    value = json.loads(path.read_text())

    call, lost = DIALECT.write_request(read(value), Quirks())

    assert exactly(json.loads(call.body)) == exactly(value)
    assert lost == []


TEXTS = st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS.filter(lambda name: not name.startswith("$")), inner, max_size=2),
    max_leaves=4,
)
PARTS = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}, optional={"cache_control": JSON}) | st.fixed_dictionaries(
    {"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": TEXTS}, optional={"detail": JSON, "more": JSON})}
)
CONTENT = st.none() | TEXTS | st.lists(PARTS, max_size=3)
CALLS = st.fixed_dictionaries(
    {"id": TEXTS, "type": st.just("function"), "function": st.fixed_dictionaries({"name": TEXTS, "arguments": TEXTS})},
    optional={"extra_content": JSON, "index": JSON},
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "system", "developer"]), "content": CONTENT}, optional={"name": JSON, "other": JSON}
) | st.fixed_dictionaries(
    {"role": st.just("assistant")},
    optional={
        "content": CONTENT,
        "tool_calls": st.lists(CALLS, max_size=2),
        "refusal": st.none() | TEXTS,
        "reasoning_content": st.none() | TEXTS,
        "reasoning_details": st.lists(st.dictionaries(TEXTS, JSON, max_size=2), max_size=2),
        "annotations": JSON,
        "name": JSON,
    },
)


@given(st.lists(MESSAGES, max_size=5))
def test_any_messages_survive(values: list[Any]) -> None:
    assert exactly(write(read(with_messages(*values)))) == exactly(with_messages(*values))


def test_peek_tells_model_and_stream() -> None:
    body = b'{"stream":true,"messages":[{"model":"no"}],"model":"yes"}'

    assert DIALECT.peek(Call("/", body)) == Peek("yes", True, Outline(body))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"model":1}', b'{"model":""}', b'{"model":"a","model":"b"}', b'{"model":"a","stream":1}']
)
def test_peek_refuses_what_cannot_be_routed(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.peek(Call("/", body))

    assert (caught.value.kind, caught.value.source) == (Kind.INVALID_REQUEST, "client")


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({"model": "m"}, "messages"),
        ({"messages": []}, "body.model"),
        (with_messages("hi"), "messages[0]"),
        (with_messages({"content": "hi"}), "messages[0].role"),
        (with_messages({"role": "usr", "content": "hi"}), "messages[0].role"),
        (with_messages({"role": "user", "content": 1}), "messages[0].content"),
        (with_messages({"role": "user", "content": [{"type": "text"}]}), "messages[0].content[0].text"),
        (with_messages({"role": "tool", "content": "hi"}), "messages[0].tool_call_id"),
        (with_messages({"role": "assistant", "tool_calls": [{"id": "1"}]}), "messages[0].tool_calls[0].function"),
        ({**with_messages(), "tools": {}}, "tools"),
        ({**with_messages(), "temperature": "hot"}, "temperature"),
        ({**with_messages(), "n": True}, "n"),
        ({**with_messages(), "stop": [1]}, "stop"),
        ({**with_messages(), "max_tokens": "many"}, "max_tokens"),
        ({**with_messages(), "stream": "yes"}, "stream"),
    ],
)
def test_what_breaks_the_api_is_refused_with_its_path(value: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(value)

    assert (caught.value.kind, caught.value.source, caught.value.param) == (Kind.INVALID_REQUEST, "client", param)


def test_an_assistant_message_becomes_thought_words_and_calls() -> None:
    request = read(
        with_messages(
            {
                "role": "assistant",
                "content": "Looking.",
                "reasoning_content": "hm",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        )
    )

    assert request.items == (
        ir.Reasoning(content=("hm",), extra={"chat": {"reasoning_content": "hm", "$turn": {}}}),
        ir.Message("assistant", (ir.Text("Looking."),)),
        ir.Call("c1", "f", "{}"),
        ir.Result("c1", (ir.Text("ok"),)),
    )


def test_custom_calls_give_their_results_their_kind() -> None:
    request = read(
        with_messages(
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "f", "input": "raw"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        )
    )

    assert [item.kind for item in request.items if isinstance(item, ir.Call | ir.Result)] == ["custom", "custom"]


def test_flat_items_are_grouped_into_turns() -> None:
    written = messages(
        ir.Message("user", (ir.Text("a"), ir.Text("b"))),
        ir.Reasoning(summary=("s",)),
        ir.Message("assistant", (ir.Text("first"),), phase="commentary"),
        ir.Message("assistant", (ir.Text("second"),)),
        ir.Call("c1", "f", ""),
        ir.Call("c2", "g", "raw", kind="custom"),
        ir.Result("c1", (ir.Text("one"), ir.Text("two")), plain=False),
        ir.Result("c2", ()),
        ir.Message("assistant", (ir.Text("done"),)),
    )

    assert written == [
        {"role": "user", "content": "a\n\nb"},
        {
            "role": "assistant",
            "content": "first\n\nsecond",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "raw"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one\ntwo"},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
        {"role": "assistant", "content": "done"},
    ]


def test_results_stand_right_after_their_calls() -> None:
    written = messages(
        ir.Call("c1", "f", "{}"),
        ir.Call("c2", "f", "{}"),
        ir.Message("user", (ir.Text("hurry"),)),
        ir.Result("c1", (ir.Text("1"),)),
        ir.Message("developer", (ir.Text("note"),)),
        ir.Result("c2", (ir.Text("2"),)),
        ir.Message("user", (ir.Text("more"),)),
    )

    assert [(one["role"], one["content"]) for one in written] == [
        ("assistant", None),
        ("tool", "1"),
        ("tool", "2"),
        ("user", "hurry"),
        ("developer", "note"),
        ("user", "more"),
    ]


def test_an_unanswered_call_keeps_the_order_of_what_follows() -> None:
    written = messages(
        ir.Call("c1", "f", "{}"),
        ir.Message("user", (ir.Text("a"),)),
        ir.Message("assistant", (ir.Text("b"),)),
        ir.Message("user", (ir.Text("c"),)),
    )

    assert [one["role"] for one in written] == ["assistant", "user", "assistant", "user"]


def test_thoughts_are_never_told_as_words() -> None:
    written = messages(
        ir.Reasoning(content=("secret",), summary=("s",)), ir.Message("assistant", (ir.Text("hi"),)), ir.Reasoning(content=("x",))
    )

    assert written == [{"role": "assistant", "content": "hi"}]


def test_thoughts_go_back_where_the_provider_wants_them() -> None:
    quirks = Quirks(replay_reasoning=True, reasoning_field="reasoning_content")

    written = messages(
        ir.Reasoning(content=("because",)),
        ir.Call("c1", "f", "{}"),
        ir.Result("c1", ()),
        ir.Call("c2", "f", "{}"),
        ir.Result("c2", ()),
        quirks=quirks,
    )

    assert [one.get("reasoning_content") for one in written if one["role"] == "assistant"] == ["because", " "]


def test_sealed_details_go_back_in_order() -> None:
    proof = ir.Proof("chat", '[{"type":"reasoning.text","text":"a"}]', "reasoning_details")
    later = ir.Proof("chat", '[{"type":"reasoning.encrypted","data":"b"}]', "reasoning_details")

    written = messages(ir.Reasoning(proof=proof), ir.Call("c1", "f", "{}"), ir.Reasoning(proof=later))

    assert written[0]["reasoning_details"] == [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.encrypted", "data": "b"}]


def test_settings_take_the_fields_that_the_provider_knows() -> None:
    request = ir.Request("m", (), stream=True, max_tokens=5, output=ir.OutputFormat("json"), reasoning=ir.ReasoningWish(budget_tokens=9000))

    assert write(request, Quirks(max_tokens_field="max_tokens", stream_usage=True)) == {
        "model": "m",
        "messages": [],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 5,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "medium",
    }


def test_a_changed_wish_replaces_the_way_it_was_spelled() -> None:
    request = read({**with_messages(), "reasoning": {"effort": "xhigh"}})
    fitted = ir.Request("m", (), reasoning=ir.ReasoningWish("high"), extra=request.extra)

    assert write(fitted) == {"model": "m", "messages": [], "reasoning_effort": "high"}


def test_what_chat_cannot_say_is_told() -> None:
    items = (
        ir.Message("user", (ir.Image(ir.FileId("f")), ir.File(ir.Url("https://x.example/a.pdf")), ir.Text("x"))),
        ir.OpaqueItem("responses", "program", {}),
    )
    request = ir.Request("m", items, tools=(ir.HostedTool("web_search", "responses", {}),), reasoning=ir.ReasoningWish("low", "auto"))

    call, lost = DIALECT.write_request(request, SILENT)

    assert json.loads(call.body)["messages"] == [{"role": "user", "content": [{"type": "text", "text": "x"}]}]
    assert [field for field, _ in lost] == ["messages.content", "messages.content", "messages", "tools", "reasoning.summary"]


def test_an_answer_is_to_be_kept_only_where_that_is_asked_for() -> None:
    assert DIALECT.keeps(read({**with_messages(), "store": True}))
    assert not DIALECT.keeps(read({**with_messages(), "store": False}))
    assert DIALECT.state_fields(read({**with_messages(), "store": True})) == []


@pytest.mark.parametrize("data", ["", "no json", "[]", "1"])
def test_a_proof_that_was_spoiled_on_its_way_is_not_sent(data: str) -> None:
    call = ir.Call("c", "f", "{}", proof=ir.Proof("chat", data, "extra_content"))

    written, _ = DIALECT.write_request(ir.Request("m", (call,)), Quirks())

    entry = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert json.loads(written.body)["messages"] == [{"role": "assistant", "content": None, "tool_calls": [entry]}]


def test_words_after_a_refusal_stay_behind_it() -> None:
    refused = ir.Message("assistant", (ir.Text("No.", refusal=True),))
    said = ir.Message("assistant", (ir.Text("Or rather"), ir.Text("no.", refusal=True)))

    assert messages(refused, said, ir.Call("c", "f", "{}")) == [
        {"role": "assistant", "content": None, "refusal": "No."},
        {
            "role": "assistant",
            "content": "Or rather",
            "refusal": "no.",
            "tool_calls": [{"type": "function", "id": "c", "function": {"name": "f", "arguments": "{}"}}],
        },
    ]
