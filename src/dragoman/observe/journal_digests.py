"""When exchanges are summed up for those who ask (`store.digest`): behind the writing, and in a share of the time only."""

from __future__ import annotations

import time
from collections.abc import Callable

from dragoman.store.batch import Writer

_AT_ONCE = 8000
_SHARE = 0.0025
"""Of one core, at most: enough for 350 exchanges a second. What is not summed up yet is read one by one by who asks."""
_REST_S = 60.0


class Digests:
    """Catches up with what was written. next_at: when there may be something to do, by its clock (seconds)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.next_at = 0.0

    def catch_up(self, writer: Writer) -> None:
        """Do some of it, if it is time to. Raises StoreAway."""
        began = self._clock()
        if began < self.next_at:
            return
        self.next_at = began + _REST_S
        if writer.digest(_AT_ONCE):
            now = self._clock()
            self.next_at = now + (now - began) / _SHARE
