"""What a run cost: the sums that the tally keeps, priced when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from dragoman.config.schema import Config
from dragoman.policy.book import PriceBook
from dragoman.policy.price import Spent, price

Priced = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def price_sums(config: Config) -> Priced:
    """A function that adds to the sums of a run or session `cost_usd` (None if the price of any part is not known), and
    `known_cost_usd` (of the parts whose price is known); and `cost_usd` to each part of `spent`. It takes milliseconds, and half
    a second the first time."""
    return price_by(PriceBook.compile(config))


def price_by(book: PriceBook) -> Priced:
    """The same, by these prices."""

    def priced(sums: Mapping[str, Any]) -> Mapping[str, Any]:
        costs = [_cost(book, tokens) for tokens in sums["spent"]]
        known = sum((cost for cost in costs if cost is not None), Decimal(0))
        is_whole = None not in costs and not sums["uncounted"]
        spent = [{**tokens, "cost_usd": _told(cost)} for tokens, cost in zip(sums["spent"], costs, strict=True)]
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
    )
    return price(book.price(tokens["provider"], tokens["model"]), spent)


def _told(cost: Decimal | None) -> float | None:
    """A millionth of a cent is the last place that is told."""
    return None if cost is None else float(round(cost, 8))
