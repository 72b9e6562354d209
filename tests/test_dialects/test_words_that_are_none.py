"""A `type`, `role` or reason that is a list where a word should be: refused or kept, never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
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
