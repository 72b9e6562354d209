"""What an exchange costs, by kind of unit: counts times rates, exact to the last place of the provider's own arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from dragoman.policy.count import Counts
from dragoman.policy.rates import EACH, PART_OF, Price, Rates, Unit, rate

_MILLION = -6
OTHER = "other"
"""What the provider says that it costs beyond (below: negative) what the known prices come to."""
_FREE_IF_UNPRICED = frozenset({Unit.REQUEST, Unit.SEARCHED_REQUEST})


class Cost(msgspec.Struct, frozen=True):
    """parts: US dollars by unit, and `other`. unpriced: units that were used and whose price is not known."""

    parts: dict[str, Decimal]
    unpriced: tuple[str, ...] = ()

    @property
    def usd(self) -> Decimal | None:
        """The sum; None if the price of any part is not known."""
        return None if self.unpriced else self.known_usd

    @property
    def known_usd(self) -> Decimal:
        """The sum of what is known."""
        return sum(self.parts.values(), Decimal(0))


NOT_KNOWN = Cost({}, ("usage",))
"""Where no tokens were told."""


def cost(price: Price | None, counts: Counts, at: float) -> Cost:
    """What these counts of one request, begun at `at` (Unix seconds), cost at this price. What the provider itself said that it
    costs decides, unless config chose the price."""
    rates = {} if price is None else price.at(at, counts.units.get(Unit.INPUT, 0), counts.terms)
    return settled(price, amount(rates, counts.units), counts.told_usd)


def settled(price: Price | None, found: Cost, told_usd: Decimal | None) -> Cost:
    """What known prices come to, or what the provider itself said, if it did and config did not choose the price."""
    if told_usd is None or (price is not None and price.chosen):
        return found
    rest = told_usd - found.known_usd
    return Cost({**found.parts, OTHER: rest} if rest else found.parts)


def is_sound(units: Mapping[Unit, int]) -> bool:
    """Whether no part is more than its total: else nobody knows what the provider will bill."""
    return all(count >= 0 for count in _apart(units).values())


def amount(rates: Rates, units: Mapping[Unit, int]) -> Cost:
    """Counts times rates. Counts of several requests may be added up where one set of rates holds for all of them."""
    left = _apart(units)
    if Unit.SEARCHED_REQUEST in units and Unit.SEARCHED_REQUEST in rates:
        left.pop(Unit.WEB_SEARCH, None)
    if any(count < 0 for count in left.values()):
        return NOT_KNOWN
    parts: dict[str, Decimal] = {}
    unpriced: list[str] = []
    for unit, count in left.items():
        per = rate(rates, unit)
        if per is not None and count:
            parts[unit.value] = count * per if unit in EACH else (count * per).scaleb(_MILLION)
        elif count and unit not in _FREE_IF_UNPRICED:
            unpriced.append(unit.value)
    return Cost(parts, tuple(unpriced))


def _apart(units: Mapping[Unit, int]) -> dict[Unit, int]:
    """Each unit without its parts."""
    left = dict(units)
    for unit, whole in PART_OF.items():
        if units.get(unit):
            left[whole] = left.get(whole, 0) - units[unit]
    return left
