"""The clock on a connection that waits for its next request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_TICK_S = 0.001
"""uvloop counts in milliseconds and may ring one early."""


class Idle:
    """Calls `expired` when, for `seconds`, nothing has been asked since `begin`.

    The timer stays where it is while requests come and go: moving it would cost each of them a cancel and a new one (2 µs).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._expired = expired
        self._timer: asyncio.TimerHandle | None = None
        self._since: float | None = None

    def begin(self) -> None:
        """From now on the next request is waited for."""
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._rang)

    def pause(self) -> None:
        """It is there."""
        self._since = None

    def end(self) -> None:
        """The connection is over."""
        self._since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rang(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left_s = self._since + self._seconds - self._loop.time()
        if left_s > _TICK_S:
            self._timer = self._loop.call_later(left_s, self._rang)
        else:
            self._expired()
