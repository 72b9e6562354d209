"""Requests of the dialect `messages`: read and written again they are the same JSON; from elsewhere they keep to the API's rules."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Call, Peek, Quirks
from dragoman.dialects.messages import DIALECT
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.response import Choice, Response
from dragoman.ir.seal import seal
from dragoman.wire.splice import Outline

GOLDEN = Path(__file__).parent.parent / "golden" / "messages" / "requests"
BARE = Quirks(cache_breakpoints="off")
ADAPTIVE = Quirks(cache_breakpoints="off", thinking="adaptive")


def read(value: Any) -> ir.Request:
    return DIALECT.read_request(Call("/messages", json.dumps(value).encode()))


def written(request: ir.Request, quirks: Quirks = BARE) -> tuple[Any, list[tuple[str, str]]]:
    call, lost = DIALECT.write_request(request, quirks)
    return json.loads(call.body), lost


def write(request: ir.Request, quirks: Quirks = BARE) -> Any:
    return written(request, quirks)[0]


def messages(*items: ir.Item) -> Any:
    return write(ir.Request("m", items))["messages"]


def exactly(value: Any) -> str:
    """JSON text with sorted keys: tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


def says(role: ir.Role, *texts: str) -> ir.Message:
    return ir.Message(role, tuple(ir.Text(text) for text in texts))


