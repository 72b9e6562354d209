"""The clock on a connection that waits for its next request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_TICK_S = 0.001
"""uvloop counts in milliseconds and may ring one early."""


class Idle:
    """Calls `expired` when `seconds` have gone by since the last `begin`, whatever was asked meanwhile: whether the connection is idle
    then, it knows best itself.

    The timer stays where it is while requests come and go: moving it would cost each of them a cancel and a new one (2 µs).
    """

    __slots__ = ("_expired", "_loop", "_now", "_seconds", "_since", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._now = loop.time
        self._seconds = seconds
        self._expired = expired
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0

    def begin(self) -> None:
        """From now on the next request is waited for."""
        self._since = self._now()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._rang)

    def end(self) -> None:
        """The connection is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rang(self) -> None:
        self._timer = None
        left_s = self._since + self._seconds - self._now()
        if left_s > _TICK_S:
            self._timer = self._loop.call_later(left_s, self._rang)
        else:
            self._expired()
