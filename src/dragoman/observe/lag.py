"""How late the event loop is: a timer that should come back at a set time, and when it did. Every stream waits that long."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterator

from dragoman.observe.exposition import Family, Sample, histogram

LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
EVERY_S = 0.25


class Lag:
    """A context manager: within it the running loop is measured, four times a second."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._counts = [0] * (len(LAG_S) + 1)
        self._sum_s = 0.0
        self._most_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Lag:
        self._wait(asyncio.get_running_loop())
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def late(self, seconds: float) -> None:
        """Count one measure."""
        self._counts[bisect_left(LAG_S, seconds)] += 1
        self._sum_s += seconds
        self._most_s = max(self._most_s, seconds)

    def families(self) -> Iterator[Family]:
        """The measures; the longest is that since it was last asked for."""
        most_s, self._most_s = self._most_s, 0.0
        samples = list(histogram((), LAG_S, self._counts, self._sum_s))
        yield Family("dragoman_event_loop_lag_seconds", "histogram", "Seconds by which the event loop came late to a timer.", samples)
        text = "The longest such delay since the last scrape, in seconds."
        yield Family("dragoman_event_loop_lag_max_seconds", "gauge", text, [Sample((), most_s)])

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._every_s, self._came, loop, loop.time() + self._every_s)

    def _came(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        # The loop's own clock is in milliseconds, so up to one of them is no lag.
        self.late(max(0.0, loop.time() - due))
        self._wait(loop)
