"""A sum over the last stretch of time, in four numbers: what came in this stretch and the one before, which fades."""

from __future__ import annotations

import msgspec


class Recent(msgspec.Struct):
    """What was added in about the last `span_s` seconds.

    The stretch before counts for the share of it that still lies within the span, as if it had come evenly.
    """

    span_s: float = 60.0
    began: float = 0.0
    now_sum: float = 0.0
    past_sum: float = 0.0

    def add(self, now: float, amount: float = 1) -> None:
        """Count `amount` at `now`."""
        if now - self.began >= self.span_s:
            self._turn(now)
        self.now_sum += amount

    def total(self, now: float) -> float:
        """What was added within the span before `now`."""
        if now - self.began >= self.span_s:
            self._turn(now)
        return self.now_sum + self.past_sum * (1 - (now - self.began) / self.span_s)

    def clear(self) -> None:
        """Forget everything."""
        self.now_sum = self.past_sum = 0.0

    def _turn(self, now: float) -> None:
        gone = now - self.began
        self.past_sum = self.now_sum if gone < 2 * self.span_s else 0.0
        self.began = self.began + self.span_s if gone < 2 * self.span_s else now
        self.now_sum = 0.0
