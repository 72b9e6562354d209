"""How many refused requests are kept: enough to see who is refused and why, too few for a flood to fill the journal.

Whoever has no valid key can ask as often as the line allows; what is kept of that must be bounded by time, not by their will.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from dragoman.ir.record import Record

_BURST = 20.0
_A_SECOND = 1 / 6
_ALL_BURST = 200.0
_ALL_A_SECOND = 2.0
_ADDRESSES = 1000
_NOBODY = "-"


class _Bucket:
    """So many at once, and then so many a second."""

    __slots__ = ("at", "left", "missed")

    def __init__(self, left: float, at: float) -> None:
        self.left, self.at, self.missed = left, at, 0

    def takes(self, now: float, burst: float, a_second: float) -> bool:
        self.left = min(burst, self.left + (now - self.at) * a_second)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Refusals:
    """Decides of each refused exchange whether it is kept: 20 at once and then ten a minute of one address, 200 and then 120 of all
    together. What was left out is told by the next one that is kept (in its `warnings`). `clock`: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all = _Bucket(_ALL_BURST, clock())
        self._by_address: OrderedDict[str, _Bucket] = OrderedDict()

    def keeps(self, record: Record) -> bool:
        """Whether this exchange is to be kept. All are that somebody's key stands behind, and all for which a provider was asked."""
        if record.error is None or record.attempts or record.client != _NOBODY:
            return True
        now = self._clock()
        bucket = self._of(record.address, now)
        if bucket.takes(now, _BURST, _A_SECOND) and self._all.takes(now, _ALL_BURST, _ALL_A_SECOND):
            missed = bucket.missed + self._all.missed
            bucket.missed = self._all.missed = 0
            if missed:
                record.warnings = [*record.warnings, ("refused", f"{missed} more were refused since the one before, and are not kept")]
            return True
        bucket.missed += 1
        return False

    def _of(self, address: str, now: float) -> _Bucket:
        bucket = self._by_address.pop(address, None) or _Bucket(_BURST, now)
        self._by_address[address] = bucket
        if len(self._by_address) > _ADDRESSES:
            _, gone = self._by_address.popitem(last=False)
            self._all.missed += gone.missed
        return bucket
