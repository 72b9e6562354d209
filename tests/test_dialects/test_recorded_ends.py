"""Where replies end, as recordings of other projects' traffic show it: one golden for each defect. The words in them are ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import Kind
from dragoman.ir.fold import Fold
from dragoman.ir.response import Choice, Response
from dragoman.wire.frame import Frame

HEAD: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
COUNTS = {**HEAD, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
DONE = b"[DONE]"


def said(delta: dict[str, Any], index: int = 0, reason: str | None = None) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def read(name: str, *frames: Any) -> list[ev.Event]:
    reader = dialect(name).reader(Quirks())
    data = [frame if isinstance(frame, bytes) else json.dumps(frame).encode() for frame in frames]
    return [*(event for each in data for event in reader.feed(Frame(each))), *reader.close()]


def folded(events: list[ev.Event]) -> Response:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold.response()


SPOKEN = said({"audio": {"id": "a1", "transcript": "Figs."}})
CALL = said({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]})


def test_counts_of_the_whole_and_the_mark_of_the_end_are_a_proper_end_without_a_reason() -> None:
    expires = {**HEAD, "choices": [{"index": 0, "delta": {"audio": {"expires_at": 9}}}]}

    spoken = read("chat", said({"role": "assistant"}), SPOKEN, HEAD, COUNTS, expires, DONE)
    called = folded(read("chat", CALL, COUNTS, DONE))

    assert isinstance(spoken[-1], ev.Ended)
    assert called.choices == (Choice(0, (ir.Call("call_1", "look", "{}"),), "tool_calls"),)


@pytest.mark.parametrize(
    "frames",
    [
        [said({"content": "Fi"}), DONE],
        [said({"content": "Fi"}), COUNTS],
        [COUNTS, said({"content": "Fi"}), DONE],
        [said({"content": "Fi"}), COUNTS, said({"content": "gs"}), DONE],
        [said({"content": "Fi"}), {**COUNTS, "usage": {"prompt_tokens": 3, "completion_tokens": 0}}, DONE],
        [said({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "look", "arguments": '{"at'}}]}), COUNTS, DONE],
    ],
)
def test_without_the_counts_of_all_that_was_said_it_is_none(frames: list[Any]) -> None:
    last = read("chat", *frames)[-1]

    assert isinstance(last, ev.Failed)
    assert last.error.kind is Kind.CUT


@pytest.mark.parametrize("name", ["messages", "responses"])
@pytest.mark.parametrize("kind", ["new\nevent", "new\r", "\n\ndata: {}"])
def test_a_type_that_would_end_the_line_it_is_written_on_is_garbled(name: str, kind: str) -> None:
    (failed,) = read(name, {"type": kind})

    assert isinstance(failed, ev.Failed)
    assert failed.error.kind is Kind.GARBLED
