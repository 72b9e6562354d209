"""Streams and completions of the dialect `chat` as its clients want them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from dragoman.dialects.chat import DIALECT
from dragoman.dialects.contract import Quirks
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.request import Call, Citation, FunctionTool, Message, Proof, Reasoning, Request, Text
from dragoman.ir.response import Choice, Response
from dragoman.ir.usage import Usage

ASKED = Request("asked", (), stream=True)
WITHOUT_USAGE = Request("asked", (), stream=True, stream_usage=False)
LEGACY = Request("asked", (), tools=(FunctionTool("f", extra={"chat": {"$legacy": {"name": "f"}}}),), stream_usage=False)


def written(*events: ev.Event, request: Request = WITHOUT_USAGE) -> list[Any]:
    """The data of each event on the wire, `[DONE]` as text."""
    writer = DIALECT.writer(request)
    out = b"".join([writer.feed(event) for event in events]) + writer.close()
    assert out.endswith(b"\n\n")
    data = [line.removeprefix(b"data: ") for line in out.split(b"\n\n") if line]
    return [each.decode() if each == b"[DONE]" else json.loads(each) for each in data]


def deltas(*events: ev.Event, request: Request = WITHOUT_USAGE) -> list[Any]:
    """(delta, finish reason) of each chunk."""
    chunks = written(ev.Started("id", "m", 7), *events, ev.Ended(), request=request)
    for chunk in chunks[:-1]:
        if "custom" not in json.dumps(chunk):  # the SDK's type of a chunk has no custom calls yet
            ChatCompletionChunk.model_validate(chunk, strict=True)
    return [(choice["delta"], choice["finish_reason"]) for chunk in chunks[:-1] for choice in chunk["choices"]]


def test_a_stream_of_words() -> None:
    chunks = written(
        ev.Started("id-1", "m-1", 7, {"chat": {"service_tier": "default"}}),
        ev.TextStarted(0),
        ev.TextDelta(0, 'a "b"'),
        ev.PartEnded(0),
        ev.UsageReported(Usage(3, 2, cache_read_tokens=1)),
        ev.Finished("stop"),
        ev.Ended(),
        request=ASKED,
    )

    head = {"id": "id-1", "object": "chat.completion.chunk", "created": 7, "model": "m-1", "service_tier": "default"}

    def chunk(delta: Any, reason: Any = None) -> Any:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}], "usage": None}

    assert chunks == [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": 'a "b"'}),
        chunk({}, "stop"),
        {
            **head,
            "choices": [],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}},
        },
        "[DONE]",
    ]


def test_usage_stays_away_where_it_was_not_asked_for() -> None:
    chunks = written(ev.Started(), ev.UsageReported(Usage(1, 1)), ev.Finished("stop"), ev.Ended())

    assert all("usage" not in chunk for chunk in chunks[:-1])
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [{"role": "assistant", "content": ""}, {}]


def test_calls_have_an_index_and_arguments_in_deltas() -> None:
    assert deltas(
        ev.CallStarted(0, "c1", "f"),
        ev.CallDelta(0, '{"a":'),
        ev.CallStarted(1, "c2", "patch", kind="custom"),
        ev.CallDelta(1, "raw\n"),
        ev.CallDelta(0, "1}"),
        ev.PartEnded(0),
        ev.PartEnded(1),
        ev.Finished("tool_calls"),
    ) == [
        ({"role": "assistant", "content": None}, None),
        ({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]}, None),
        ({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}, None),
        ({"tool_calls": [{"index": 1, "id": "c2", "type": "custom", "custom": {"name": "patch", "input": ""}}]}, None),
        ({"tool_calls": [{"index": 1, "custom": {"input": "raw\n"}}]}, None),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}, None),
        ({}, "tool_calls"),
    ]


def test_clients_of_functions_get_a_function_call() -> None:
    assert deltas(ev.CallStarted(0, "c1", "f"), ev.CallDelta(0, "{}"), ev.PartEnded(0), ev.Finished("tool_calls"), request=LEGACY)[1:] == [
        ({"function_call": {"name": "f", "arguments": ""}}, None),
        ({"function_call": {"arguments": "{}"}}, None),
        ({}, "function_call"),
    ]


def test_thoughts_are_reasoning_content_with_their_paragraphs() -> None:
    details = Proof("chat", '[{"type":"reasoning.encrypted","data":"x"}]', "reasoning_details")

    assert deltas(
        ev.ReasoningStarted(0),
        ev.ReasoningDelta(0, "one", summary=True, section=0),
        ev.ReasoningDelta(0, " more", summary=True, section=0),
        ev.ReasoningDelta(0, "two", summary=True, section=1),
        ev.PartEnded(0, proof=details),
        ev.Finished("stop"),
    ) == [
        ({"role": "assistant", "content": ""}, None),
        ({"reasoning_content": "one"}, None),
        ({"reasoning_content": " more"}, None),
        ({"reasoning_content": "\n\ntwo"}, None),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, None),
        ({}, "stop"),
    ]


def test_seals_of_other_dialects_do_not_reach_the_client() -> None:
    assert deltas(ev.ReasoningStarted(0), ev.PartEnded(0, proof=Proof("responses", "gAAA", "encrypted_content")), ev.Finished("stop")) == [
        ({"role": "assistant", "content": ""}, None),
        ({}, "stop"),
    ]


def test_two_messages_of_a_turn_are_parted() -> None:
    found = deltas(
        ev.TextStarted(0, message_id="a"),
        ev.TextDelta(0, "one"),
        ev.PartEnded(0),
        ev.TextStarted(1, message_id="b"),
        ev.TextDelta(1, "two"),
        ev.PartEnded(1),
        ev.Finished("stop"),
    )

    assert "".join(delta.get("content", "") for delta, _ in found) == "one\n\ntwo"


def test_refusals_citations_and_logprobs_have_their_places() -> None:
    logprob = {"token": "x", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    chunks = written(
        ev.Started(),
        ev.TextStarted(0),
        ev.TextDelta(0, "x", [logprob]),
        ev.Cited(0, Citation("chat", {"type": "url_citation"})),
        ev.Cited(0, Citation("responses", {"type": "url_citation"})),
        ev.PartEnded(0),
        ev.TextStarted(1, refusal=True),
        ev.TextDelta(1, "no"),
        ev.PartEnded(1),
        ev.Finished("refusal"),
        ev.Ended(),
    )

    assert [chunk["choices"][0] for chunk in chunks[1:-1]] == [
        {"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [logprob], "refusal": None}, "finish_reason": None},
        {"index": 0, "delta": {"annotations": [{"type": "url_citation"}]}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"refusal": "no"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"},
    ]


def test_what_the_provider_ran_itself_is_not_for_the_client_to_run() -> None:
    assert deltas(
        ev.CallStarted(0, "ws", "web_search", executor="provider"), ev.CallDelta(0, "{}"), ev.PartEnded(0), ev.Finished("stop")
    ) == [
        ({"role": "assistant", "content": ""}, None),
        ({}, "stop"),
    ]


def test_whole_items_are_told_as_their_deltas() -> None:
    given = [Message("assistant", (Text("hi"),)), Reasoning(summary=("s",)), Call("c", "f", "{}")]
    events = [ev.ItemGiven(part, item) for part, item in enumerate(given)]

    assert [delta for delta, _ in deltas(*events, ev.Finished("tool_calls"))][1:-1] == [
        {"content": "hi"},
        {"reasoning_content": "s"},
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
    ]


def test_opaque_frames_of_this_dialect_go_on() -> None:
    chunks = written(
        ev.Started("i", "m", 1),
        ev.Opaque("chat", "citations", b'{"citations":["u"]}'),
        ev.Opaque("chat", "delta.audio", b'{"choices":[{"index":0,"delta":{"audio":{"data":"x"}}}]}'),
        ev.Opaque("responses", "x", b"{}"),
        ev.Warned("f", "w"),
    )

    head = {"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    assert chunks[:-1] == [
        {**head, "citations": ["u"], "choices": []},
        {**head, "choices": [{"index": 0, "delta": {"audio": {"data": "x"}}}]},
    ]


def test_a_failure_is_the_one_end() -> None:
    error = GatewayError(Kind.OVERLOADED, "busy", source="upstream")
    chunks = written(ev.Started(), ev.TextStarted(0), ev.TextDelta(0, "x"), ev.Failed(error), ev.Ended())

    assert chunks[-1] == {"error": {"message": "busy", "type": "server_error", "param": None, "code": "server_is_overloaded"}}


def test_closing_without_an_end_is_an_error() -> None:
    assert written(ev.Started())[-1]["error"]["code"] == "cut"


def test_closing_after_the_end_adds_nothing() -> None:
    assert written(ev.Started(), ev.Finished("stop"), ev.Ended()).count("[DONE]") == 1


def test_a_ping_is_a_comment_until_the_end() -> None:
    writer = DIALECT.writer(ASKED)

    before = writer.ping()
    writer.feed(ev.Ended())

    assert (before, writer.ping()) == (b": ping\n\n", b"")


def test_written_streams_read_back_as_they_were() -> None:
    events = [
        ev.Started("id", "m", 7),
        ev.ReasoningStarted(0),
        ev.ReasoningDelta(0, "hm"),
        ev.PartEnded(0),
        ev.TextStarted(1),
        ev.TextDelta(1, "a\u2028😀"),
        ev.PartEnded(1),
        ev.CallStarted(2, "c", "f"),
        ev.CallDelta(2, '{"a":1}'),
        ev.PartEnded(2),
        ev.Finished("tool_calls"),
        ev.UsageReported(Usage(3, 2, total_tokens=5)),
        ev.Ended(),
    ]
    writer, framer, reader = DIALECT.writer(ASKED), DIALECT.framer(), DIALECT.reader(Quirks())

    out = b"".join(writer.feed(event) for event in events)
    again = [event for frame in framer.feed(out) for event in reader.feed(frame)]

    before, after = Fold(), Fold()
    for event in events:
        before.feed(event)
    for event in again:
        after.feed(event)
    assert after.response() == before.response()


def test_a_whole_completion() -> None:
    items = (
        Reasoning(content=("hm",)),
        Message("assistant", (Text("a", citations=(Citation("chat", {"type": "url_citation"}),)),), id="1"),
        Message("assistant", (Text("b"), Text("no", refusal=True)), id="2"),
        Call("c", "f", "{}"),
        Call("ws", "web_search", "{}", executor="provider"),
    )
    response = Response("id", "m", (Choice(0, items, "tool_calls"),), created_s=7, usage=Usage(1, 2))

    body = json.loads(DIALECT.write_response(response, ASKED))

    assert body == {
        "id": "id",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "a\n\nb",
                    "refusal": "no",
                    "reasoning_content": "hm",
                    "annotations": [{"type": "url_citation"}],
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    body["choices"][0]["message"].pop("annotations")
    ChatCompletion.model_validate(body, strict=True)


@pytest.mark.parametrize(("request_", "key"), [(ASKED, "tool_calls"), (LEGACY, "function_call")])
def test_a_call_alone_has_null_content(request_: Request, key: str) -> None:
    response = Response("id", "m", (Choice(0, (Call("c", "f", "{}"),), "tool_calls"),))

    message = json.loads(DIALECT.write_response(response, request_))["choices"][0]["message"]

    assert message["content"] is None
    assert key in message


def test_an_answer_is_dated_by_its_provider_else_by_its_question() -> None:
    asked = msgspec.structs.replace(ASKED, asked_s=5)

    dates = [
        json.loads(DIALECT.write_response(Response("id", "m", (), created_s=told), each))["created"]
        for told in (7, None)
        for each in (asked, ASKED)
    ]

    assert dates == [7, 7, 5, 0]
