"""The terminal as one screen that is drawn anew, until whoever watches has seen enough."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Generator

import click

_BEGIN, _END = "\x1b[2J\x1b[?25l", "\x1b[?25h"
_QUIT = frozenset(b"qQ")

Wait = Callable[[float], bool]
"""Lets so many seconds pass; true if that was enough for whoever watches."""


def pause(span_s: float) -> bool:
    """Where no key is heard: until the time is over, or Ctrl-C."""
    try:
        time.sleep(span_s)
    except KeyboardInterrupt:
        return True
    return False


@contextlib.contextmanager
def whole_screen() -> Generator[Wait]:
    """The terminal without a cursor and without what stood there; keys are heard at once, and are not written over what is shown. Ctrl-C
    ends the block. What the terminal was is put back."""
    keyboard = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    modes = None if keyboard is None else termios.tcgetattr(keyboard)
    click.echo(_BEGIN, nl=False, color=True)
    try:
        if keyboard is not None:
            tty.setcbreak(keyboard, termios.TCSADRAIN)
        yield pause if keyboard is None else lambda span_s: until_key(keyboard, span_s)
    except KeyboardInterrupt:
        pass
    finally:
        if keyboard is not None and modes is not None:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, modes)
        click.echo(_END, nl=False, color=True)


def until_key(keyboard: int, span_s: float) -> bool:
    """Whether `q` was pressed within that time. Any other key is passed over; a keyboard that is gone ends it, too."""
    until = time.monotonic() + span_s
    while (left := until - time.monotonic()) > 0:
        if select.select([keyboard], [], [], left)[0]:
            pressed = os.read(keyboard, 64)
            if not pressed or _QUIT & set(pressed):
                return True
    return False
