"""A `type`, `role` or reason that is a list where a word should be: refused or kept, never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect, names
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.fold import Fold
from dragoman.ir.request import Request
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower
from dragoman.wire.frame import Frame

REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("responses", {"model": "m", "input": [{"role": [], "content": "x"}]}),
    ("responses", {"model": "m", "input": [{"role": "user", "content": [{"type": []}]}]}),
    ("responses", {"model": "m", "input": "x", "tools": [{"type": []}]}),
    ("responses", {"model": "m", "input": "x", "text": {"format": {"type": []}}}),
    ("chat", {"model": "m", "messages": [{"role": "user", "content": [{"type": []}]}]}),
    ("chat", {"model": "m", "messages": [], "tools": [{"type": []}]}),
    ("messages", {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": []}]}]}),
]
FRAMES: list[dict[str, Any]] = [
    {"type": []},
    {"type": "content_block_start", "index": 0, "content_block": {"type": []}},
    {"type": "message_delta", "delta": {"stop_reason": []}, "usage": {}},
]


@pytest.mark.parametrize(("name", "body"), REQUESTS)
def test_a_request_is_refused_or_kept(name: str, body: dict[str, Any]) -> None:
    spoken = dialect(name)

    try:
        request = spoken.read_request(Call(spoken.path, json.dumps(body).encode()))
    except GatewayError as error:
        assert error.param is not None
        return
    assert json.loads(spoken.write_request(request, Quirks(store=None, stream_usage=False, cache_breakpoints="off"))[0].body) == body


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_of_messages_is_told_of_or_passed_over(frame: dict[str, Any]) -> None:
    reader = dialect("messages").reader(Quirks())

    events = [*reader.feed(Frame(json.dumps(frame).encode())), *reader.close()]

    assert isinstance(events[-1], ev.Failed)


def test_a_frame_without_its_type_takes_it_from_its_event_line() -> None:
    reader = dialect("messages").reader(Quirks())

    assert list(reader.feed(Frame(b'{"type": null}', "ping"))) == [ev.Pinged()]


def test_counts_of_gemini_that_are_no_text_fail_the_stream() -> None:
    reader = dialect("generate").reader(Quirks())
    part = b'{"candidates": [{"content": {"parts": [{"text": "a"}]}, "index": 0}], "usageMetadata": {"promptTokenCount": 1%b}}'

    events = [*reader.feed(Frame(part % b"")), *reader.feed(Frame(part % b', "x": "\x80"')), *reader.close()]

    assert isinstance(events[-1], ev.Failed)


DEEP: Any = {"type": "string"}
for _ in range(300):
    DEEP = {"type": "object", "properties": {"a": DEEP}}
SCHEMAS: list[Any] = [
    {"anyOf": [{"properties": [[]]}, "x", {"properties": {"b": {"type": "string"}}}], "properties": [["a"]]},
    {"type": "object", "properties": {"a": {"type": "string", "format": []}}},
    {"type": "object", "properties": {"a": {"minItems": "²", "type": []}}},
    DEEP,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=["alternatives", "format", "number", "deep"])
@pytest.mark.parametrize("target", names())
def test_a_schema_that_is_none_or_very_deep_goes_on_to_whoever_judges_it(target: str, schema: Any) -> None:
    body = {"model": "m", "messages": [], "tools": [{"type": "function", "function": {"name": "f", "parameters": schema, "strict": True}}]}
    chat = dialect("chat").read_request(Call("/chat/completions", json.dumps(body).encode()))
    declared = {"contents": [], "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]}
    generate = dialect("generate").read_request(Call("/models/m:generateContent", json.dumps(declared).encode()))

    written = [dialect(target).write_request(request, Quirks())[0].body for request in (chat, generate)]

    assert all(b'"f"' in each for each in written)


def test_an_include_that_is_no_list_stays_as_it_came() -> None:
    body = {"model": "m", "input": "x", "include": 1.5, "reasoning": {"effort": "low"}}
    request = dialect("responses").read_request(Call("/responses", json.dumps(body).encode()))

    assert json.loads(dialect("responses").write_request(request, Quirks())[0].body) == {**body, "store": False}


@pytest.mark.parametrize(
    "call",
    [
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}},
        {"type": "web_search_call", "action": {"type": "search", "query": "q"}},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "code_interpreter_call", "id": "ci_1", "code": "1"},
    ],
)
def test_a_call_that_the_provider_ran_goes_back_to_it_whatever_else_it_says(call: dict[str, Any]) -> None:
    body = {"model": "m", "input": [call, {"role": "user", "content": "go on"}], "store": False}
    request = dialect("responses").read_request(Call("/responses", json.dumps(body).encode()))

    lowered = lower(request, Capabilities(dialect="responses"))

    assert (json.loads(dialect("responses").write_request(lowered.request, Quirks())[0].body), lowered.warnings) == (body, [])


@pytest.mark.parametrize("index", [[], {}, "0", True, 1.0, None])
def test_words_of_a_choice_whose_number_is_none_are_those_of_the_first(index: Any) -> None:
    reader = dialect("chat").reader(Quirks())
    chunks = [{"id": "c", "choices": [{"index": index, "delta": {"content": word}}]} for word in ("a", "b", "c")]

    events = [event for chunk in chunks for event in reader.feed(Frame(json.dumps(chunk).encode()))]

    assert [event.text for event in events if isinstance(event, ev.TextDelta)] == ["a", "b", "c"]


# A call of a tool with fields that are called like the gateway's own marks, and one that is nobody's item.
ODD = dict.fromkeys(("$as", "$wire", "$in", "$spelled"), 1.5)
REPLIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "chat",
        {"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": ["CALL"]}}]},
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, **ODD},
    ),
    (
        "generate",
        {"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": ["CALL"]}}]},
        {"functionCall": {"name": "f", "args": {}, "id": "c1", **ODD}, **ODD},
    ),
    (
        "generate",
        {"candidates": [{"finishReason": "STOP", "content": {"role": "model", "parts": ["CALL", {"functionResponse": {"name": []}}]}}]},
        {"functionCall": {"name": ["f"], "args": {}}},
    ),
    ("messages", {"stop_reason": "tool_use", "content": ["CALL"]}, {"type": "tool_use", "id": "c1", "name": "f", "input": {}, **ODD}),
    ("responses", {"status": "completed", "output": ["CALL"]}, {"type": "from_the_future", "id": ["x"]}),
    (
        "responses",
        {"status": "completed", "output": ["CALL"]},
        {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "a", "logprobs": True}]},
    ),
]


@pytest.mark.parametrize(("name", "reply", "call"), REPLIES)
def test_a_reply_with_odd_fields_is_read_and_written_by_every_dialect(name: str, reply: dict[str, Any], call: dict[str, Any]) -> None:
    body = json.dumps(reply).replace('"CALL"', json.dumps(call))
    events, fold, asked = list(dialect(name).read_response(body.encode(), Quirks())), Fold(), Request("m", (), stream=True)
    for event in events:
        fold.feed(event)

    for client in names():
        whole = dialect(client).write_response(fold.response(), asked).decode()
        writer = dialect(client).writer(asked)
        streamed = b"".join([*map(writer.feed, events), writer.close()]).decode()

        assert json.loads(whole)
        assert all((mark in each) == (client == name) for mark in ODD if mark in call for each in (whole, streamed))
