"""What the journal writes down as the cost of an exchange: each attempt that told its tokens, by kind of unit, to the last place."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from dragoman.ir.record import Attempt, Record
from dragoman.observe.journal_rows import Priced
from dragoman.policy.book import PriceBook
from dragoman.policy.cost import Cost, cost
from dragoman.policy.count import counts
from dragoman.policy.rates import Price

_PICO = 12
"""Places of a US dollar that are kept: no public price has more for a single token."""
_KEPT = 4096


def record_price(book: PriceBook) -> Callable[[Record], Priced | None]:
    """The costs of records by these prices. The first call may take half a second (`PriceBook.load`), others some microseconds: for a
    thread where nothing waits."""
    known: dict[tuple[str, str], Price | None] = {}

    def price(attempt: Attempt) -> Price | None:
        name = attempt.provider, attempt.model
        if name not in known:
            if len(known) >= _KEPT:
                known.clear()
            known[name] = book.price(*name)
        return known[name]

    return lambda record: _priced(record, price)


def _priced(record: Record, price: Callable[[Attempt], Price | None]) -> Priced | None:
    """An exchange costs what its attempts cost that told their tokens: known if each of these is."""
    if not record.attempts:
        return None
    parts: dict[str, int] = {}
    each: list[int | None] = []
    told: list[tuple[str, str]] = []
    for number, attempt in enumerate(record.attempts, 1):
        if attempt.usage is None:
            each.append(None)
            if _may_be_billed(attempt):
                told.append(("cost", _UNTOLD.format(number=number, name=f"{attempt.provider}/{attempt.model}")))
            continue
        found = _cost(record, attempt, price(attempt))
        picos = {unit: _pico(usd) for unit, usd in found.parts.items()}
        for unit, pico in picos.items():
            parts[unit] = parts.get(unit, 0) + pico
        each.append(None if found.unpriced else sum(picos.values()))
        if found.unpriced:
            told.append(("cost", _UNPRICED.format(units=", ".join(found.unpriced), name=f"{attempt.provider}/{attempt.model}")))
    costs = [pico for pico, attempt in zip(each, record.attempts, strict=True) if attempt.usage is not None]
    known = [pico for pico in costs if pico is not None]
    whole = sum(known) if known and len(known) == len(costs) else None
    return Priced(whole, {unit: pico for unit, pico in parts.items() if pico}, tuple(each), tuple(told))


_UNTOLD = "attempt {number} (`{name}`) had begun to answer when it failed, without telling its tokens: what it is billed is not in the cost"
_UNPRICED = "no price is known of `{name}` for: {units}"


def _cost(record: Record, attempt: Attempt, price: Price | None) -> Cost:
    assert attempt.usage is not None
    terms = {"service_tier": record.tier} if record.tier is not None and attempt is record.attempts[-1] else None
    return cost(price, counts(attempt.usage, terms), record.began_at + attempt.began_s)


def _may_be_billed(attempt: Attempt) -> bool:
    """Providers take nothing for what they refuse, but for what they began to say."""
    return attempt.error is not None and attempt.status is not None and attempt.status < 300


def _pico(usd: Decimal) -> int:
    """Whole units of 1e-12 US dollar. Each part is rounded for itself (discounts leave fractions), so parts always sum to the whole."""
    return round(usd.scaleb(_PICO))
