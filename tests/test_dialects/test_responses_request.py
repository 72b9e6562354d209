"""Requests of the dialect `responses`: read and written again they are the same JSON; from elsewhere they keep to the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Call, Peek, Quirks
from dragoman.dialects.responses import DIALECT
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.response import Choice, Response
from dragoman.ir.seal import is_sealed
from dragoman.wire.splice import Outline

GOLDEN = Path(__file__).parent.parent / "golden" / "responses" / "requests"
SILENT = Quirks(store=None)


def read(value: Any) -> ir.Request:
    return DIALECT.read_request(Call("/responses", json.dumps(value).encode()))


def write(request: ir.Request, quirks: Quirks = SILENT) -> Any:
    return json.loads(DIALECT.write_request(request, quirks)[0].body)


def exactly(value: Any) -> str:
    """JSON text with sorted keys: tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_read_is_written_again(path: Path) -> None:
    value = json.loads(path.read_text())

    request = read(value)

    assert exactly(write(request)) == exactly(value)
    assert DIALECT.write_request(request, SILENT)[1] == []


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "auto", "data:image/png;base64,AA==", "drg2~broken"])
FIELDS = (
    "content",
    "text",
    "summary",
    "encrypted_content",
    "id",
    "call_id",
    "name",
    "namespace",
    "status",
    "tools",
    "output",
    "detail",
    "strict",
)
FIELDS += (
    "parameters",
    "image_url",
    "execution",
    "annotations",
    "phase",
    "description",
    "format",
    "action",
    "logprobs",
    "effort",
    "$as",
    "$wire",
    "$ours",
    "$instructions",
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3), max_leaves=6
)
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["input_text", "output_text", "refusal", "input_image", "input_file", "input_audio", "new"])},
    optional=dict.fromkeys(("text", "refusal", "image_url", "file_id", "file_data", "detail", "annotations", "logprobs"), VALUES),
)
TOOLS = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["function", "custom", "web_search", "tool_search"]), "name": st.just("f")},
        optional=dict.fromkeys(("parameters", "strict", "description", "format", "execution", "extra"), VALUES),
    ),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("namespace"), "name": st.sampled_from(["a", "b"]), "tools": st.lists(inner, max_size=3)},
        optional={"description": VALUES, "tint": VALUES},
    ),
    max_leaves=4,
)
ITEMS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                "message",
                "reasoning",
                "function_call",
                "custom_tool_call",
                "tool_search_call",
                "web_search_call",
                "function_call_output",
                "tool_search_output",
                "additional_tools",
                "configuration_update",
                "compaction_trigger",
                "compaction",
                "item_reference",
                "new",
            ]
        )
    },
    optional={
        "role": st.sampled_from(["user", "assistant", "developer", "system"]),
        "content": VALUES | st.lists(PARTS, max_size=3),
        "output": VALUES | st.lists(PARTS, max_size=3),
        "tools": st.lists(TOOLS, max_size=4),
        "arguments": VALUES,
        "call_id": VALUES,
        "name": VALUES,
        "encrypted_content": st.none() | st.sampled_from(["gAAAA", "x"]),
        "summary": VALUES | st.lists(st.fixed_dictionaries({"text": SCALARS}, optional={"type": st.just("summary_text")}), max_size=2),
        "execution": st.sampled_from(["client", "server"]),
        "action": VALUES,
        "id": VALUES,
        "status": VALUES,
    },
)
TOP = st.fixed_dictionaries(
    {"model": st.just("m")},
    optional={
        "input": st.text(max_size=3) | st.lists(ITEMS, max_size=4),
        "tools": st.lists(TOOLS, max_size=4),
        **dict.fromkeys(("instructions", "reasoning", "tool_choice", "text", "stream", "store", "metadata", "include", "user"), VALUES),
        **dict.fromkeys(("max_output_tokens", "temperature", "parallel_tool_calls", "safety_identifier", "prompt_cache_key"), VALUES),
    },
)


