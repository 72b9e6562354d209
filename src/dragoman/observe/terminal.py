"""Writes a line per exchange without ever making an exchange wait: a thread of its own formats and writes them in batches."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TextIO

from dragoman.ir.record import Record
from dragoman.observe.line import line

_GATHER_S = 0.05
_WAITING = 10_000
_CLOSE_S = 1.0

__all__ = ["Terminal", "line"]


class Terminal:
    """A stream that gets a line per exchange. One that is slow loses lines and is told how many; one that is gone is let go."""

    def __init__(self, stream: TextIO, *, color: bool = False, waiting: int = _WAITING) -> None:
        self._write = _writer(stream)
        self._color = color
        self._most_waiting = waiting
        self._queue: SimpleQueue[Record | None] = SimpleQueue()
        self._dropped = 0
        self._is_gone = False
        self._closing = threading.Event()
        # A daemon: a stream that takes nothing more must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    def record(self, record: Record) -> None:
        """Have a line written soon. Costs a push to a queue."""
        if self._is_gone:
            return
        if self._queue.qsize() >= self._most_waiting:
            self._dropped += 1
            return
        self._queue.put(record)

    def close(self, patience_s: float = _CLOSE_S) -> None:
        """Write what waits, as far as the stream takes it in time."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(patience_s)

    def _run(self) -> None:
        is_open = True
        while is_open:
            records = [self._queue.get()]
            self._closing.wait(_GATHER_S)
            with contextlib.suppress(Empty):
                while True:
                    records.append(self._queue.get_nowait())
            is_open = None not in records
            text = "".join([f"{line(record, color=self._color)}\n" for record in records if record is not None])
            self._put(text + self._told_drops())

    def _told_drops(self) -> str:
        dropped, self._dropped = self._dropped, 0
        return f"({dropped} more exchanges, not shown: the terminal is too slow)\n" if dropped else ""

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
