"""The clock on a connection that waits for its next request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from dragoman.upstream.alarm import TICK_S, Alarm


class Idle:
    """Calls `expired` when `seconds` have gone by since the last `begin`, whatever was asked meanwhile: whether the connection is idle
    then, it knows best itself.

    The timer stays where it is while requests come and go: moving it would cost each of them a cancel and a new one (2 µs).
    """

    __slots__ = ("_alarm", "_expired", "_now", "_seconds", "_since")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[], None]) -> None:
        self._alarm = Alarm(loop, self._ring)
        self._now = loop.time
        self._seconds = seconds
        self._expired = expired
        self._since = 0.0

    def begin(self) -> None:
        """From now on the next request is waited for."""
        self._since = self._now()
        if self._alarm.when == inf:
            self._alarm.by(self._since + self._seconds)

    def end(self) -> None:
        """The connection is over."""
        self._alarm.end()

    def _ring(self, now: float) -> float | None:
        due = self._since + self._seconds
        if due - now > TICK_S:
            return due
        self._expired()
        return None