def result(call_id: str, text: str = "done") -> ir.Result:
    return ir.Result(call_id, (ir.Text(text),))


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def use(id: str, name: str = "f", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": given}


def answer(id: str, content: Any = "done", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


# ---- there and back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_read_is_written_again(path: Path) -> None:
    value = json.loads(path.read_text())

    again, lost = written(read(value), Quirks())

    assert exactly(again) == exactly(value)
    assert lost == []


TEXTS = st.text(max_size=5)
NAMES = TEXTS.filter(lambda name: not name.startswith("$"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
MORE = {"cache_control": JSON, "later": JSON}
SOURCES = (
    st.fixed_dictionaries({"type": st.just("base64"), "media_type": TEXTS, "data": TEXTS})
    | st.fixed_dictionaries({"type": st.just("text"), "media_type": st.just("text/plain"), "data": TEXTS}, optional=MORE)
    | st.fixed_dictionaries({"type": st.just("url"), "url": TEXTS}, optional=MORE)
    | JSON
)


def block(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields}, optional=MORE)


PARTS = (
    block("text", text=TEXTS, citations=JSON)
    | block("text", text=TEXTS)
    | block("image", source=SOURCES)
    | block("document", source=SOURCES, title=JSON)
    | st.fixed_dictionaries({"type": TEXTS}, optional=MORE).filter(lambda value: value["type"] not in KNOWN)
)
KNOWN = ("text", "image", "document")
SPOKEN = (
    PARTS
    | block("thinking", thinking=TEXTS, signature=JSON)
    | block("thinking", thinking=TEXTS)
    | block("redacted_thinking", data=TEXTS)
    | block("tool_use", id=TEXTS, name=TEXTS, input=JSON)
    | block("server_tool_use", id=TEXTS, name=TEXTS, input=JSON)
    | block("x_tool_result", tool_use_id=TEXTS, content=JSON)
    | block("compaction", content=JSON)
    | block("tool_result", tool_use_id=TEXTS, content=st.none() | TEXTS | st.lists(PARTS, max_size=2), is_error=JSON)
    | block("tool_result", tool_use_id=TEXTS)
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": TEXTS | st.lists(SPOKEN, max_size=4)}, optional=MORE
)
BODIES = st.fixed_dictionaries(
    {"model": TEXTS, "messages": st.lists(MESSAGES, max_size=4)},
    optional={
        "max_tokens": st.none() | st.integers(0, 9),
        "system": st.none() | TEXTS | st.lists(PARTS, max_size=2),
        "stream": st.none() | st.booleans(),
        "thinking": JSON,
        "output_config": JSON,
        "metadata": JSON,
        "service_tier": JSON,
        "temperature": st.none() | st.integers(0, 1),
        "stop_sequences": st.none() | st.lists(TEXTS, max_size=2),
        "tool_choice": st.none() | st.dictionaries(st.sampled_from(["type", "name", "disable_parallel_tool_use"]), JSON, max_size=3),
        "tools": st.none()
        | st.lists(
            st.fixed_dictionaries({"name": TEXTS}, optional={"description": JSON, "input_schema": st.none() | st.just({}), "strict": JSON}),
            max_size=2,
        ),
        "later": JSON,
    },
)


@given(BODIES)
def test_whatever_is_legal_survives_reading_and_writing(value: dict[str, Any]) -> None:
    again, lost = written(read(value), Quirks())

    assert exactly(again) == exactly(value)
    assert lost == []


# ---- what comes from elsewhere -------------------------------------------------------------------------------------------


def test_instructions_at_the_head_become_system_and_the_rest_alternates() -> None:
    items = (
        says("system", "one"),
        says("developer", "two"),
        says("user", "hi"),
        says("user", "there"),
        says("assistant", "yes"),
        says("user", "go"),
    )

    body = write(ir.Request("m", items))

    assert body["system"] == [text("one"), text("two")]
    assert body["messages"] == [
        {"role": "user", "content": [text("hi"), text("there")]},
        {"role": "assistant", "content": [text("yes")]},
        {"role": "user", "content": [text("go")]},
    ]


def test_results_stand_first_in_the_turn_after_their_calls_in_the_order_of_the_calls() -> None:
    call_a, call_b = ir.Call("a", "f", '{"x":1}'), ir.Call("b", "f", "")

    said = messages(
        says("user", "hi"),
        call_a,
        call_b,
        says("user", "by the way"),
        result("b", "2"),
        result("a", "1"),
        says("assistant", "ok"),
        says("user", "go"),
    )

    assert said[1:3] == [
        {"role": "assistant", "content": [use("a", x=1), use("b")]},
        {"role": "user", "content": [answer("a", "1"), answer("b", "2"), text("by the way")]},
    ]


def test_call_without_a_result_is_answered_and_a_result_without_a_call_is_told() -> None:
    items = (says("user", "hi"), ir.Call("a", "f", "{}"), says("user", "stop"), result("gone", "42"))

    body, lost = written(ir.Request("m", items))

    assert body["messages"][2] == {
        "role": "user",
        "content": [
            answer("a", "[no result: the call was not carried out]", is_error=True),
            text("stop"),
            text("[result of gone]"),
            text("42"),
        ],
    }
    assert [why for _, why in lost] == [
        "the result of `gone` has no call; it is told as words",
        "the call `a` has no result; it is told as not carried out",
    ]


def test_ids_become_legal_and_stay_apart() -> None:
    ids = ["call_0", "functions.f:0", "", "call_0"]
    items = [item for call_id in ids for item in (ir.Call(call_id, "f", "{}"), result(call_id))]

    said = messages(says("user", "hi"), *items)

    used = [block["id"] for message in said for block in message["content"] if block["type"] == "tool_use"]
    answered = [block["tool_use_id"] for message in said for block in message["content"] if block["type"] == "tool_result"]
    assert used == answered == ["call_0", "drgid-ZnVuY3Rpb25zLmY6MA", "drgid-", "call_0-2"]


@given(st.text(max_size=12))
def test_an_id_comes_back_as_it_was(call_id: str) -> None:
    said = messages(says("user", "hi"), ir.Call(call_id, "f", "{}"), result(call_id))

    [call, back] = read({"model": "m", "messages": said[1:]}).items

    assert isinstance(call, ir.Call)
    assert isinstance(back, ir.Result)
    assert call.call_id == back.call_id == call_id


def test_empty_words_are_never_written() -> None:
    items = (says("system", ""), says("user", "", "hi", " \n"), says("assistant", ""), says("user", "there"))

    body = write(ir.Request("m", items))

    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": [text("hi"), text("there")]}]


def test_the_ends_of_a_conversation_are_the_users() -> None:
    assert messages(says("assistant", "hello")) == [
        {"role": "user", "content": [text("(The conversation begins here.)")]},
        {"role": "assistant", "content": [text("hello")]},
        {"role": "user", "content": [text("Continue.")]},
    ]
    assert messages(says("system", "Say hi.")) == [{"role": "user", "content": [text("Say hi.")]}]


def test_late_instructions_follow_a_user_turn_and_never_part_calls_from_results() -> None:
    items = (
        says("user", "a"),
        ir.Call("1", "f", "{}"),
        says("developer", "rule"),
        result("1"),
        says("assistant", "b"),
        says("developer", "more"),
        says("user", "c"),
    )

    said = messages(*items)

    assert [message["role"] for message in said] == ["user", "assistant", "user", "system", "assistant", "user", "system"]
    assert said[3]["content"] == [text("rule")]
    assert said[6]["content"] == [text("more")]


def test_thoughts_go_back_with_their_proofs_only() -> None:
    own = ir.Reasoning(("so",), proof=ir.Proof("messages", "sig", "signature"))
    changed = ir.Reasoning(("So.",), proof=ir.Proof("messages", "sig3", "signature"), extra={"messages": {"$words": "so\n"}})
    silent = ir.Reasoning(proof=ir.Proof("messages", "sig2", "signature"))
    hidden = ir.Reasoning(proof=ir.Proof("messages", "data", "redacted"))
    other = ir.Reasoning(("hm",), proof=ir.Proof("responses", "enc", "encrypted_content"))

    said = messages(
        says("user", "hi"),
        own,
        changed,
        silent,
        hidden,
        other,
        ir.Reasoning(content=("bare",)),
        says("assistant", "yes"),
        says("user", "go"),
    )

    assert said[1]["content"] == [
        {"type": "thinking", "thinking": "so", "signature": "sig"},
        {"type": "thinking", "thinking": "so\n", "signature": "sig3"},
        {"type": "thinking", "thinking": "", "signature": "sig2"},
        {"type": "redacted_thinking", "data": "data"},
        text("yes"),
    ]


def test_arguments_that_are_no_object_are_told_as_input() -> None:
    said = messages(
        says("user", "hi"),
        *(item for n, given in enumerate(["[1]", "not json", " "]) for item in (ir.Call(f"c{n}", "f", given), result(f"c{n}"))),
    )

    assert [message["content"][0]["input"] for message in said[1::2]] == [{"input": [1]}, {"input": "not json"}, {}]


def test_results_keep_pictures_and_errors() -> None:
    picture = ir.Image(ir.Inline("image/jpg", "AAAA"), "high")

    said = messages(says("user", "hi"), ir.Call("a", "f", "{}"), ir.Result("a", (ir.Text("see"), picture), plain=False, is_error=True))

    assert said[2]["content"] == [
        answer(
            "a", [text("see"), {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}}], is_error=True
        )
    ]


def test_media_that_the_api_does_not_take_leave_a_word() -> None:
    parts = (
        ir.Image(ir.Inline("image/tiff", "AAAA")),
        ir.File(ir.FileId("file-1")),
        ir.File(ir.Inline("text/csv", "YSxi"), "a.csv"),
        ir.Audio(ir.Inline("audio/wav", "AA")),
    )

    body, lost = written(ir.Request("m", (ir.Message("user", parts),)))

    assert body["messages"][0]["content"] == [
        text("[image left out: this model does not take it]"),
        text("[file left out: this model does not take it]"),
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}, "title": "a.csv"},
        text("[audio left out: this model does not take it]"),
    ]
    assert len(lost) == 3


