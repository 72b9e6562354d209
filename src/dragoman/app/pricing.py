"""What the journal writes down as the cost of an exchange: each attempt that told its tokens, by kind of unit, to the last place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec
from msgspec.structs import astuple

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.journal_rows import Priced
from dragoman.policy.book import PriceBook
from dragoman.policy.cost import Cost, cost
from dragoman.policy.count import counts, is_plain
from dragoman.policy.rates import Era, Hours, Price, Rates, Unit, rate

_PICO = 12
"""Places of a US dollar that are kept: no public price has more for a single token."""
_PER_MILLION = 6
_KEPT = 4096
_TOKENS = (Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE, Unit.OUTPUT, Unit.REASONING)
"""What nearly every exchange is billed by, and nothing else."""


class Tokens(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A number for each of `_TOKENS`. As JSON a table of those that are not zero."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


class _Known:
    """The price of a deployment. What tokens cost is worked out once, as whole numbers: a tenth of the time of exact decimals, and as
    exact."""

    def __init__(self, price: Price | None) -> None:
        self.price = price
        self._eras: list[_Plain] = [] if price is None else [_plain(price, era) for era in price.eras]
        # What replies of one deployment tell besides is the same in nearly all: the last that was plain.
        self._extra: dict[str, object] | None = None

    def parts(self, record: Record, attempt: Attempt) -> Tokens | None:
        """The cost by unit, if it is so plain."""
        usage = attempt.usage
        if usage is None or not self._eras:
            return None
        if (record.tier is not None or usage.extra != self._extra) and not self._is_plain(usage, record.tier):
            return None
        era = self._eras[0] if len(self._eras) == 1 else self._era(record.began_at + attempt.began_s)
        table = era.tables[bisect_left(era.starts, usage.input_tokens)]
        if table is None:
            return None
        read, written, thought = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0, usage.reasoning_tokens or 0
        given, said, per = usage.input_tokens - read - written, usage.output_tokens - thought, table.per
        if min(given, read, written, said, thought) < 0 or (table.unknown and table.lacks(Tokens(given, read, written, said, thought))):
            return None
        return Tokens(given * per.input, read * per.cache_read, written * per.cache_write, said * per.output, thought * per.reasoning)

    def _is_plain(self, usage: Usage, tier: str | None) -> bool:
        if not is_plain(usage, tier):
            return False
        self._extra = usage.extra
        return True

    def _era(self, at: float) -> _Plain:
        return next((era for era in reversed(self._eras) if era.hours.hold(at)), self._eras[0])


class _Table(msgspec.Struct, frozen=True):
    """What one of each token costs; 0 where that is unknown."""

    per: Tokens
    unknown: tuple[str, ...]

    def lacks(self, counts: Tokens) -> bool:
        """Whether there is one of which it is not known."""
        return any(getattr(counts, name) for name in self.unknown)


class _Plain(msgspec.Struct, frozen=True):
    """An era's prices, by the steps of long requests: past so many input tokens the next table holds. None: not so plain."""

    hours: Hours
    starts: list[int]
    tables: list[_Table | None]


def _plain(price: Price, era: Era) -> _Plain:
    alone = Price((era,), factor=price.factor)
    starts = sorted({step.past for step in era.steps})
    return _Plain(era.hours, starts, [_table(alone.at(0.0, tokens)) for tokens in (0, *[past + 1 for past in starts])])


def _table(rates: Rates) -> _Table | None:
    if rate(rates, Unit.REQUEST) is not None:
        return None
    exact = {unit.value: per.scaleb(_PER_MILLION) for unit in _TOKENS if (per := rate(rates, unit)) is not None}
    if any(each != each.to_integral_value() for each in exact.values()):
        return None
    return _Table(
        Tokens(**{name: int(each) for name, each in exact.items()}), tuple([unit.value for unit in _TOKENS if unit.value not in exact])
    )


class _Deployments(dict[tuple[str, str], _Known]):
    """What is known of the price of each, by its names."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book

    def __missing__(self, name: tuple[str, str]) -> _Known:
        if len(self) >= _KEPT:
            self.clear()
        found = self[name] = _Known(self._book.price(*name))
        return found


def record_price(book: PriceBook) -> Callable[[Record], Priced | None]:
    """The costs of records by these prices: an exchange costs what its attempts cost that told their tokens, known if each of these is.

    The first call may take half a second (`PriceBook.load`), others some microseconds: for a thread where nothing waits.
    """
    known = _Deployments(book)

    def price(record: Record) -> Priced | None:
        attempts = record.attempts
        if len(attempts) == 1:
            (attempt,) = attempts
            parts = known[attempt.provider, attempt.model].parts(record, attempt)
            if parts is not None:
                whole = sum(astuple(parts))
                return Priced(whole, parts, (whole,))
        return _priced_each(record, known) if attempts else None

    return price


def _priced_each(record: Record, known: Mapping[tuple[str, str], _Known]) -> Priced:
    parts: dict[str, int] = {}
    each: list[int | None] = []
    told: list[tuple[str, str]] = []
    for number, attempt in enumerate(record.attempts, 1):
        if attempt.usage is None:
            each.append(None)
            if _may_be_billed(attempt):
                told.append(("cost", _UNTOLD.format(number=number, name=f"{attempt.provider}/{attempt.model}")))
            continue
        found = _cost(record, attempt, known[attempt.provider, attempt.model].price)
        picos = {unit: _pico(usd) for unit, usd in found.parts.items()}
        for unit, pico in picos.items():
            parts[unit] = parts.get(unit, 0) + pico
        each.append(None if found.unpriced else sum(picos.values()))
        if found.unpriced:
            told.append(("cost", _UNPRICED.format(units=", ".join(found.unpriced), name=f"{attempt.provider}/{attempt.model}")))
    costs = [pico for pico, attempt in zip(each, record.attempts, strict=True) if attempt.usage is not None]
    told_costs = [pico for pico in costs if pico is not None]
    whole = sum(told_costs) if told_costs and len(told_costs) == len(costs) else None
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
