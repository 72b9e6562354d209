"""The tap of the dialect `responses`: the same findings whatever the chunks are, and an end that fits what went before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dragoman.dialects.contract import Quirks
from dragoman.dialects.responses import DIALECT
from dragoman.dialects.responses.tap import ResponsesTap
from dragoman.dialects.responses.usage import write_usage
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.events import UsageReported
from dragoman.ir.usage import Usage

ANSWER = (Path(__file__).parent.parent / "golden" / "responses" / "streams" / "answer.sse").read_bytes()
USAGE = Usage(75, 46, 10, 5, 20, 121, {"responses": {"cost": 0.5, "input_tokens_details": {"image_tokens": 1}}})


def watch(*chunks: bytes) -> ResponsesTap:
    tap = ResponsesTap()
    for chunk in chunks:
        tap.feed(chunk)
    return tap


def findings(tap: ResponsesTap) -> tuple[Any, ...]:
    return (
        tap.usage,
        tap.reason,
        tap.model,
        tap.first_token,
        tap.ended,
        tap.failed and (tap.failed.kind, tap.failed.message),
        tap.next_sequence,
    )


@pytest.mark.parametrize("size", [1, 3, 50, 999, 10_000, 1_000_000])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_findings_do_not_depend_on_the_chunks(size: int, ending: bytes) -> None:
    stream = ANSWER.replace(b"\n", ending)

    tap = watch(*(stream[i : i + size] for i in range(0, len(stream), size)))

    assert findings(tap) == (USAGE, "completed", "gpt-5.5-2026", True, True, None, 25)


def test_events_that_come_whole_give_the_same_findings() -> None:
    tap = watch(*(event + b"\n\n" for event in ANSWER.split(b"\n\n")))

    assert findings(tap) == (USAGE, "completed", "gpt-5.5-2026", True, True, None, 25)


@pytest.mark.parametrize(("store", "kept"), [(b'"store":true,', "resp_9"), (b"", "resp_9"), (b'"store":false,', None)])
def test_a_reply_that_its_provider_keeps_is_known_by_its_id(store: bytes, kept: str | None) -> None:
    reply = b'{"id":"resp_9",%b"status":"completed","output":[]}' % store
    whole = ResponsesTap()

    whole.whole(reply)
    streamed = watch(b'data: {"type":"response.completed","response":%b}\n\n' % reply)

    assert (whole.kept, streamed.kept) == (kept, kept)


def test_nothing_is_seen_before_it_is_there() -> None:
    tap = watch(*(event + b"\n\n" for event in ANSWER.split(b"\n\n")[:2]))

    assert findings(tap) == (None, None, "gpt-5.5-2026", False, False, None, 2)


@pytest.mark.parametrize(("status", "reason"), [("queued", None), ("in_progress", None), ("cancelled", "cancelled"), (None, None)])
def test_a_reply_that_is_under_way_has_no_reason_for_its_end(status: str | None, reason: str | None) -> None:
    whole = ResponsesTap()

    whole.whole(json.dumps({"id": "resp_9", "status": status, "output": []}).encode())

    assert whole.reason == reason


def test_words_of_the_model_are_no_findings() -> None:
    said = '{"type":"response.completed","response":{"usage":{"input_tokens":9}},"error":{"message":"x"}}'
    frames = [
        {"type": "response.output_text.delta", "delta": text} for text in (said, "response", "error", '"error"', "response.completed")
    ]

    tap = watch(*(b"data: " + json.dumps(frame, separators=(",", ":")).encode() + b"\n\n" for frame in frames))

    assert findings(tap)[:6] == (None, None, None, True, False, None)


@pytest.mark.parametrize(
    ("frame", "kind", "message"),
    [
        (
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "Slow."}}},
            Kind.RATE_LIMITED,
            "Slow.",
        ),
        ({"type": "error", "error": {"code": "x", "message": "Nested."}}, Kind.SERVER_ERROR, "Nested."),
        ({"type": "error", "code": "x", "message": "Flat."}, Kind.SERVER_ERROR, "Flat."),
        ({"error": {"message": "Bare."}}, Kind.SERVER_ERROR, "Bare."),
    ],
)
def test_an_error_inside_the_stream_is_found(frame: Any, kind: Kind, message: str) -> None:
    tap = watch(b"data: " + json.dumps(frame).encode() + b"\n\n")

    assert findings(tap)[5] == (kind, message)


def test_a_whole_reply() -> None:
    body = {
        "model": "m",
        "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"},
        "output": [],
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    tap, broken, failed = ResponsesTap(), ResponsesTap(), ResponsesTap()

    tap.whole(json.dumps(body).encode())
    broken.whole(b"<html>")
    failed.whole(b'{"error": {"message": "Oh.", "code": "server_error"}}')

    assert findings(tap)[:6] == (Usage(1, 2), "content_filter", "m", True, True, None)
    assert findings(broken)[5] == (Kind.GARBLED, "the provider's answer is no response")
    assert findings(failed)[5] == (Kind.SERVER_ERROR, "Oh.")


def test_a_relayed_stream_that_breaks_off_is_ended_by_one_fitting_frame() -> None:
    tap = watch(*(event + b"\n\n" for event in ANSWER.split(b"\n\n")[:10]))

    (frame,) = DIALECT.framer().feed(DIALECT.write_failure(GatewayError(Kind.CUT, "cut", source="upstream"), tap))

    value = json.loads(frame.data)
    assert (frame.name, value["type"], value["sequence_number"]) == ("response.failed", "response.failed", 10)
    assert {name: value["response"][name] for name in ("id", "model", "status", "error")} == {
        "id": "resp_1",
        "model": "gpt-5.5-2026",
        "status": "failed",
        "error": {"code": "server_error", "message": "cut"},
    }


def test_a_relayed_stream_that_never_began_is_ended_too() -> None:
    (frame,) = DIALECT.framer().feed(DIALECT.write_failure(GatewayError(Kind.TIMEOUT, "late"), ResponsesTap()))

    assert json.loads(frame.data)["response"]["error"] == {"code": "server_error", "message": "late"}


def test_searches_that_are_billed_beside_the_tokens_are_counted_with_them_and_told_in_their_own_place() -> None:
    searched = {"web_search": {"num_requests": 2}, "image_gen": {"total_tokens": 0}}
    body = {
        "id": "r",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [],
        "usage": {"input_tokens": 3, "output_tokens": 1},
    }
    completed = {"type": "response.completed", "sequence_number": 0, "response": {**body, "tool_usage": searched}}
    stream = b"event: response.completed\ndata: " + json.dumps(completed).encode() + b"\n\n"
    whole, fed, reader = ResponsesTap(), ResponsesTap(), DIALECT.reader(Quirks())

    whole.whole(json.dumps({**body, "tool_usage": searched}).encode())
    fed.feed(stream)
    read = [
        event.usage
        for event in (event for frame in DIALECT.framer().feed(stream) for event in reader.feed(frame))
        if isinstance(event, UsageReported)
    ]

    assert whole.usage == fed.usage == read[0] == Usage(3, 1, extra={"responses": {"tool_usage": searched}})
    assert "tool_usage" not in write_usage(read[0])
    whole.whole(json.dumps({**body, "tool_usage": {"web_search": {"num_requests": 0}, "image_gen": {}}}).encode())
    assert whole.usage == Usage(3, 1)
    for odd in ([], "x", {"web_search": 3}, {"web_search": {"num_requests": "2"}}, {"web_search": None}, 7):
        whole.whole(json.dumps({**body, "tool_usage": odd}).encode())
        assert whole.usage is not None
