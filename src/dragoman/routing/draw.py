"""Models that only draw: targets by weight or by priority, then fallbacks, each with one key, and nothing else to decide.

Such a model has few decisions: one for each order that a draw can give, and of these one for each seat where a session may sit. They
are made once and looked up, where a walk through the tree makes each anew, at three times the cost of all the rest of routing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

import msgspec

from dragoman.routing.affinity import Sitting, spot
from dragoman.routing.balance import another, order
from dragoman.routing.board import Standing
from dragoman.routing.decision import Decision, Place

_KEPT = 256
"""Decisions that are kept of one model: many targets have more orders than are worth remembering."""

WELL: frozenset[Standing] = frozenset({"ready", "trial"})
"""How a seat stands that may be asked first."""

_Order = tuple[int, ...]


class Lot(msgspec.Struct, frozen=True):
    """One that is drawn, with its place as it stands in the decision."""

    id: str
    weight: int
    place: Place


class Draw:
    """The decisions of such a model: `seats` are all of its seats, `path` leads to them.

    groups: lots among which one draw decides, in their order. blank: the decision without places.
    """

    def __init__(self, groups: Sequence[Sequence[Lot]], tail: Sequence[Place], blank: Decision) -> None:
        numbers = count()
        self._groups = tuple(_Group(group, [next(numbers) for _ in group]) for group in groups)
        self._places = tuple(lot.place for group in groups for lot in group)
        self._tail = tuple(tail)
        self._as_given = tuple(range(len(self._places)))
        self._blank = blank
        self._made: dict[tuple[_Order, str, str], Decision] = {}
        self._at_random: dict[_Order, Decision] = {}
        self.seats = tuple(place.seat for place in (*self._places, *self._tail))
        self.path = f"{blank.model}/"

    def at_random(self, draw: float) -> Decision:
        """For a request without a session; draw: a random number in [0, 1)."""
        groups = self._groups
        found = groups[0].drawn(draw) if len(groups) == 1 else self._order(None, draw)
        return self._at_random.get(found) or self._make(found)

    def by_session(self, session: str, session_from: str, seat_key: bytes, sitting: Sitting | None) -> Decision | None:
        """For a session, which stays where it sits; None: where that is no target any more."""
        sits = "" if sitting is None else sitting.spot
        # Of two seats it is clear which is second, whatever the session would have drawn.
        drawn = self._as_given if sits and len(self.seats) == 2 else self._order(session, 0.0)
        wanted = (drawn, sits, session_from)
        made = self._made.get(wanted)
        if made is None:
            made = self._make_sticky(*wanted)
            if made is None:
                return None
        return msgspec.structs.replace(made, seat_key=seat_key, mixed=sitting is not None and sitting.mixed)

    def _order(self, session: str | None, draw: float) -> _Order:
        found: _Order = ()
        for group in self._groups:
            found += group.drawn(draw) if session is None else group.shared(session)
            draw = another(draw)
        return found

    def _make(self, wanted: _Order) -> Decision:
        made = msgspec.structs.replace(self._blank, places=self._in_order(wanted))
        if len(self._at_random) < _KEPT:
            self._at_random[wanted] = made
        return made

    def _make_sticky(self, wanted: _Order, sits: str, session_from: str) -> Decision | None:
        places = self._in_order(wanted)
        if sits:
            own = next((place for place in places if spot(place.seat) == sits), None)
            if own is None:
                return None
            places = sit(own, [place for place in places if place is not own])
        made = msgspec.structs.replace(self._blank, places=places, session=session_from, sticky=bool(sits))
        if len(self._made) < _KEPT:
            self._made[wanted, sits, session_from] = made
        return made

    def _in_order(self, wanted: _Order) -> tuple[Place, ...]:
        return tuple(once((*(self._places[number] for number in wanted), *self._tail)))


def once(places: Iterable[Place]) -> list[Place]:
    """Each seat once, where it comes first."""
    first: dict[tuple[str, str], Place] = {}
    for place in places:
        first.setdefault((place.seat.target.id, place.seat.key), place)
    return list(first.values())


def sit(own: Place, others: Sequence[Place]) -> tuple[Place, ...]:
    """The session's own seat first, its deployment's other keys next, as far as they are well, and last where not."""
    near = [place for place in others if place.seat.deployment == own.seat.deployment]
    rest = [place for place in others if place.seat.deployment != own.seat.deployment]
    well = [place for place in near if place.standing in WELL]
    ill = [place for place in near if place.standing not in WELL]
    return (msgspec.structs.replace(own, why="the session sits here", value=None), *well, *rest, *ill)


class _Group:
    """Lots among which one draw decides; `numbers` are theirs among all of the model."""

    def __init__(self, lots: Sequence[Lot], numbers: Sequence[int]) -> None:
        self._lots = tuple(lots)
        self._number = {lot.id: number for lot, number in zip(lots, numbers, strict=True)}
        self._total = sum(lot.weight for lot in lots)
        self._first = lots[0].weight if len(lots) == 2 else self._total if len(lots) == 1 else -1
        """Of one or two: where the draw falls below this share of the total they stand as they are, else the other way round."""
        self._straight, self._turned = tuple(numbers), tuple(reversed(numbers))

    def drawn(self, draw: float) -> _Order:
        """Their order by a random number in [0, 1)."""
        if self._first < 0:
            return self._numbers(order(self._lots, None, draw))
        return self._straight if draw * self._total < self._first else self._turned

    def shared(self, session: str) -> _Order:
        """Their order for a session."""
        if len(self._lots) == 1:
            return self._straight
        return self._numbers(order(self._lots, session, 0.0))

    def _numbers(self, lots: Sequence[Lot]) -> _Order:
        """The same model at other providers comes before other models."""
        kin = lots[0].place.seat.kin
        same = [lot for lot in lots if lot.place.seat.kin == kin]
        other = [lot for lot in lots if lot.place.seat.kin != kin]
        return tuple([self._number[lot.id] for lot in (*same, *other)])
