"""Where sessions sit: a bounded memory of session -> seat, with a lifetime, which outlives reloads. Pure: `now` is an argument.

Nothing of a session but a digest is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

import msgspec

from dragoman.routing.seat import Seat


class Sitting(msgspec.Struct):
    """A session's place. spot: of the seat (see `spot`). tokens: about as many as the last request there left in the provider's prompt
    cache. tier: that it has come to, and `judged`: by a classifier. mixed: it sat elsewhere before, so that its history may hold thoughts
    that are not this seat's."""

    spot: str
    seen: float
    tokens: int = 0
    tier: str = ""
    judged: bool = False
    mixed: bool = False


class Sessions:
    """The memory of this process; `most` may be replaced by a reload. has_lone: sessions of models with one seat are among it, where
    there is nothing to remember but that thoughts were refused."""

    def __init__(self, most: int = 100_000) -> None:
        self.most = most
        self.has_lone = False
        self._sittings: OrderedDict[bytes, Sitting] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sittings)

    def find(self, key: bytes, now: float, lifetime_s: float) -> Sitting | None:
        """Where a session sits; None: it is not known, or was silent for longer than its lifetime."""
        found = self._sittings.get(key)
        if found is None:
            return None
        if now - found.seen > lifetime_s:
            del self._sittings[key]
            return None
        return found

    def keep(self, key: bytes, sitting: Sitting) -> None:
        """The session sits there now. Past the bound the one that was silent longest is forgotten."""
        self._sittings[key] = sitting
        self._sittings.move_to_end(key)
        while len(self._sittings) > self.most:
            self._sittings.popitem(last=False)


def spot(seat: Seat) -> str:
    """What a seat is remembered by: its target, with all that config changes about it, and its key."""
    return f"{seat.target.id}@{seat.key}" if seat.key else seat.target.id


def session_key(session: str, place: str) -> bytes:
    """The key of a session at a place: a virtual model, with the rule and tier that lead to its targets."""
    return blake2b(f"{place}\0{session}".encode("utf-8", "surrogateescape"), digest_size=16).digest()


def response_key(response: str) -> bytes:
    """The key of a response that its provider keeps."""
    return blake2b(response.encode("utf-8", "surrogateescape"), digest_size=16, person=b"response").digest()
