"""Which target first: a weighted choice that stays with its session, without remembering any session.

Weighted rendezvous hashing: every target draws a score from the session and its own id; the highest is first. Each target gets
its weight's share of the sessions, and adding one moves only the sessions that go to it.
https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import log

from dragoman.routing.target import Target


def order(targets: Sequence[Target], sticky: str | None, draw: float) -> tuple[Target, ...]:
    """The targets in the order to try. `sticky` is the session that stays with its choice; without one `draw`, a random number
    in [0, 1), decides."""
    if len(targets) == 1:
        return tuple(targets)
    if sticky is None:
        return _drawn(targets, draw)
    key = blake2b(f"session {sticky}".encode("utf-8", "surrogateescape"), digest_size=32).digest()
    return tuple(sorted(targets, key=lambda target: _score(key, target)))


def _drawn(targets: Sequence[Target], draw: float) -> tuple[Target, ...]:
    """The target on whose share of [0, 1) the number falls, then the others, the heavier ones first."""
    left = draw * sum(target.weight for target in targets)
    first = targets[-1]
    for target in targets:
        left -= target.weight
        if left < 0:
            first = target
            break
    return (first, *sorted((target for target in targets if target is not first), key=lambda target: -target.weight))


def _score(key: bytes, target: Target) -> float:
    """The lower the better: an exponential variate whose rate is the weight."""
    drawn = int.from_bytes(blake2b(target.id.encode(), digest_size=8, key=key).digest()) >> 12
    return -log((drawn + 0.5) / 2**52) / target.weight
