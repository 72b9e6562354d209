"""The tap of the dialect `messages` sees the same whatever the chunks are."""

from __future__ import annotations

import pytest

from dragoman.dialects.contract import Tap
from dragoman.dialects.messages import DIALECT
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.usage import Usage

START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"claude-x","content":[],'
    b'"usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":1}}}\n\n'
)
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
WORDS = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    b'"text":"\\"usage\\": {\\"message_stop\\""}}\n\n'
)
LAST = b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def fed(stream: bytes, size: int) -> Tap:
    tap = DIALECT.tap()
    for start in range(0, len(stream), size):
        tap.feed(stream[start : start + size])
    return tap


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_stream_is_understood_in_any_pieces(size: int, end: bytes) -> None:
    tap = fed((START + PING + WORDS + LAST + STOP).replace(b"\n", end), size)

    assert (tap.usage, tap.reason, tap.model, tap.first_token, tap.ended, tap.failed) == (
        Usage(7, 9, 4),
        "max_tokens",
        "claude-x",
        True,
        True,
        None,
    )


@pytest.mark.parametrize(
    ("stream", "seen"),
    [
        (b"", (False, False)),
        (START + PING, (False, False)),
        (START + WORDS, (True, False)),
        (START + WORDS + LAST, (True, False)),
        (START + WORDS + LAST + STOP.rstrip(), (True, True)),
    ],
)
def test_how_far_a_stream_came(stream: bytes, seen: tuple[bool, bool]) -> None:
    tap = fed(stream, 16)

    assert (tap.first_token, tap.ended) == seen


def test_an_error_inside_is_seen() -> None:
    tap = fed(START + b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n', 30)

    assert tap.failed is not None
    assert (tap.failed.kind, tap.ended) == (Kind.OVERLOADED, False)


def test_whole_replies() -> None:
    good, bad, odd = DIALECT.tap(), DIALECT.tap(), DIALECT.tap()

    good.whole(b'{"model":"m","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}')
    bad.whole(b'{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}')
    odd.whole(b"<html>")

    assert (good.usage, good.reason, good.model, good.ended) == (Usage(1, 2), "end_turn", "m", True)
    assert bad.failed is not None
    assert bad.failed.kind is Kind.RATE_LIMITED
    assert odd.failed is not None
    assert odd.failed.kind is Kind.GARBLED


def test_a_relayed_stream_that_failed_ends_in_an_error_event() -> None:
    written = DIALECT.write_failure(GatewayError(Kind.CUT, "it broke off"), DIALECT.tap())

    assert written == b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"it broke off"}}\n\n'
