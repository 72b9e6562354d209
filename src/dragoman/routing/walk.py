"""What one walk through the tree of a model knows and notes: the facts it reads, the choices it made, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from dragoman.config.routing_schema import Affinity
from dragoman.routing.affinity import Sessions, Sitting, session_key
from dragoman.routing.ask import Ask
from dragoman.routing.balance import another, order
from dragoman.routing.board import Board
from dragoman.routing.decision import NeedsClassifier, Place
from dragoman.routing.score import Score
from dragoman.routing.seat import Seat
from dragoman.routing.tree import Entry

_LEAST_HEADROOM = 0.05
"""A key whose limit is nearly used up keeps this share of its weight for new sessions."""


class Price(Protocol):
    """What a deployment costs now."""

    def of(self, input_tokens: int, cached_tokens: int, output_tokens: int, written_tokens: int = 0) -> float:
        """About what a request costs, in US dollars; input_tokens include those read from and written to a cache."""
        ...


PriceOf = Callable[[str, str, float], Price | None]
"""(provider, model, Unix seconds) -> its price; None: nobody knows it."""


def no_price(provider: str, model: str, wall: float) -> Price | None:
    """Where nobody knows any price."""
    return None


class Judgement(msgspec.Struct, frozen=True):
    """A classifier's answer: the tier, None: it gave none; why says which model said so, or what was in its way."""

    tier: str | None
    why: str


class Notes(msgspec.Struct):
    """What a walk came to. path: the names that led to the targets, by which a session's seat is remembered; the others as in `Decision`.
    is_settled: whether the session stays has been decided by price."""

    path: tuple[str, ...] = ()
    passed: tuple[tuple[str, str], ...] = ()
    rule: str = ""
    strategy: str = ""
    tier: str = ""
    tier_why: str = ""
    tier_key: bytes | None = None
    score: Score | None = None
    classifier: NeedsClassifier | None = None
    judged: bool = False
    sticky: bool = False
    moved: str = ""
    is_settled: bool = False

    def adopt(self, inner: Notes) -> None:
        """Take over what was decided within the model that came first. The path stays: which model that is may change."""
        self.passed, self.rule = inner.passed, inner.rule
        self.tier, self.tier_why, self.tier_key, self.score = inner.tier, inner.tier_why, inner.tier_key, inner.score
        self.classifier, self.judged = inner.classifier, inner.judged


class Walk:
    """One request on its way through a tree. Strategies read it, and note in `notes` what they came to."""

    __slots__ = ("_draw", "affinity", "ask", "board", "judgement", "notes", "now", "price", "session", "sessions")

    def __init__(self, ask: Ask, board: Board, now: float, draw: float, *, sessions: Sessions, price: PriceOf, affinity: Affinity) -> None:
        self.ask = ask
        self.board = board
        self.now = now
        self._draw = draw
        self.sessions = sessions
        self.price = price
        self.affinity = affinity
        self.session = ask.session if affinity.on else None
        self.notes = Notes()
        self.judgement: Judgement | None = None

    def draw(self) -> float:
        """The next random number in [0, 1)."""
        drawn = self._draw
        self._draw = another(drawn)
        return drawn

    def seat_key(self) -> bytes | None:
        """Under which the session's seat is remembered here; None: it has no session that stays."""
        return None if self.session is None else session_key(self.session, "/".join(self.notes.path))

    def sitting(self) -> Sitting | None:
        """Where the session sits, on this path."""
        key = self.seat_key()
        return None if key is None else self.sessions.find(key, self.now, self.affinity.lifetime_s)

    def tried(self, entry: Entry, why: str, value: float | None = None, *, by: Callable[[Seat], float] | None = None) -> list[Place]:
        """The places of one target: its keys by a measure (the least first), else by weight."""
        return [Place(seat, why, value) for seat in self._keys(entry.seats, by)]

    def _keys(self, seats: Sequence[Seat], by: Callable[[Seat], float] | None) -> Sequence[Seat]:
        if len(seats) < 2:
            return seats
        shared = [item.seat for item in order([self._weighed(seat) for seat in seats], self.session, self.draw())]
        return shared if by is None else sorted(shared, key=by)

    def _weighed(self, seat: Seat) -> _Weighed:
        """A key's share of new sessions shrinks as its limits are used up, before they are hit."""
        health = self.board.known(seat)
        headroom = 1.0 if health is None else max(_LEAST_HEADROOM, health.headroom(self.now))
        return _Weighed(seat, seat.key, seat.weight * headroom)


class _Weighed(msgspec.Struct, frozen=True):
    seat: Seat
    id: str
    weight: float
