"""Where replies end, as recordings of other projects' traffic show it: one golden for each defect. The words in them are ours."""

from __future__ import annotations

from typing import Any

import pytest
from spoken_in import folded, heard

from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import Kind
from dragoman.ir.response import Choice

HEAD: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
COUNTS = {**HEAD, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
DONE = b"[DONE]"


def said(delta: dict[str, Any], index: int = 0, reason: str | None = None) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


SPOKEN = said({"audio": {"id": "a1", "transcript": "Figs."}})
CALL = said({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]})


def test_counts_of_the_whole_and_the_mark_of_the_end_are_a_proper_end_without_a_reason() -> None:
    expires = {**HEAD, "choices": [{"index": 0, "delta": {"audio": {"expires_at": 9}}}]}

    spoken = heard("chat", said({"role": "assistant"}), SPOKEN, HEAD, COUNTS, expires, DONE)
    called = folded(heard("chat", CALL, COUNTS, DONE))

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
    last = heard("chat", *frames)[-1]

    assert isinstance(last, ev.Failed)
    assert last.error.kind is Kind.CUT


@pytest.mark.parametrize("name", ["messages", "responses"])
@pytest.mark.parametrize("kind", ["new\nevent", "new\r", "\n\ndata: {}"])
def test_a_type_that_would_end_the_line_it_is_written_on_is_garbled(name: str, kind: str) -> None:
    (failed,) = heard(name, {"type": kind})

    assert isinstance(failed, ev.Failed)
    assert failed.error.kind is Kind.GARBLED
