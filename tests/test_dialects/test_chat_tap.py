"""The tap of the dialect `chat` sees the same whatever the chunks are."""

from __future__ import annotations

import json

import pytest

from dragoman.dialects.chat import DIALECT
from dragoman.dialects.contract import Tap
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.usage import Usage

ROLE = b'data: {"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}\n\n'
WORDS = b'data: {"model":"m-1","choices":[{"index":0,"delta":{"content":"\\"usage\\": {1} [DONE]"},"finish_reason": null}]}\n\n'
LAST = b'data: {"model":"m-1","choices":[{"index":0,"delta":{},"finish_reason":"length"}],"usage":null}\n\n'
USAGE = b'data: {"model":"m-1","choices":[],"usage": {"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"


def fed(stream: bytes, size: int) -> Tap:
    tap = DIALECT.tap()
    for start in range(0, len(stream), size):
        tap.feed(stream[start : start + size])
    return tap


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_a_stream_is_understood_in_any_pieces(size: int, end: bytes) -> None:
    tap = fed((ROLE + WORDS + LAST + b": ping\n\n" + USAGE + DONE).replace(b"\n\n", end), size)

    assert (tap.usage, tap.reason, tap.model, tap.first_token, tap.ended, tap.failed) == (
        Usage(3, 2, total_tokens=5),
        "length",
        "m-1",
        True,
        True,
        None,
    )


@pytest.mark.parametrize(
    ("stream", "seen"),
    [
        (b"", (False, False, False)),
        (ROLE, (False, False, False)),
        (ROLE + WORDS, (True, False, False)),
        (ROLE + LAST, (False, True, False)),
        (ROLE + LAST + DONE, (False, True, True)),
    ],
)
def test_how_far_a_stream_came(stream: bytes, seen: tuple[bool, bool, bool]) -> None:
    tap = fed(stream, 16)

    assert (tap.first_token, tap.may_end, tap.ended) == seen


@pytest.mark.parametrize("field", ["content", "reasoning_content", "reasoning", "refusal"])
def test_any_output_is_a_first_token(field: str) -> None:
    tap = fed(b'data: {"choices":[{"delta":{"%b":"x"}}]}\n' % field.encode(), 100)

    assert tap.first_token


def test_an_error_inside_is_seen() -> None:
    tap = fed(ROLE + WORDS + b'event: error\ndata: {"error":{"message":"slow down","code":429}}\n\n', 30)

    assert tap.failed is not None
    assert (tap.failed.kind, tap.ended) == (Kind.RATE_LIMITED, False)


def test_a_whole_reply_is_understood() -> None:
    tap = DIALECT.tap()

    tap.whole(
        b'{"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    )

    assert (tap.usage, tap.reason, tap.model, tap.first_token, tap.may_end) == (Usage(1, 1), "stop", "m", True, True)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"1", b'{"choices":[null]}', b'{"choices":{}}'])
def test_garbage_is_watched_in_peace(body: bytes) -> None:
    tap = DIALECT.tap()

    tap.whole(body)
    tap.feed(b"data: " + body + b"\n\n")

    assert (tap.usage, tap.ended, tap.may_end) == (None, False, False)


def test_a_broken_relay_ends_in_the_error_of_the_api() -> None:
    end = DIALECT.write_failure(GatewayError(Kind.CUT, "gone"), DIALECT.tap())

    assert end.startswith(b"data: ") and end.endswith(b"\n\n")
    assert json.loads(end[6:]) == {"error": {"message": "gone", "type": "server_error", "param": None, "code": "cut"}}
