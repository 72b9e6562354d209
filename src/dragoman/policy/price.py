"""What many requests of one model cost, from their sums: the tally keeps tokens apart by what they are priced by."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from dragoman.config.price_schema import ModelPrice
from dragoman.policy.cost import Cost, amount, settled
from dragoman.policy.rates import STANDARD, Price, Terms, Unit

STEPS = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
"""Input tokens past which some model of the public lists costs more as a whole. Requests of one model between two of them may be
added up."""
HOURS = (1800, 3600, 14_400, 21_600, 36_000, 59_400)
"""Seconds of the UTC day at which the price of some model of the public lists changes."""
_DAY_S = 86_400


class Spent(msgspec.Struct, frozen=True):
    """Tokens of some requests of one model, all on the same step and terms. input_tokens is the total: it includes what was read from
    and written to a cache, as output_tokens includes reasoning_tokens. at: Unix seconds, since some prices change with the day or the
    hour. beside: what is billed besides these tokens, or is a part of them. told_usd: what the provider said of all of them."""

    requests: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    at: float = 0.0
    terms: Terms = STANDARD
    beside: Mapping[Unit, int] = {}
    told_usd: Decimal | None = None


class Steps:
    """Says on which step a request stands: past which number of input tokens, 0 for none. It outlives reloads, so it only learns."""

    def __init__(self, prices: Mapping[str, ModelPrice] | None = None) -> None:
        self._starts = [0, *STEPS]
        self.learn(prices or {})

    def learn(self, prices: Mapping[str, ModelPrice]) -> None:
        """Keep requests apart by the numbers of these prices of config too."""
        self._starts = sorted({*self._starts, *(long.over for price in prices.values() for long in price.long)})

    def __call__(self, input_tokens: int) -> int:
        """The last number that so many input tokens are past."""
        return self._starts[max(0, bisect_left(self._starts, input_tokens) - 1)]


def period(at: float) -> int:
    """Requests (begun at `at`, Unix seconds) with the same number are priced alike, as far as that depends on the day and its hours."""
    day, second = divmod(at, _DAY_S)
    return int(day) * (len(HOURS) + 1) + bisect_right(HOURS, second)


def price(known: Price | None, spent: Spent) -> Decimal | None:
    """US dollars, or None: the price of the model, or of a part of what was used, is not known."""
    return None if spent.requests < 1 else price_parts(known, spent).usd


def price_parts(known: Price | None, spent: Spent) -> Cost:
    """The same by kind. A step of a price holds for a whole request; the mean of the requests stands on the step of each."""
    rates = {} if known is None else known.at(spent.at, -(-spent.input_tokens // spent.requests), spent.terms)
    units = {
        Unit.REQUEST: spent.requests,
        Unit.INPUT: spent.input_tokens,
        Unit.CACHE_READ: spent.cache_read_tokens,
        Unit.CACHE_WRITE: spent.cache_write_tokens,
        Unit.OUTPUT: spent.output_tokens,
        Unit.REASONING: spent.reasoning_tokens,
        **spent.beside,
    }
    return settled(known, amount(rates, {unit: count for unit, count in units.items() if count}), spent.told_usd)
