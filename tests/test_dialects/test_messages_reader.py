"""Streams and replies of the dialect `messages`, to the same neutral events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Quirks
from dragoman.dialects.messages import DIALECT
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.request import Call, Citation, Compaction, Message, OpaqueItem, Proof, Reasoning, Result, Text
from dragoman.ir.response import Response
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame

START_USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 90,
    "cache_creation_input_tokens": 5,
    "output_tokens": 3,
    "service_tier": "standard",
}
START = {
    "type": "message_start",
    "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "usage": START_USAGE},
}
STOP = {"type": "message_stop"}


def start(index: int, **block: Any) -> Any:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **said: Any) -> Any:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **said}}


def stop(index: int) -> Any:
    return {"type": "content_block_stop", "index": index}


def ending(reason: str | None, usage: Any = None, **more: Any) -> Any:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None, **more},
        "usage": usage or {"output_tokens": 7},
    }


def read(*frames: Any) -> list[ev.Event]:
    reader = DIALECT.reader(Quirks())
    grammar = Grammar()
    events: list[ev.Event] = []
    for frame in frames:
        events += reader.feed(Frame(frame if isinstance(frame, bytes) else json.dumps(frame).encode()))
    events += reader.close()
    for event in events:
        grammar.feed(event)
    assert grammar.ended
    return events


def folded(*frames: Any) -> Response:
    fold = Fold()
    for event in read(*frames):
        fold.feed(event)
    return fold.response()


def items(*frames: Any) -> Any:
    return folded(START, *frames, ending("end_turn"), STOP).choices[0].items


def failure(*frames: Any) -> GatewayError:
    last = read(*frames)[-1]
    assert isinstance(last, ev.Failed)
    return last.error


def test_words_arrive_as_they_come() -> None:
    events = read(
        START,
        start(0, type="text", text=""),
        {"type": "ping"},
        delta(0, "text_delta", text="Hel"),
        delta(0, "text_delta", text="lo"),
        stop(0),
        ending("end_turn"),
        STOP,
    )

    first = Usage(105, 3, 90, 5, extra={"messages": {"service_tier": "standard"}})
    assert events == [
        ev.UsageReported(first),
        ev.Started("msg_1", "claude-x", extra={"messages": {}}),
        ev.TextStarted(0, message_id="msg_1_0"),
        ev.Pinged(),
        ev.TextDelta(0, "Hel"),
        ev.TextDelta(0, "lo"),
        ev.PartEnded(0),
        ev.UsageReported(Usage(105, 7, 90, 5, extra={"messages": {"service_tier": "standard"}})),
        ev.Finished("stop"),
        ev.Ended(),
    ]


def test_thoughts_keep_their_proofs_even_without_a_word() -> None:
    assert items(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="so", estimated_tokens=3),
        delta(0, "signature_delta", signature="si"),
        delta(0, "signature_delta", signature="g"),
        stop(0),
        start(1, type="thinking", thinking="", signature=""),
        delta(1, "signature_delta", signature="silent"),
        stop(1),
        start(2, type="redacted_thinking", data="eA=="),
        stop(2),
    ) == (
        Reasoning(("so",), proof=Proof("messages", "sig", "signature"), extra={"messages": {"$words": "so"}}),
        Reasoning(proof=Proof("messages", "silent", "signature")),
        Reasoning(proof=Proof("messages", "eA==", "redacted")),
    )


@pytest.mark.parametrize(
    ("given", "pieces", "expected"),
    [
        ({}, ["", '{"a"', ":1}"], '{"a":1}'),
        ({}, [""], "{}"),
        ({}, [], "{}"),
        ({"a": 1}, [], '{"a":1}'),
        ({}, ['{"a'], '{"a'),
    ],
)
def test_arguments_are_what_the_deltas_say_else_the_start(given: Any, pieces: list[str], expected: str) -> None:
    deltas = [delta(0, "input_json_delta", partial_json=piece) for piece in pieces]

    found = items(start(0, type="tool_use", id="toolu_1", name="f", input=given, caller={"type": "direct"}), *deltas, stop(0))

    assert found == (Call("toolu_1", "f", expected, extra={"messages": {"caller": {"type": "direct"}}}),)


def test_rows_of_cited_words_belong_to_one_message() -> None:
    cited = {"type": "char_location", "cited_text": "x"}
    found = items(
        start(0, type="text", text="It "),
        stop(0),
        start(1, type="text", text="", citations=[]),
        delta(1, "citations_delta", citation=cited),
        delta(1, "text_delta", text="is"),
        stop(1),
        start(2, type="tool_use", id="t", name="f", input={}),
        stop(2),
        start(3, type="text", text="so"),
        stop(3),
    )

    assert found == (
        Message("assistant", (Text("It "),), id="msg_1_0"),
        Message("assistant", (Text("is", citations=(Citation("messages", cited),)),), id="msg_1_0"),
        Call("t", "f", "{}"),
        Message("assistant", (Text("so"),), id="msg_1_1"),
    )


def test_what_the_provider_ran_and_what_is_unknown_is_given_whole() -> None:
    call, back, summary, odd = items(
        start(0, type="server_tool_use", id="srv_1", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query":"q"}'),
        stop(0),
        start(1, type="web_search_tool_result", tool_use_id="srv_1", content=[{"url": "u"}]),
        stop(1),
        start(2, type="compaction", content=None),
        delta(2, "compaction_delta", content="so far", encrypted_content="ZW5j"),
        stop(2),
        start(3, type="from_the_future", x=1),
        delta(3, "future_delta", y=2),
        stop(3),
    )

    assert (call.executor, call.name, call.arguments) == ("provider", "web_search", '{"query":"q"}')
    assert isinstance(back, Result)
    assert (back.executor, back.call_id) == ("provider", "srv_1")
    assert isinstance(summary, Compaction)
    assert json.loads(summary.proof.data) == {"type": "compaction", "content": "so far", "encrypted_content": "ZW5j"}
    assert odd == OpaqueItem("messages", "from_the_future", {"type": "from_the_future", "x": 1})


@pytest.mark.parametrize(
    ("word", "more", "expected"),
    [
        ("end_turn", {}, ev.Finished("stop")),
        ("max_tokens", {}, ev.Finished("length")),
        ("stop_sequence", {"stop_sequence": "END"}, ev.Finished("stop_sequence", detail="END")),
        ("tool_use", {}, ev.Finished("tool_calls")),
        ("pause_turn", {}, ev.Finished("pause")),
        ("refusal", {"stop_details": {"type": "refusal", "category": "cyber"}}, ev.Finished("refusal", detail="cyber")),
        ("model_context_window_exceeded", {}, ev.Finished("context_window")),
        ("compaction", {}, ev.Finished("other", detail="compaction")),
    ],
)
def test_why_it_ended(word: str, more: Any, expected: ev.Finished) -> None:
    events = read(START, ending(word, **more), STOP)

    assert events[-2] == expected
    kept = {name: value for name, value in more.items() if name == "stop_details"}
    assert events[-1] == ev.Ended({"messages": kept} if kept else None)


def test_counts_are_cumulative_and_later_nulls_say_nothing() -> None:
    usage = {"input_tokens": None, "output_tokens": 20, "cache_read_input_tokens": 95, "output_tokens_details": {"thinking_tokens": 4}}

    told = folded(START, ending("end_turn", usage), STOP).usage

    assert told == Usage(
        110, 20, 95, 5, 4, extra={"messages": {"service_tier": "standard", "output_tokens_details": {"thinking_tokens": 4}}}
    )


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        ((START, start(0, type="text", text="x")), Kind.CUT),
        ((), Kind.CUT),
        ((START, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), Kind.OVERLOADED),
        (({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}},), Kind.RATE_LIMITED),
        (({"error": {"type": "api_error", "message": "boom"}},), Kind.SERVER_ERROR),
        ((START, b"<html>"), Kind.GARBLED),
        ((START, b"[1]"), Kind.GARBLED),
        ((START, {"type": "content_block_start"}), Kind.GARBLED),
    ],
)
def test_a_stream_without_its_proper_end_fails(frames: Any, kind: Kind) -> None:
    assert failure(*frames).kind is kind


def test_unknown_events_pass_and_nothing_follows_the_end() -> None:
    odd = b'{"type":"from_the_future","x":1}'

    events = read(START, odd, ending("end_turn"), STOP, START, odd, b"[DONE]")

    assert ev.Opaque("messages", "from_the_future", odd) in events
    assert isinstance(events[-1], ev.Ended)


def test_servers_that_leave_starts_and_ends_of_blocks_out_are_understood() -> None:
    found = folded(delta(0, "text_delta", text="hi"), delta(0, "text_delta", text="!"), ending("end_turn"), STOP)

    assert found.choices[0].items == (Message("assistant", (Text("hi!"),), id="msg_0"),)


def test_a_whole_reply_is_a_stream_at_once() -> None:
    body = {
        **START["message"],
        "content": [
            {"type": "thinking", "thinking": "so", "signature": "sig"},
            {"type": "text", "text": "hi", "citations": None},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1]}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "container": {"id": "c"},
    }

    fold = Fold()
    for event in DIALECT.read_response(json.dumps(body).encode(), Quirks()):
        fold.feed(event)

    told = fold.response()
    assert told.choices[0].items == (
        Reasoning(("so",), proof=Proof("messages", "sig", "signature"), extra={"messages": {"$words": "so"}}),
        Message("assistant", (Text("hi"),), id="msg_1_0"),
        Call("t", "f", '{"a":[1]}'),
    )
    assert (told.choices[0].reason, told.ended_extra) == ("tool_calls", {"messages": {"container": {"id": "c"}}})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.GARBLED),
        (b"{}", Kind.GARBLED),
        (b'{"content":"x"}', Kind.GARBLED),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', Kind.OVERLOADED),
    ],
)
def test_what_is_no_reply_is_refused(body: bytes, kind: Kind) -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.read_response(body, Quirks())

    assert caught.value.kind is kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["text", "tool_use", "thinking", "error", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "index", "delta", "content_block", "message", "error", "usage", "text", "input", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
        "ping",
        "odd",
    ]
)


@given(st.lists(st.builds(lambda kind, rest: {**(rest if isinstance(rest, dict) else {}), "type": kind}, KINDS, JSON), max_size=8))
def test_whatever_a_server_sends_the_events_are_well_formed(frames: list[Any]) -> None:
    read(*frames)
