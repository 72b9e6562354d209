"""The terminal as one screen: what it is while it is watched, and what is left of that."""

from __future__ import annotations

import os
import pty
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.cli.screen import pause, until_key, whole_screen

LONG_S = 600.0
ECHO_AND_LINES = termios.ECHO | termios.ICANON


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What is typed: the hand's end of a terminal that is standard input."""
    hand, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield hand
        monkeypatch.undo()
    os.close(hand)


def habits() -> int:
    return termios.tcgetattr(sys.stdin)[3] & ECHO_AND_LINES


def test_keys_are_heard_and_not_seen_while_it_lasts(keyboard: int, capsys: pytest.CaptureFixture[str]) -> None:
    before = habits()

    with whole_screen() as wait:
        within = habits()
        os.write(keyboard, b"xq")
        is_over = wait(LONG_S)

    assert (before, within, habits(), is_over) == (ECHO_AND_LINES, 0, ECHO_AND_LINES, True)
    assert capsys.readouterr().out == "\x1b[2J\x1b[?25l\x1b[?25h"


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError])
def test_the_terminal_is_put_back_however_it_ends(trouble: type[BaseException], keyboard: int, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        with whole_screen():
            raise trouble
    except RuntimeError:
        pass

    assert habits() == ECHO_AND_LINES
    assert capsys.readouterr().out.endswith("\x1b[?25h")


def test_without_a_keyboard_only_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)

        with whole_screen() as wait:
            assert wait is pause
            assert wait(0.0) is False


@pytest.mark.parametrize(("typed", "is_over"), [(b"q", True), (b"Q", True), (b"\x1b[A", False), (b"", True)])
def test_only_q_and_a_keyboard_that_is_gone_end_it(typed: bytes, is_over: bool) -> None:
    reader, writer = os.pipe()
    os.write(writer, typed)
    if not typed:
        os.close(writer)

    ended = until_key(reader, LONG_S if is_over else 0.01)

    assert ended is is_over
    os.close(reader)
    if typed:
        os.close(writer)
