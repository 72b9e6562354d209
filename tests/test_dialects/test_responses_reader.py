"""Streams of the dialect `responses` as neutral events, from well-formed to hopeless."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Quirks
from dragoman.dialects.responses import DIALECT
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame

ANSWER = (Path(__file__).parent.parent / "golden" / "responses" / "streams" / "answer.sse").read_bytes()
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi."}],
}
CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m"}}
TEXT = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "Hi."}


def read(chunks: Iterable[bytes]) -> list[ev.Event]:
    framer, reader = DIALECT.framer(), DIALECT.reader(Quirks())
    frames = [frame for chunk in chunks for frame in framer.feed(chunk)] + framer.close()
    return [event for frame in frames for event in reader.feed(frame)] + list(reader.close())


def read_frames(*frames: Any) -> list[ev.Event]:
    reader = DIALECT.reader(Quirks())
    framed = [Frame(frame if isinstance(frame, bytes) else json.dumps(frame).encode()) for frame in frames]
    return [event for frame in framed for event in reader.feed(frame)] + list(reader.close())


def completed(*output: Any, **more: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"id": "resp_1", "model": "m", "status": "completed", "output": list(output), **more}}


def said(events: list[ev.Event]) -> tuple[ir.Item, ...]:
    fold, grammar = Fold(), Grammar()
    for event in events:
        grammar.feed(event)
        fold.feed(event)
    return fold.response().choices[0].items


def failure(events: list[ev.Event]) -> GatewayError:
    end = events[-1]
    assert isinstance(end, ev.Failed)
    return end.error


def test_a_whole_answer() -> None:
    citation = ir.Citation("responses", {"type": "file_citation", "file_id": "file_1", "filename": "a", "index": 1})
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
    events = read([ANSWER])

    assert [event for event in events if not isinstance(event, ev.Opaque)] == [
        ev.Started("resp_1", "gpt-5.5-2026", 1790000000, {"responses": {}}),
        ev.ReasoningStarted(0, id="rs_1"),
        ev.ReasoningDelta(0, "**Plan**", True, 0),
        ev.ReasoningDelta(0, "Do.", True, 1),
        ev.PartEnded(0, ir.Proof("responses", "late", "encrypted_content")),
        ev.TextStarted(1, message_id="msg_1", phase="commentary"),
        ev.TextDelta(1, "Grüße, "),
        ev.TextDelta(1, "🌍 \u2028", [{"token": "x", "logprob": -0.5, "top_logprobs": []}]),
        ev.Cited(1, citation),
        ev.PartEnded(1, extra={"responses": {"later": True}}),
        ev.ItemGiven(
            2,
            ir.Call(
                "ws_1",
                "web_search",
                '{"action":{"type":"search","query":"q"}}',
                executor="provider",
                id="ws_1",
                extra={"responses": {"status": "completed"}},
            ),
        ),
        ev.CallStarted(3, "call_1", "wait", namespace="agents", id="fc_1"),
        ev.CallDelta(3, '{"a":'),
        ev.CallDelta(3, "1}"),
        ev.PartEnded(3),
        ev.CallStarted(4, "call_2", "apply_patch", kind="custom", id="ctc_1"),
        ev.CallDelta(4, "*** Begin Patch"),
        ev.PartEnded(4),
        ev.CallStarted(5, "call_3", "tool_search", kind="search", id="tsc_1"),
        ev.CallDelta(5, '{"query":"x"}'),
        ev.PartEnded(5),
        ev.ItemGiven(6, ir.Compaction(ir.Proof("responses", "gAAAA", "encrypted_content"), "cmp_1")),
        ev.UsageReported(
            Usage(75, 46, 10, 5, 20, 121, {"responses": {"cost": 0.5, "input_tokens_details": {"image_tokens": 1}}}),
        ),
        ev.Finished("tool_calls"),
        ev.Ended({"responses": {"service_tier": "default"}}),
    ]
    assert [event.name for event in events if isinstance(event, ev.Opaque)] == [
        "response.output_item.added",
        "response.web_search_call.searching",
    ]
    assert search["action"] == {"type": "search", "query": "q"}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_chunk_borders_change_nothing(size: int) -> None:
    assert repr(read(ANSWER[i : i + size] for i in range(0, len(ANSWER), size))) == repr(read([ANSWER]))


def test_line_ends_event_names_and_a_sentinel_change_nothing() -> None:
    bare = b"\n".join(line for line in ANSWER.split(b"\n") if not line.startswith(b"event:"))
    swapped = b"\n\n".join(b"\n".join(reversed(event.split(b"\n"))) for event in ANSWER.split(b"\n\n"))

    for variant in (ANSWER.replace(b"\n", b"\r\n"), bare, swapped, b"data: [DONE]\n\n" + ANSWER + b"data: [DONE]\n\n"):
        assert repr(read([variant])) == repr(read([ANSWER]))


def test_every_prefix_of_an_answer_ends_once_and_well_formed() -> None:
    events = ANSWER.split(b"\n\n")

    for count in range(len(events) - 2):
        found = read([b"\n\n".join(events[:count]) + b"\n\n"])
        grammar = Grammar()
        for event in found:
            grammar.feed(event)
        assert (failure(found).kind, failure(found).source) == (Kind.CUT, "upstream")


@pytest.mark.parametrize(
    "frames",
    [
        (CREATED, completed(MESSAGE)),
        (CREATED, {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}, completed(MESSAGE)),
        (CREATED, TEXT, completed(MESSAGE)),
        (TEXT, {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}, completed()),
        (CREATED, {**TEXT, "delta": "H"}, {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}, completed(MESSAGE)),
        (
            CREATED,
            {**TEXT, "content_index": 3},
            {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
            completed(MESSAGE),
        ),
        (CREATED, {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE}, {**TEXT, "delta": None}, completed(MESSAGE)),
    ],
    ids=["only at the end", "no deltas", "no item frames", "no opening", "half the deltas", "index over the whole response", "null delta"],
)
def test_nothing_is_lost_where_frames_are_missing(frames: tuple[Any, ...]) -> None:
    (message,) = said(read_frames(*frames))

    assert isinstance(message, ir.Message)
    assert (message.role, message.parts) == ("assistant", (ir.Text("Hi."),))


def test_items_that_share_an_index_are_told_apart() -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
    events = read_frames(
        CREATED,
        {"type": "response.output_item.added", "output_index": 0, "item": {**MESSAGE, "content": []}},
        TEXT,
        {"type": "response.output_item.added", "output_index": 0, "item": call},
        {"type": "response.output_item.done", "output_index": 0, "item": call},
        completed(MESSAGE, call),
    )

    assert [type(item) for item in said(events)] == [ir.Message, ir.Call]


@pytest.mark.parametrize(
    ("more", "finished"),
    [
        ({}, ev.Finished("stop")),
        ({"incomplete_details": {"reason": "max_output_tokens"}}, ev.Finished("length", detail="max_output_tokens")),
        ({"incomplete_details": {"reason": "content_filter"}}, ev.Finished("content_filter", detail="content_filter")),
        ({"incomplete_details": {"reason": "steered"}}, ev.Finished("other", detail="steered")),
        ({"end_turn": False}, ev.Finished("pause")),
        ({"status": "queued"}, ev.Finished("other", detail="queued")),
    ],
)
def test_why_it_ended(more: dict[str, Any], finished: ev.Finished) -> None:
    assert [event for event in read_frames(CREATED, completed(**more)) if isinstance(event, ev.Finished)] == [finished]


def test_a_refusal() -> None:
    refusal = {**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}]}
    events = read_frames(CREATED, {**TEXT, "type": "response.refusal.delta", "delta": "No."}, completed(refusal))

    assert events[1:] == [
        ev.TextStarted(0, refusal=True),
        ev.TextDelta(0, "No."),
        ev.PartEnded(0),
        ev.Finished("refusal"),
        ev.Ended(),
    ]


def test_a_thought_in_full() -> None:
    item = {"type": "reasoning", "id": "r", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    delta = {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "H"}

    assert said(read_frames(CREATED, delta, {"type": "response.output_item.done", "output_index": 0, "item": item}, completed(item))) == (
        ir.Reasoning(content=("Hm.",)),
    )


@pytest.mark.parametrize(
    ("frame", "kind", "message"),
    [
        ({"type": "error", "error": {"type": "t", "code": "rate_limit_exceeded", "message": "Slow."}}, Kind.RATE_LIMITED, "Slow."),
        ({"type": "error", "code": "context_length_exceeded", "message": "Long.", "param": None}, Kind.CONTEXT_OVERFLOW, "Long."),
        ({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "Oh."}}}, Kind.SERVER_ERROR, "Oh."),
        ({"type": "response.failed", "response": {"error": {"code": "invalid_prompt", "message": "No."}}}, Kind.CONTENT_POLICY, "No."),
        ({"type": "response.failed", "response": {}}, Kind.SERVER_ERROR, "the provider's response failed without a word"),
        ({"error": {"message": "Bare.", "code": 429}}, Kind.RATE_LIMITED, "Bare."),
        ({"error": "a string"}, Kind.SERVER_ERROR, "a string"),
        (b'{"type": "response.out', Kind.GARBLED, "the provider's stream holds a frame that is not JSON"),
        (b"<html>", Kind.GARBLED, "the provider's stream holds a frame that is not JSON"),
        (b"[1]", Kind.GARBLED, "the provider's stream holds a frame that is no JSON object"),
        ({"type": "response.completed"}, Kind.GARBLED, "the provider's stream holds `response.completed` without its fields"),
        (b"[" * 100_000, Kind.GARBLED, "the provider's stream holds a frame that is not JSON"),
    ],
)
def test_a_failing_stream(frame: Any, kind: Kind, message: str) -> None:
    events = read_frames(CREATED, frame, completed(MESSAGE), TEXT)

    assert len(events) == 2
    assert (failure(events).kind, failure(events).message, failure(events).source) == (kind, message, "upstream")


def test_usage_of_a_failed_response_is_told() -> None:
    failed = {
        "type": "response.failed",
        "response": {"usage": {"input_tokens": 3, "output_tokens": 1}, "error": {"code": "x", "message": "y"}},
    }

    assert read_frames(CREATED, failed)[1] == ev.UsageReported(Usage(3, 1))


def test_signs_of_life_and_unknown_frames() -> None:
    unknown = {"type": "response.sparkle", "output_index": 0}
    events = read_frames(
        CREATED,
        {**CREATED, "type": "response.in_progress"},
        {**CREATED, "type": "response.in_progress"},
        {"type": "ping"},
        unknown,
        completed(),
    )

    assert events[1:4] == [ev.Pinged(), ev.Pinged(), ev.Opaque("responses", "response.sparkle", json.dumps(unknown).encode())]


def test_a_frame_named_only_by_its_event_line() -> None:
    reader = DIALECT.reader(Quirks())

    assert list(reader.feed(Frame(b'{"response": {"id": "r"}}', "response.created"))) == [ev.Started("r", extra={"responses": {}})]


def test_a_whole_reply_is_a_stream_that_arrived_at_once() -> None:
    body = {"id": "resp_1", "model": "m", "created_at": 5, "status": "completed", "output": [MESSAGE], "usage": None, "temperature": 1.0}

    assert DIALECT.read_response(json.dumps(body).encode(), Quirks()) == [
        ev.Started("resp_1", "m", 5, {"responses": {}}),
        ev.TextStarted(0, message_id="msg_1"),
        ev.TextDelta(0, "Hi."),
        ev.PartEnded(0),
        ev.Finished("stop"),
        ev.Ended({"responses": {"temperature": 1.0}}),
    ]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'"x"'])
def test_a_whole_reply_that_is_none(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.read_response(body, Quirks())

    assert caught.value.kind is Kind.GARBLED


SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=2) | st.just({}) | st.just([]) | st.just([{}])
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            ["message", "reasoning", "function_call", "custom_tool_call", "tool_search_call", "web_search_call", "compaction", "x"]
        )
        | SCALARS,
        **dict.fromkeys(
            ("id", "call_id", "name", "arguments", "input", "encrypted_content", "status", "phase", "summary", "action", "$as"), SCALARS
        ),
        "content": SCALARS
        | st.lists(st.fixed_dictionaries({"type": st.sampled_from(["output_text", "refusal"]), "text": SCALARS}), max_size=2),
    },
)
FRAME = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [f"response.{name}" for name in ("created", "in_progress", "output_item.added", "output_item.done", "content_part.added")]
            + [
                f"response.{name}.delta"
                for name in ("output_text", "refusal", "reasoning_text", "reasoning_summary_text", "function_call_arguments")
            ]
            + ["response.custom_tool_call_input.delta", "response.output_text.annotation.added", "response.new", "ping"]
        )
    },
    optional={
        "output_index": st.integers(0, 2),
        "content_index": st.integers(0, 1),
        "summary_index": st.integers(0, 1),
        "delta": st.text(max_size=3),
        "item": ITEM,
        "part": st.fixed_dictionaries({"type": st.sampled_from(["output_text", "refusal", "reasoning_text"])}),
        "annotation": st.just({}),
        "response": st.just({}) | st.fixed_dictionaries({"id": SCALARS, "model": SCALARS, "created_at": SCALARS}),
    },
)
END = st.none() | st.fixed_dictionaries(
    {"type": st.sampled_from(["response.completed", "response.incomplete", "response.failed", "error"])},
    optional={
        "response": st.fixed_dictionaries({}, optional={"output": SCALARS | st.lists(ITEM, max_size=3), "usage": SCALARS, "error": SCALARS})
    },
)


@given(st.lists(FRAME, max_size=12), END)
def test_any_frames_give_a_well_formed_stream_that_can_be_written(frames: list[Any], end: Any) -> None:
    events = read_frames(*frames, *([end] if end else []))
    writer, grammar, fold = DIALECT.writer(ir.Request("m", ())), Grammar(), Fold()

    written = b""
    for event in events:
        grammar.feed(event)
        fold.feed(event)
        written += writer.feed(event)

    assert grammar.ended
    assert writer.close() == b""
    numbers = [json.loads(frame.data)["sequence_number"] for frame in DIALECT.framer().feed(written)]
    assert numbers == list(range(len(numbers)))
