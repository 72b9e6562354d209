"""Writes a line per exchange without ever making an exchange wait: a thread of its own writes what has gathered.

Lines are made where they are recorded, not in the thread: 3 µs there, while a thread that computes takes the interpreter from the event
loop for 5 ms at a time, and each chunk of every stream waits for it.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import TextIO

from dragoman.ir.record import Record
from dragoman.observe.line import line

_GATHER_S = 0.05
_WAITING = 10_000
_CLOSE_S = 5.0

__all__ = ["Terminal", "line"]


def told_drops(count: int) -> str:
    """What stands in place of so many lines."""
    return f"({count} more exchanges, not shown: the terminal is too slow)"


class Terminal:
    """A stream that gets a line per exchange, as `write` makes it. One that is slow loses lines and is told how many (by `drops`);
    one that is gone is let go."""

    def __init__(
        self,
        stream: TextIO,
        write: Callable[[Record], str] = line,
        *,
        drops: Callable[[int], str] = told_drops,
        waiting: int = _WAITING,
    ) -> None:
        self._write = _writer(stream)
        self._line = write
        self._told_drops = drops
        self._most_waiting = waiting
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._is_gone = False
        self._is_told = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        # A daemon: a stream that takes nothing more must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    def record(self, record: Record) -> None:
        """Have a line written soon."""
        if self._is_gone:
            return
        if len(self._lines) >= self._most_waiting:
            self._dropped += 1
            return
        self._lines.append(self._line(record))
        if not self._is_told:
            self._is_told = True
            self._wake.set()

    def close(self, patience_s: float = _CLOSE_S) -> None:
        """Write what waits, as far as the stream takes it in time."""
        self._closing.set()
        self._wake.set()
        self._thread.join(patience_s)

    def _run(self) -> None:
        is_open = True
        while is_open:
            self._wake.wait()
            self._closing.wait(_GATHER_S)
            self._wake.clear()
            # What is recorded from here on wakes the thread again: so nothing is left behind, and closing comes after all of it.
            self._is_told = False
            is_open = not self._closing.is_set()
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            dropped, self._dropped = self._dropped, 0
            if dropped:
                lines.append(self._told_drops(dropped))
            self._put("".join([f"{each}\n" for each in lines]))

    def _put(self, text: str) -> None:
        if self._is_gone or not text:
            return
        try:
            self._write(text)
        except (OSError, ValueError):
            # Closed, or a pipe without a reader: the gateway's work goes on without its lines.
            self._is_gone = True


def _writer(stream: TextIO) -> Callable[[str], object]:
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return stream.write
    encoding = stream.encoding or "utf-8"

    def write(text: str) -> None:
        # Past the stream's own buffer: a thread that hangs in it at exit would take its lock along and the interpreter with it.
        data = memoryview(text.encode(encoding, "replace"))
        while data:
            data = data[os.write(number, data) :]

    return write
