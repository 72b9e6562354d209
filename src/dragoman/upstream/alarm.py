"""Timers that cost nothing to push back, alone or for many, and that take nobody for late while the process itself stood still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from math import inf
from typing import Protocol

TICK_S = 0.001
"""uvloop counts in milliseconds and may ring one early."""
_LATE_S = 0.1
"""A timer that rings so long after its time tells that the process stood still: stopped, starved, or on a machine that slept."""
_GRACE_MAX_S = 5.0
"""The most that is given back of that time: what arrived meanwhile is read in a moment, and nobody should hang as long as a night."""


class Alarm:
    """Calls `ring(now)` at the time set last, or earlier: `ring` looks at what is due and returns when to ring next (None: never).

    Deadlines move with every chunk of a stream. Moving a timer costs a cancel and a new one (2 µs); leaving it where it is and
    looking again when it rings costs nothing. `when`: when it rings next; never is infinity.

    A loop that was held up rings before it has read what arrived meanwhile (uvloop does so after a callback of a socket, and when a
    stopped process goes on). So a timer that comes late itself rings once more, as much later as it was late.
    """

    __slots__ = ("_handle", "_is_excused", "_loop", "_ring", "when")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[float], float | None]) -> None:
        self.when = inf
        self._loop = loop
        self._ring: Callable[[float], float | None] | None = ring
        self._handle: asyncio.TimerHandle | None = None
        self._is_excused = False

    def by(self, when: float) -> None:
        """Ring at `when` (loop time) at the latest; when the process stood still, once what arrived meanwhile has been read."""
        if self.when <= when or self._is_excused:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._set(when)

    def end(self) -> None:
        """Never ring again. Lets go of `ring`, so that the two need no garbage collector to part."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.when = inf
        self._ring = None

    def _set(self, when: float) -> None:
        now = self._loop.time()
        self.when = max(when, now)
        self._handle = self._loop.call_later(self.when - now, self._rang)

    def _rang(self) -> None:
        self._handle = None
        now = self._loop.time()
        late_s = now - self.when
        if late_s > _LATE_S and not self._is_excused:
            self._is_excused = True
            self._set(now + min(late_s, _GRACE_MAX_S))
            return
        self._is_excused = False
        self.when = inf
        again = self._ring(now) if self._ring is not None else None
        if again is not None:
            self.by(again)


class Ringing(Protocol):
    """Something with deadlines."""

    def ring(self, now: float) -> float | None:
        """Do what is due; when to look again (None: never)."""
        ...


class Alarms:
    """One timer for all that wait: a wait begins and ends without one of its own. It may ring for nobody; then it is silent until
    the next `by`."""

    __slots__ = ("_alarm", "_watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watched: set[Ringing] = set()
        self._alarm = Alarm(loop, self._ring)

    def by(self, each: Ringing, when: float) -> None:
        """Ring `each` at `when` (loop time) at the latest."""
        self._watched.add(each)
        if when < self._alarm.when:
            self._alarm.by(when)

    def off(self, each: Ringing) -> None:
        """Don't ring `each` again until the next `by`."""
        self._watched.discard(each)

    def end(self) -> None:
        """Never ring again."""
        self._watched.clear()
        self._alarm.end()

    def _ring(self, now: float) -> float | None:
        earliest: float | None = None
        for each in tuple(self._watched):
            due = each.ring(now)
            if due is None:
                self._watched.discard(each)
            elif earliest is None or due < earliest:
                earliest = due
        return earliest


@asynccontextmanager
async def within(seconds: float) -> AsyncGenerator[None]:
    """As `asyncio.timeout`, but by an alarm. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as timeout:
        alarm = Alarm(loop, timeout.reschedule)
        alarm.by(loop.time() + seconds)
        try:
            yield
        finally:
            alarm.end()