def test_a_sealed_thought_of_another_api_comes_back_whole() -> None:
    thought = ir.Reasoning(("in short",), ("in full",), ir.Proof("responses", "enc", "encrypted_content", "openai/gpt-5.5"))
    request = ir.Request("m", ())

    body = json.loads(DIALECT.write_response(_reply(thought), request))

    assert body["content"][0]["thinking"] == "in short\n\nin full"
    [back] = read({"model": "m", "messages": [{"role": "assistant", "content": body["content"]}]}).items
    assert isinstance(back, ir.Reasoning)
    assert (back.summary, back.content, back.proof) == (thought.summary, thought.content, thought.proof)


def _reply(*items: ir.Item) -> Response:
    return Response("r", "m", (Choice(0, items),))


# ---- settings ------------------------------------------------------------------------------------------------------------


def settings(quirks: Quirks = BARE, **given: Any) -> Any:
    body = write(ir.Request("m", (says("user", "hi"),), **given), quirks)
    return {name: value for name, value in body.items() if name not in ("model", "messages")}


def test_a_limit_is_always_named() -> None:
    assert settings() == {"max_tokens": 8192}
    assert settings(max_tokens=5, stream=True) == {"max_tokens": 5, "stream": True}


@pytest.mark.parametrize(
    ("quirks", "wish", "expected"),
    [
        (
            ADAPTIVE,
            ir.ReasoningWish("high", "auto"),
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        ),
        (ADAPTIVE, ir.ReasoningWish("low"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (ADAPTIVE, ir.ReasoningWish(budget_tokens=9000), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}),
        (ADAPTIVE, ir.ReasoningWish("none"), {}),
        (ADAPTIVE, ir.ReasoningWish(summary="auto"), {}),
        (
            Quirks(thinking="adaptive", thinking_off="disabled", cache_breakpoints="off"),
            ir.ReasoningWish("none"),
            {"thinking": {"type": "disabled"}},
        ),
        (
            Quirks(thinking="adaptive", thinking_off="between_tools", cache_breakpoints="off"),
            ir.ReasoningWish("none"),
            {"thinking": {"type": "between_tools"}},
        ),
        (
            Quirks(thinking="adaptive", thinking_off="disabled", cache_breakpoints="off"),
            ir.ReasoningWish(summary="detailed"),
            {"thinking": {"type": "adaptive", "display": "summarized"}},
        ),
        (BARE, ir.ReasoningWish("low"), {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        (BARE, ir.ReasoningWish("high"), {"thinking": {"type": "enabled", "budget_tokens": 10000}}),
        (BARE, ir.ReasoningWish(budget_tokens=500), {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (BARE, ir.ReasoningWish(summary="auto"), {}),
        (Quirks(thinking="none", cache_breakpoints="off"), ir.ReasoningWish("high"), {}),
    ],
)
def test_effort_is_asked_for_as_the_family_takes_it(quirks: Quirks, wish: ir.ReasoningWish, expected: Any) -> None:
    assert settings(quirks, reasoning=wish, max_tokens=20_000) == {"max_tokens": 20_000, **expected}


def test_a_limit_too_small_for_thoughts_wins() -> None:
    body, lost = written(ir.Request("m", (says("user", "hi"),), reasoning=ir.ReasoningWish("high"), max_tokens=2000))

    assert "thinking" not in body
    assert lost == [("reasoning.effort", "`max_tokens` leaves less than 1024 tokens for thoughts")]


def test_a_schema_is_closed_and_its_limits_are_told_in_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "a count"},
            "list": {"type": "array", "items": {"$ref": "#/$defs/d"}, "minItems": 3},
            "minimum": {"oneOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "regex"}]},
        },
        "$defs": {"d": {"type": "object", "properties": {}, "additionalProperties": False}},
    }

    body, lost = written(ir.Request("m", (says("user", "hi"),), output=ir.OutputFormat("schema", "answer", schema)))

    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "n": {"type": "integer", "description": 'a count {"minimum":1}'},
                "list": {"type": "array", "items": {"$ref": "#/$defs/d"}, "description": '{"minItems":3}'},
                "minimum": {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "description": '{"format":"regex"}'}]},
            },
            "$defs": {"d": {"type": "object", "properties": {}, "additionalProperties": False}},
            "additionalProperties": False,
        },
    }
    assert lost == []