@given(TOP)
def test_any_request_is_either_refused_with_a_path_or_written_again_as_it_was(value: dict[str, Any]) -> None:
    try:
        request = read(value)
    except GatewayError as error:
        assert (error.kind, error.param is not None) == (Kind.INVALID_REQUEST, True)
        return

    assert exactly(write(request)) == exactly(value)


def test_routing_reads_model_and_stream() -> None:
    body = b'{"input": {"model": "x"}, "stream": true, "model": "m"}'

    assert DIALECT.peek(Call("/responses", body)) == Peek("m", True, Outline(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"input": "x"}',
        b'{"model": 1}',
        b'{"model": ""}',
        b'{"model": "a", "model": "b"}',
        b'{"model": "a", "stream": true, "str\\u0065am": 0}',
    ],
)
def test_routing_refuses_what_has_no_model_or_two(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.peek(Call("/responses", body))

    assert (caught.value.kind, caught.value.source) == (Kind.INVALID_REQUEST, "client")


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({"model": "m", "input": 5}, "input"),
        ({"model": "m", "input": [5]}, "input[0]"),
        ({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"model": "m", "input": [{"role": "king", "content": ""}]}, "input[0].role"),
        ({"model": "m", "input": [{"type": "function_call", "call_id": "c", "name": "n", "arguments": {}}]}, "input[0].arguments"),
        ({"model": "m", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"model": "m", "tools": {}}, "tools"),
        ({"input": "x"}, "model"),
    ],
)
def test_a_wrong_request_is_refused_with_its_path(value: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(value)

    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, param)


def test_a_deeply_nested_body_is_refused() -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.read_request(Call("/responses", b'{"model": "m", "input": ' + b"[" * 100_000))

    assert caught.value.kind is Kind.INVALID_REQUEST


def test_the_neutral_form_of_an_agents_request() -> None:
    request = read(json.loads((GOLDEN / "coding_agent.json").read_text()))

    spoken = "Message ToolsAdded Settings Message Reasoning Message"
    worked = "Call Result Call Result Call Result Call Result Call"
    assert [
        type(item).__name__ for item in request.items
    ] == f"{spoken} {worked} Compaction OpaqueItem OpaqueItem CompactionTrigger".split()
    assert [(getattr(tool, "namespace", None), getattr(tool, "name", "")) for tool in request.tools] == [
        (None, "exec_command"),
        (None, "apply_patch"),
        ("multi_agent_v1", "spawn_agent"),
        ("multi_agent_v1", "wait_agent"),
        ("multi_agent_v1", "close_agent"),
        (None, ""),
        (None, ""),
        (None, ""),
    ]
    assert request.items[3] == ir.Message(
        "user",
        (
            ir.Text('<image name=[Image #1] path="a.png">'),
            ir.Image(ir.Inline("image/png", "iVBORw0KGgo="), "original"),
            ir.Text("</image>"),
        ),
    )
    assert request.output == ir.OutputFormat("schema", "out", {"type": "object"}, True)
    assert (request.verbosity, request.service_tier, request.stream) == ("low", "priority", True)


def test_fields_that_lean_on_state_are_named() -> None:
    request = read(json.loads((GOLDEN / "odd.json").read_text()))
    referring = read({"model": "m", "store": True, "input": [{"type": "item_reference", "id": "msg_1"}]})

    assert DIALECT.state_fields(request) == ["previous_response_id", "background"]
    assert DIALECT.state_fields(referring) == ["item_reference"]
    assert DIALECT.keeps(referring)
    assert not DIALECT.keeps(request)
    assert DIALECT.state_fields(read({"model": "m", "store": False, "previous_response_id": None})) == []


def test_what_is_rewritten_in_between_wins_over_the_form_that_came() -> None:
    request = read({"model": "m", "input": [{"role": "user", "content": "old", "colour": 1}], "text": {"verbosity": "low", "new": 1}})
    message = request.items[0]
    assert isinstance(message, ir.Message)

    rewritten = msgspec.structs.replace(
        request,
        items=(msgspec.structs.replace(message, parts=(ir.Text("new"),)),),
        verbosity=None,
        stream=True,
        output=ir.OutputFormat("json"),
    )

    assert write(rewritten) == {
        "model": "m",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "new"}], "colour": 1}],
        "text": {"format": {"type": "json_object"}, "new": 1},
        "stream": True,
    }


