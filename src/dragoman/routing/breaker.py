"""The circuit breaker of one seat: closed (all is well), open (left alone), half-open (a few requests try it).

Pure: `now` comes as an argument, the thresholds from config. Only what was the provider's fault is told to it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dragoman.config.routing_schema import Breaker
from dragoman.routing.recent import Recent

State = Literal["closed", "open", "half-open"]


class Circuit(msgspec.Struct):
    """The breaker's state. since: when it came to be so; until: when an open one may be tried; why: the fault that opened it;
    pause_s: how long it stays open, longer each time that trying it fails; opened: how often it was; trials: requests that try it now,
    since it was opened last."""

    state: State = "closed"
    since: float = 0.0
    until: float = 0.0
    why: str = ""
    pause_s: float = 0.0
    opened: int = 0
    trials: int = 0
    good: Recent = msgspec.field(default_factory=Recent)
    bad: Recent = msgspec.field(default_factory=Recent)

    def may_try(self, now: float, settings: Breaker) -> bool:
        """Whether a request may go here now: it is closed, or its time to be tried has come and there is room for one more."""
        if self.state == "closed":
            return True
        return now >= self.until and self.trials < settings.half_open

    def enter(self, now: float) -> int:
        """A request goes here. If it is a trial: which opening it is of, to be handed to `leave` at its end; else 0."""
        if self.state == "closed":
            return 0
        if self.state == "open" and now >= self.until:
            self.state, self.since = "half-open", now
        if self.state == "half-open":
            self.trials += 1
            return self.opened
        return 0

    def leave(self, trial: int) -> None:
        """A trial is over; without a verdict (its client left) its place is given back. One that outlived its opening holds none."""
        if trial == self.opened and self.trials:
            self.trials -= 1

    def spoke(self, now: float) -> None:
        """The provider began to answer: a trial need not wait for the end of it."""
        if self.state != "closed":
            self.clear(now)

    def succeeded(self, now: float) -> None:
        """The provider answered."""
        if self.state == "closed":
            self.good.add(now)
            return
        self.clear(now)

    def failed(self, now: float, why: str, settings: Breaker) -> None:
        """The provider failed, by its own fault. One that is open already stays so: it was tried for want of others."""
        if self.state == "half-open":
            self._open(now, why, min(self.pause_s * 2, settings.open_max_s))
        elif self.state == "closed":
            self._count(now, why, settings)

    def clear(self, now: float) -> None:
        """Close it, and forget what was."""
        self.state, self.since, self.why = "closed", now, ""
        self.until = self.pause_s = 0.0
        self.trials = 0
        self.good.clear()
        self.bad.clear()

    def _count(self, now: float, why: str, settings: Breaker) -> None:
        self.good.span_s = self.bad.span_s = settings.window_s
        self.bad.add(now)
        bad = self.bad.total(now)
        # What fades is a fraction: the fifth fault of a window is there from 4.5 on.
        if bad > settings.failures - 0.5 and bad >= settings.rate * (bad + self.good.total(now)):
            self._open(now, why, min(settings.open_s, settings.open_max_s))

    def _open(self, now: float, why: str, pause_s: float) -> None:
        self.state, self.since, self.why = "open", now, why
        self.pause_s, self.until = pause_s, now + pause_s
        self.opened += 1
        self.trials = 0
        self.good.clear()
        self.bad.clear()
