"""Timers that cost nothing to push back, alone or for many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol


class Alarm:
    """Calls `ring(now)` at the time set last, or earlier: `ring` looks at what is due and returns when to ring next (None: never).

    Deadlines move with every chunk of a stream. Moving a timer costs a cancel and a new one (2 µs); leaving it where it is and
    looking again when it rings costs nothing. `when`: when it rings next; never is infinity.
    """

    __slots__ = ("_handle", "_loop", "_ring", "when")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[float], float | None]) -> None:
        self.when = inf
        self._loop = loop
        self._ring: Callable[[float], float | None] | None = ring
        self._handle: asyncio.TimerHandle | None = None

    def by(self, when: float) -> None:
        """Ring at `when` (loop time) at the latest."""
        if self.when <= when:
            return
        if self._handle is not None:
            self._handle.cancel()
        self.when = when
        self._handle = self._loop.call_later(max(0.0, when - self._loop.time()), self._rang)

    def end(self) -> None:
        """Never ring again. Lets go of `ring`, so that the two need no garbage collector to part."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.when = inf
        self._ring = None

    def _rang(self) -> None:
        self._handle = None
        self.when = inf
        again = self._ring(self._loop.time()) if self._ring is not None else None
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