def test_an_end_user_taken_out_is_out_in_both_spellings() -> None:
    request = read({"model": "m", "input": "x", "user": "ada", "safety_identifier": "ada"})

    assert write(msgspec.structs.replace(request, user=None)) == {"model": "m", "input": "x"}


def test_a_request_of_another_dialect_keeps_to_the_api() -> None:
    request = ir.Request(
        "m",
        (
            ir.Message("system", (ir.Text("s"),)),
            ir.Message(
                "user",
                (ir.Text("u"), ir.Image(ir.Url("https://example.org/i.png"), "low"), ir.File(ir.Inline("application/pdf", "JVB"), "a.pdf")),
            ),
            ir.Message("assistant", (ir.Text("a"),), extra={"chat": {"audio": 1}}),
            ir.Reasoning(content=("of another kind",)),
            ir.Call("c1", "f", "{}"),
            ir.Result("c1", (ir.Text("r"),)),
        ),
        tools=(ir.FunctionTool("f", "d", {"type": "object"}), ir.HostedTool("file_search", "chat", {})),
        tool_choice=ir.ToolChoice("some", ((None, "f"),), required=True),
        reasoning=ir.ReasoningWish("high"),
        output=ir.OutputFormat("schema", "n", {"type": "object"}, True),
        max_tokens=3,
        sampling=ir.Sampling(stop=("x",), seed=1, frequency_penalty=0.5, logprobs=True, top_logprobs=2),
        user="ada",
        stream=True,
    )

    call, unsaid = DIALECT.write_request(request, Quirks())

    assert json.loads(call.body) == {
        "model": "m",
        "input": [
            {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "s"}]},
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "u"},
                    {"type": "input_image", "image_url": "https://example.org/i.png", "detail": "low"},
                    {"type": "input_file", "file_data": "data:application/pdf;base64,JVB", "filename": "a.pdf"},
                ],
            },
            {"type": "message", "role": "assistant", "content": "a"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "r"},
        ],
        "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False}],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
        "reasoning": {"effort": "high"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
        "max_output_tokens": 16,
        "top_logprobs": 2,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
        "safety_identifier": "ada",
        "stream": True,
        "store": False,
    }
    assert [field for field, _ in unsaid] == ["stop", "seed", "frequency_penalty", "tools.file_search", "items", "max_tokens"]


def test_more_than_one_answer_is_refused() -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.write_request(ir.Request("m", (), choices=2), Quirks())

    assert (caught.value.kind, caught.value.param) == (Kind.UNSUPPORTED, "n")


def test_a_client_that_says_nothing_of_store_gets_what_the_profile_says() -> None:
    request = read({"model": "m", "input": "x", "reasoning": {"effort": "low"}})

    assert write(request, Quirks())["store"] is False
    assert write(request, Quirks())["include"] == ["reasoning.encrypted_content"]
    assert write(read({"model": "m", "store": True}), Quirks())["store"] is True


def test_anothers_thought_is_opened_from_its_envelope_and_not_sent_to_this_api() -> None:
    proof = ir.Proof("messages", "signature", "signature")
    sealed = _seal_of(ir.Reasoning(("sum",), ("thought",), proof))

    request = read(
        {"model": "m", "input": [{"type": "reasoning", "id": "rs_1", "summary": [], "content": None, "encrypted_content": sealed}]}
    )
    call, unsaid = DIALECT.write_request(request, SILENT)

    thought = request.items[0]
    assert isinstance(thought, ir.Reasoning)
    assert (is_sealed(sealed), thought.content, thought.proof) == (True, ("thought",), proof)
    assert (json.loads(call.body), [field for field, _ in unsaid]) == ({"model": "m", "input": []}, ["items"])


def _seal_of(item: ir.Reasoning) -> str:
    body = DIALECT.write_response(Response("r", "m", (Choice(0, (item,)),)), ir.Request("m", ()))
    return json.loads(body)["output"][0]["encrypted_content"]
