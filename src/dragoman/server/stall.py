"""The clock on a client that takes nothing of what waits for it."""

from __future__ import annotations

import asyncio
from functools import partial

from dragoman.upstream.alarm import Alarm


class Stall:
    """Drops a connection when, for `seconds`, not one byte of its write buffer has gone out."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._before_bytes = 0
        self._alarm: Alarm | None = None

    def watch(self, transport: asyncio.Transport) -> None:
        """Begin, if there is anything to wait for and it is not waited for already."""
        waiting_bytes = transport.get_write_buffer_size()
        if self._alarm is None and waiting_bytes:
            self._before_bytes = waiting_bytes
            self._alarm = Alarm(self._loop, partial(self._check, transport))
            self._alarm.by(self._loop.time() + self._seconds)

    def end(self) -> None:
        """The client reads again, or is gone."""
        if self._alarm is not None:
            self._alarm.end()
            self._alarm = None

    def _check(self, transport: asyncio.Transport, now: float) -> float | None:
        waiting_bytes = transport.get_write_buffer_size()
        if waiting_bytes >= self._before_bytes:
            transport.abort()
            return None
        self._before_bytes = waiting_bytes
        return now + self._seconds
