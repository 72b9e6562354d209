"""Taps pass over words without looking into them, and still see all that they would see byte by byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Tap
from dragoman.dialects.registry import dialect

WORDS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ['"', "\\", '\\"', '","usage":{}', '"error"', "[DONE]", "\n\ndata: "]
)


def chat(words: str = "", *, finish: str | None = None, usage: dict[str, int] | None = None, pad: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": words} if finish is None else {}, "finish_reason": finish}
    chunk: dict[str, Any] = {"model": "m", "choices": [choice], "usage": usage, **({} if pad is None else {"obfuscation": pad})}
    return b"data: %b\n\n" % json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode()


def named(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":")).encode()
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


ERROR = b'data: {"error":{"message":"no"}}\n\n'
COUNTS = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CHAT = st.lists(
    WORDS.map(chat)
    | st.tuples(WORDS, st.sampled_from(["", "aX", "b"])).map(lambda drawn: chat(drawn[0], pad=drawn[1]))
    | st.sampled_from(
        [chat(finish="stop"), chat(finish="length"), chat("x", usage=COUNTS), b'data: {"error":{"message":"no"}}\n\n', b"data: [DONE]\n\n"]
    ),
    max_size=12,
)
RESPONSES = st.lists(
    WORDS.map(lambda words: named("response.output_text.delta", sequence_number=7, delta=words))
    | WORDS.map(lambda words: named("response.function_call_arguments.delta", sequence_number=8, delta=words))
    | st.sampled_from(
        [
            named("response.completed", sequence_number=9, response={"model": "m", "status": "completed", "usage": {"input_tokens": 1}}),
            named("error", sequence_number=9, message="no", code="server_error"),
            named("response.refusal.delta", sequence_number=9, delta="no"),
        ]
    ),
    max_size=12,
)
MESSAGES = st.lists(
    WORDS.map(lambda words: named("content_block_delta", index=0, delta={"type": "text_delta", "text": words}))
    | st.sampled_from(
        [
            named("message_start", message={"model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}),
            named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9}),
            named("message_stop"),
            named("error", error={"type": "overloaded_error", "message": "no"}),
        ]
    ),
    max_size=12,
)


def findings(tap: Tap) -> tuple[Any, ...]:
    failed = tap.failed and (tap.failed.kind, tap.failed.message)
    return tap.usage, tap.reason, tap.model, tap.first_token, tap.ended, failed


def fed(name: str, *chunks: bytes) -> Tap:
    tap = dialect(name).tap()
    for chunk in chunks:
        tap.feed(chunk)
    return tap


@given(st.one_of(st.tuples(st.just("chat"), CHAT), st.tuples(st.just("responses"), RESPONSES), st.tuples(st.just("messages"), MESSAGES)))
def test_event_by_event_they_see_what_they_see_byte_by_byte(drawn: tuple[str, list[bytes]]) -> None:
    name, events = drawn

    assert findings(fed(name, *events)) == findings(fed(name, *[bytes([byte]) for byte in b"".join(events)]))


@given(st.tuples(st.just("chat"), CHAT), st.integers(1, 400))
def test_events_cut_anywhere_are_seen_as_whole_ones_are(drawn: tuple[str, list[bytes]], size: int) -> None:
    name, events = drawn
    stream = b"".join(events)

    assert findings(fed(name, *[stream[at : at + size] for at in range(0, len(stream), size)])) == findings(fed(name, *events))


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("chat", chat("words")),
        ("chat", chat("words", pad="ab")),
        ("responses", named("response.output_text.delta", sequence_number=7, delta="words")),
        ("messages", named("content_block_delta", index=0, delta={"type": "text_delta", "text": "words"})),
    ],
)
def test_further_words_are_told_from_what_matters(name: str, event: bytes) -> None:
    tap = fed(name, event, event)

    assert (tap.feed(event), tap.feed(event[:-3]), tap.feed(event[-3:]), tap.feed(event + event[:9])) == (False, True, True, True)
