"""How many retries a provider gets: a share of the requests of the last minute, so that an outage is not multiplied."""

from __future__ import annotations

import msgspec

from dragoman.routing.recent import Recent

LEAST = 10
"""Retries within a minute that are always allowed: a share of few requests would be none."""


class Budget(msgspec.Struct):
    """The retries of one provider. A retry is a try at a provider that has failed at this exchange already; requests are
    its other tries. promised: retries that exchanges wait for; without them, all that wait at once would be found affordable."""

    requests: Recent = msgspec.field(default_factory=Recent)
    retries: Recent = msgspec.field(default_factory=Recent)
    promised: int = 0

    def has_room(self, now: float, share: float) -> bool:
        """Whether one more retry is allowed."""
        return self.left(now, share) >= 1

    def left(self, now: float, share: float) -> float:
        """How many are: `share` of the last minute's requests, but never less than LEAST, without those that were made and those that are
        promised."""
        return max(LEAST, share * self.requests.total(now)) - self.retries.total(now) - self.promised
