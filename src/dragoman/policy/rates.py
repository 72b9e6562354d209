"""What a model costs, as facts: rates by kind of unit, by length of the request, by the hour, by the way it is processed.

Pure data and look-ups. Where the numbers come from: `policy.lists` (public lists) and config. What they come to: `policy.cost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class Unit(StrEnum):
    """What is counted and priced. Tokens are priced per million, the last ones each."""

    INPUT = "input"
    CACHE_READ = "cache_read"
    CACHE_WRITE = "cache_write"
    CACHE_WRITE_1H = "cache_write_1h"
    INPUT_AUDIO = "input_audio"
    CACHE_READ_AUDIO = "cache_read_audio"
    INPUT_IMAGE = "input_image"
    OUTPUT = "output"
    REASONING = "reasoning"
    OUTPUT_AUDIO = "output_audio"
    OUTPUT_IMAGE = "output_image"
    REQUEST = "request"
    WEB_SEARCH = "web_search"
    SEARCHED_REQUEST = "searched_request"
    MAPS = "maps"


EACH = frozenset({Unit.REQUEST, Unit.WEB_SEARCH, Unit.SEARCHED_REQUEST, Unit.MAPS})
"""Units that are priced each, not per million. Of requests that searched the web either the searches are billed or, once, the request: by
that which has a price."""
PART_OF: dict[Unit, Unit] = {
    Unit.CACHE_READ: Unit.INPUT,
    Unit.CACHE_WRITE: Unit.INPUT,
    Unit.CACHE_WRITE_1H: Unit.CACHE_WRITE,
    Unit.INPUT_AUDIO: Unit.INPUT,
    Unit.CACHE_READ_AUDIO: Unit.CACHE_READ,
    Unit.INPUT_IMAGE: Unit.INPUT,
    Unit.REASONING: Unit.OUTPUT,
    Unit.OUTPUT_AUDIO: Unit.OUTPUT,
    Unit.OUTPUT_IMAGE: Unit.OUTPUT,
}
"""What has no price of its own is billed as that which it is a part of."""

Rates = Mapping[Unit, Decimal]
"""US dollars per million tokens, or each; a unit that is missing has no price of its own."""
Terms = Mapping[str, str]
"""How a request was processed, in the words of the provider: `service_tier`, `processing`, `speed`."""
STANDARD: Terms = {}

_DAY_S = 86_400


class Hours(msgspec.Struct, frozen=True):
    """When a price holds. from_s: Unix seconds; daily: (from, until) in seconds of the UTC day, which may run past midnight."""

    from_s: float | None = None
    daily: tuple[int, int] | None = None

    def hold(self, at: float) -> bool:
        """Whether they hold at this time, in Unix seconds."""
        if self.from_s is not None and at < self.from_s:
            return False
        if self.daily is None:
            return True
        begins, ends = self.daily
        moment = at % _DAY_S
        return begins <= moment < ends if begins <= ends else moment >= begins or moment < ends


ALWAYS = Hours()


class Step(msgspec.Struct, frozen=True):
    """The rates of a whole request whose input is longer than `past` tokens; what is missing stays as in the step before."""

    past: int
    rates: dict[Unit, Decimal]


class Era(msgspec.Struct, frozen=True):
    """Rates, the steps of long requests in ascending order, and when they hold."""

    rates: dict[Unit, Decimal]
    steps: tuple[Step, ...] = ()
    hours: Hours = ALWAYS


class Variant(msgspec.Struct, frozen=True):
    """Rates that differ for requests on these terms; what it does not say is as ever."""

    when: dict[str, str]
    era: Era


class Price(msgspec.Struct, frozen=True):
    """What a model costs. eras: the last one that holds counts, else the first. variants: the first that says something counts.
    factor: what the customer pays of the price of tokens, 1 for all. source: where it is from, for people to read. chosen: config
    says it, so what a provider tells of its cost does not count."""

    eras: tuple[Era, ...]
    variants: tuple[Variant, ...] = ()
    factor: Decimal = Decimal(1)
    source: str = ""
    chosen: bool = False

    def at(self, when: float, input_tokens: int = 0, terms: Terms = STANDARD) -> dict[Unit, Decimal]:
        """The rates of a request of so many input tokens (cached ones among them), begun at `when`, in Unix seconds."""
        era = next((one for one in reversed(self.eras) if one.hours.hold(when)), self.eras[0])
        found = _stepped(era, input_tokens)
        if terms and self.variants:
            found |= self._differing(when, input_tokens, terms)
        if self.factor == 1:
            return found
        return {unit: rate if unit in EACH else rate * self.factor for unit, rate in found.items()}

    def starts(self) -> frozenset[int]:
        """The input tokens past which a whole request costs something else."""
        eras = (*self.eras, *(variant.era for variant in self.variants))
        return frozenset(step.past for era in eras for step in era.steps)

    def _differing(self, when: float, input_tokens: int, terms: Terms) -> dict[Unit, Decimal]:
        found: dict[Unit, Decimal] = {}
        for variant in self.variants:
            if variant.era.hours.hold(when) and all(terms.get(name) == value for name, value in variant.when.items()):
                found = _stepped(variant.era, input_tokens) | found
        return found


def rate(rates: Rates, unit: Unit) -> Decimal | None:
    """The price of a unit: its own, or that of what it is a part of; None if neither is known."""
    looked: Unit | None = unit
    while looked is not None:
        own = rates.get(looked)
        if own is not None:
            return own
        looked = PART_OF.get(looked)
    return None


def midnight(year: int, month: int, day: int) -> float:
    """The Unix seconds at which a day begins in UTC."""
    return datetime(year, month, day, tzinfo=UTC).timestamp()


def _stepped(era: Era, input_tokens: int) -> dict[Unit, Decimal]:
    found = dict(era.rates)
    for step in era.steps:
        if input_tokens <= step.past:
            break
        found |= step.rates
    return found
