"""Who is first: a weighted choice that stays with its session, without remembering any session.

Weighted rendezvous hashing: each of them draws a score from the session and its own id; the highest is first. Each gets its
weight's share of the sessions, and adding one moves only the sessions that go to it.
https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log
from typing import Protocol, TypeVar

_SPREAD = 9973.0
_64_BITS = 2**64 - 1
_SHORT = 256


class Weighted(Protocol):
    """What can be chosen by weight. No two that are chosen between share an id."""

    @property
    def id(self) -> str: ...
    @property
    def weight(self) -> float: ...


_Item = TypeVar("_Item", bound=Weighted)


def order(items: Sequence[_Item], sticky: str | None, draw: float) -> tuple[_Item, ...]:
    """All of them in the order to try. `sticky` is the session that stays with its choice; without one `draw`, a random number
    in [0, 1), decides."""
    if len(items) < 2:
        return tuple(items)
    if sticky is None:
        return _drawn(items, draw)
    session = _digest(f"session {sticky}")
    return tuple(sorted(items, key=lambda item: _score(session, item)))


def another(draw: float) -> float:
    """A further number in [0, 1) out of one: its later digits, which say nothing of the choice that its first ones made."""
    return draw * _SPREAD % 1.0


def _drawn(items: Sequence[_Item], draw: float) -> tuple[_Item, ...]:
    """The one on whose share of [0, 1) the number falls; of the others in the same way the next, and so on: whoever fails leaves its
    traffic to the others by their weights."""
    left = list(items)
    found: list[_Item] = []
    while len(left) > 1:
        found.append(left.pop(_fallen_on(left, draw)))
        draw = another(draw)
    return (*found, *left)


def _fallen_on(items: Sequence[_Item], draw: float) -> int:
    rest = draw * sum(item.weight for item in items)
    for place, item in enumerate(items):
        rest -= item.weight
        if rest < 0:
            return place
    return len(items) - 1


def _score(session: int, item: Weighted) -> float:
    """The lower the better: an exponential variate whose rate is the weight.

    What it is drawn from is splitmix64's last step, https://prng.di.unimi.it/splitmix64.c: a fifth of a digest's time.
    """
    drawn = session ^ _digest(item.id)
    drawn = ((drawn ^ (drawn >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    drawn = ((drawn ^ (drawn >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return -log(((drawn ^ (drawn >> 31)) >> 12) / 2**52 + 2**-53) / item.weight


def _digest(text: str) -> int:
    """A number of 64 bits that is the same in every process. Clients choose names, so long ones are not kept."""
    return _kept_digest(text) if len(text) <= _SHORT else _made_digest(text)


def _made_digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest())


_kept_digest = lru_cache(4096)(_made_digest)
