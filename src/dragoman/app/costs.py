"""What a run cost: the sums that the tally keeps, priced when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from dragoman.ir.usage import Usage
from dragoman.observe.tally import Count, Counted
from dragoman.policy.book import PriceBook
from dragoman.policy.cost import is_sound
from dragoman.policy.count import counts, is_plain
from dragoman.policy.price import Spent, Steps, period, price
from dragoman.policy.rates import Unit

Priced = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def counting(steps: Steps) -> Count:
    """How replies are billed, as far as prices of public lists, or of configs that `steps` has learnt of, tell them apart."""

    half_hour, now = -1.0, 0
    plain: dict[tuple[int, int], Counted] = {}

    def count(usage: Usage, tier: str | None, at: float) -> Counted | None:
        nonlocal half_hour, now
        if at // _HALF_HOUR_S != half_hour:
            half_hour, now = at // _HALF_HOUR_S, period(at)
            plain.clear()
        alike = steps(usage.input_tokens), now
        if is_plain(usage, tier):
            read, written, thought = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0, usage.reasoning_tokens or 0
            if read + written > usage.input_tokens or thought > usage.output_tokens:
                return None
            return plain.get(alike) or plain.setdefault(alike, Counted(alike))
        found = counts(usage, None if tier is None else {"service_tier": tier})
        if found.told_usd is None and not is_sound(found.units):
            return None
        beside = {unit.value: number for unit, number in found.units.items() if unit not in _NEUTRAL}
        return Counted((*alike, *sorted(found.terms.items()), found.told_usd is None), beside, found.terms, found.told_usd)

    return count


_HALF_HOUR_S = 1800
"""Prices change at no other times."""
_NEUTRAL = frozenset({Unit.REQUEST, Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE, Unit.OUTPUT, Unit.REASONING})


def price_by(book: PriceBook) -> Priced:
    """A function that adds to the sums of a run or session `cost_usd` (None if the price of any part is not known), and
    `known_cost_usd` (of the parts whose price is known); and `cost_usd` to each part of `spent`. It takes milliseconds."""

    def priced(sums: Mapping[str, Any]) -> Mapping[str, Any]:
        costs = [_cost(book, tokens) for tokens in sums["spent"]]
        known = sum((cost for cost in costs if cost is not None), Decimal(0))
        is_whole = None not in costs and not sums["uncounted"]
        told = zip(sums["spent"], costs, strict=True)
        spent = [{**tokens, "told_usd": _told(tokens["told_usd"]), "cost_usd": _told(cost)} for tokens, cost in told]
        return {**sums, "spent": spent, "cost_usd": _told(known) if is_whole else None, "known_cost_usd": _told(known)}

    return priced


def _cost(book: PriceBook, tokens: Mapping[str, Any]) -> Decimal | None:
    spent = Spent(
        requests=tokens["requests"],
        input_tokens=tokens["input_tokens"],
        output_tokens=tokens["output_tokens"],
        cache_read_tokens=tokens["cached_tokens"],
        cache_write_tokens=tokens["cache_written_tokens"],
        reasoning_tokens=tokens["reasoning_tokens"],
        at=tokens["began_at"],
        terms=tokens["terms"],
        beside={Unit(unit): count for unit, count in tokens["beside"].items()},
        told_usd=tokens["told_usd"],
    )
    return price(book.price(tokens["provider"], tokens["model"]), spent)


def _told(cost: Decimal | None) -> float | None:
    """A millionth of a cent is the last place that is told."""
    return None if cost is None else float(round(cost, 8))