def test_free_fields_that_get_lost_are_told() -> None:
    free = ir.OutputFormat("schema", "a", {"type": "object", "properties": {"any": {"type": "object"}}})

    _, lost = written(ir.Request("m", (says("user", "hi"),), output=free))

    assert lost == [("output", "the schema has objects with free fields, which this API closes")]


TOOL = ir.FunctionTool("f", "does", {"type": "object", "properties": {}}, strict=False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tool_choice": ir.ToolChoice("required")}, {"type": "any"}),
        ({"tool_choice": ir.ToolChoice("none"), "parallel_tools": False}, {"type": "none"}),
        (
            {"tool_choice": ir.ToolChoice("one", ((None, "f"),)), "parallel_tools": False},
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        ({"tool_choice": ir.ToolChoice("auto"), "parallel_tools": True}, None),
        ({"parallel_tools": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": ir.ToolChoice("some", ((None, "f"),), required=True)}, {"type": "any"}),
    ],
)
def test_the_choice_among_tools(given: Any, expected: Any) -> None:
    assert settings(tools=(TOOL,), **given).get("tool_choice") == expected


def test_tools_have_an_object_schema_and_are_strict_where_the_api_can() -> None:
    closed = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    union = {"anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}]}
    search = ir.HostedTool(
        "web_search", "responses", {"type": "web_search", "filters": {"allowed_domains": ["x.example"]}, "user_location": {"country": "DE"}}
    )
    tools = (
        TOOL,
        ir.FunctionTool("none"),
        ir.FunctionTool("closed", parameters=closed, strict=True),
        ir.FunctionTool("open", parameters={"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}, strict=True),
        ir.FunctionTool("union", parameters=union),
        search,
        ir.HostedTool("image_generation", "responses", {"type": "image_generation"}),
    )

    body, lost = written(ir.Request("m", (says("user", "hi"),), tools=tools))

    assert body["tools"] == [
        {"name": "f", "description": "does", "input_schema": {"type": "object", "properties": {}}},
        {"name": "none", "input_schema": {"type": "object", "properties": {}}},
        {"name": "closed", "input_schema": closed, "strict": True},
        {"name": "open", "input_schema": {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}},
        {"name": "union", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}},
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "allowed_domains": ["x.example"],
            "user_location": {"type": "approximate", "country": "DE"},
        },
    ]
    assert lost == [("tools", "messages has no form for the tool `image_generation`")]


def test_what_the_api_cannot_say_is_told() -> None:
    sampling = ir.Sampling(temperature=1.5, seed=1, stop=("END", "\n"), logprobs=True)

    body, lost = written(ir.Request("m", (says("user", "hi"),), sampling=sampling, service_tier="flex", user="u", metadata={"a": "b"}))

    assert body | {"messages": 0} == {
        "model": "m",
        "max_tokens": 8192,
        "temperature": 1,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "messages": 0,
    }
    assert [field for field, _ in lost] == ["service_tier", "stop", "seed", "logprobs", "metadata"]


# ---- the cache -----------------------------------------------------------------------------------------------------------

MARKED = {"cache_control": {"type": "ephemeral"}}
CONVERSATION = (says("system", "be"), says("user", "one"), says("assistant", "two"), says("user", "three"))


def test_breakpoints_are_fixed_and_the_moving_one_is_the_apis_own() -> None:
    body = write(ir.Request("m", CONVERSATION, tools=(TOOL, ir.FunctionTool("g"))), Quirks())

    assert body["cache_control"] == {"type": "ephemeral"}
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, {"type": "ephemeral"}]
    assert body["system"] == [text("be") | MARKED]
    assert "cache_control" not in exactly(body["messages"])


def test_breakpoints_by_hand_are_four_at_most() -> None:
    body = write(ir.Request("m", CONVERSATION, tools=(TOOL,)), Quirks(cache_breakpoints="blocks"))

    assert exactly(body).count('"cache_control"') == 4
    assert "cache_control" not in body
    assert [message["content"][-1].get("cache_control") for message in body["messages"]] == [
        {"type": "ephemeral"},
        None,
        {"type": "ephemeral"},
    ]


def test_clients_of_this_api_set_their_own_breakpoints() -> None:
    value = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}

    assert write(read(value), Quirks()) == value


def test_every_turn_begins_with_the_bytes_of_the_turn_before() -> None:
    items: tuple[ir.Item, ...] = (says("system", "be"), says("user", "go"))
    bodies: list[bytes] = []
    for turn in range(10):
        bodies.append(DIALECT.write_request(ir.Request("m", items, tools=(TOOL,), stream=True), Quirks())[0].body)
        thought = ir.Reasoning(content=("hm",), proof=ir.Proof("messages", f"s{turn}", "signature"))
        items = (
            *items,
            thought,
            ir.Call(f"a{turn}", "f", "{}"),
            ir.Call(f"b{turn}", "f", '{"z":1,"a":2}'),
            result(f"b{turn}"),
            result(f"a{turn}"),
        )

    assert all(later.startswith(earlier.removesuffix(b"]}")) for earlier, later in pairwise(bodies))


# ---- at a glance, and what is wrong --------------------------------------------------------------------------------------


def test_peek_and_splice() -> None:
    body = b'{"model": "a", "stream": true, "messages": []}'

    assert DIALECT.peek(Call("/messages", body)) == Peek("a", True, Outline(body))


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "body"),
        ({"messages": []}, "body.model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": [1]}, "messages[0]"),
        ({"model": "m", "messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user"}]}, "messages[0].content"),
        ({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"model": "m", "messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]}, "messages[0].content[0].id"),
        ({"model": "m", "messages": [], "max_tokens": "9"}, "max_tokens"),
        ({"model": "m", "messages": [], "tools": [{}]}, "tools[0].name"),
        ({"model": "m", "messages": [], "stop_sequences": [1]}, "stop_sequences"),
        ({"model": "m", "messages": [], "stream": 1}, "stream"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(value: Any, path: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(value)

    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, path)


def test_a_broken_seal_leaves_the_words() -> None:
    broken = seal(ir.Proof("responses", "x"))[:-4]

    [thought] = read(
        {"model": "m", "messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": broken}]}]}
    ).items

    assert isinstance(thought, ir.Reasoning)
    assert (thought.summary, thought.proof) == (("hm",), None)


def test_state_at_the_provider_is_named() -> None:
    plain = {"model": "m", "messages": []}

    assert DIALECT.state_fields(read(plain | {"container": {"skills": []}})) == []
    assert DIALECT.state_fields(read(plain | {"container": "container_1", "thread": {"type": "create"}})) == ["container", "thread"]
