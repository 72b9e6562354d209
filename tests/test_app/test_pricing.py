"""The short way to a cost comes to what the exact one comes to."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from dragoman.app.pricing import _Known, _priced_each
from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.policy.book import PriceBook
from dragoman.policy.rates import Era, Hours, Price, Step, Unit, Variant

CENT = Decimal("0.01")
PRICES = {
    "plain": Price((Era({Unit.INPUT: Decimal("1.25"), Unit.CACHE_READ: Decimal("0.125"), Unit.OUTPUT: Decimal(10)}),)),
    "free": Price((Era({Unit.INPUT: Decimal(0), Unit.OUTPUT: Decimal(0)}),)),
    "thoughts apart": Price((Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(4), Unit.REASONING: Decimal("3.5")}),)),
    "no output": Price((Era({Unit.INPUT: Decimal(1)}),)),
    "finer than is kept": Price((Era({Unit.INPUT: Decimal("0.0000001"), Unit.OUTPUT: Decimal(1)}),)),
    "each request": Price((Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(2), Unit.REQUEST: CENT}),)),
    "discount": Price((Era({Unit.INPUT: Decimal("1.1"), Unit.OUTPUT: Decimal("2.2")}),), factor=Decimal("0.85")),
    "long": Price(
        (Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(2)}, (Step(50, {Unit.INPUT: Decimal(2)}), Step(90, {Unit.OUTPUT: CENT}))),)
    ),
    "later, at night": Price(
        (
            Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(2)}),
            Era({Unit.INPUT: Decimal(3), Unit.OUTPUT: Decimal(4)}, (Step(70, {Unit.INPUT: Decimal(9)}),), Hours(5000.0)),
            Era({Unit.INPUT: CENT, Unit.OUTPUT: CENT}, (), Hours(daily=(80_000, 1000))),
        )
    ),
    "tiers": Price(
        (Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(2)}),),
        (Variant({"service_tier": "priority"}, Era({Unit.INPUT: Decimal(2), Unit.OUTPUT: Decimal(4)})),),
    ),
    "unknown": None,
}  # fmt: skip


def as_json(parts: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(parts))


COUNTS = st.integers(0, 120)
USAGES = st.builds(
    lambda given, read, written, out, thought, extra: Usage(given, out, read, written, thought, None, extra),
    COUNTS, st.none() | COUNTS, st.none() | st.integers(0, 5), COUNTS, st.none() | st.integers(0, 60),
    st.sampled_from([None, {}, {"chat": {"service_tier": "default"}}, {"chat": {"service_tier": "priority"}}, {"chat": {"cost": 0.5}},
                     {"chat": {"prompt_tokens_details": {"audio_tokens": 3}}}]),
)  # fmt: skip


@pytest.mark.parametrize("name", PRICES)
@given(usage=USAGES, began_at=st.sampled_from([0.0, 500.0, 4000.0, 6000.0, 85_000.0]), tier=st.sampled_from([None, "default", "priority"]))
def test_tokens_cost_what_the_exact_sum_says(name: str, usage: Usage, began_at: float, tier: str | None) -> None:
    attempt, known = Attempt("p", "m", 0.5, usage=usage), _Known(PRICES[name])
    record = Record("x", began_at, attempts=[attempt], tier=tier)

    short = known.parts(record, attempt)
    exact = _priced_each(record, {("p", "m"): known})

    if short is not None:
        assert (sum(astuple(short)), as_json(short), exact.told) == (exact.pico, as_json(exact.parts), ())


@pytest.mark.parametrize("name", ["plain", "free", "thoughts apart", "long", "later, at night", "tiers"])
def test_the_usual_exchange_takes_the_short_way(name: str) -> None:
    attempt = Attempt(
        "p",
        "m",
        0.5,
        usage=Usage(100, 50, 80, None, 10, None, {"chat": {"service_tier": "default", "prompt_tokens_details": {"audio_tokens": 0}}}),
    )

    assert _Known(PRICES[name]).parts(Record("x", 1.0, attempts=[attempt], tier="default"), attempt) is not None


def test_what_is_billed_besides_is_seen_behind_replies_that_tell_nothing_of_it() -> None:
    known = _Known(PRICES["plain"])
    told = [
        None,
        {"chat": {"service_tier": "default"}},
        {"chat": {"service_tier": "priority"}},
        {"chat": {"service_tier": "default"}},
        None,
    ]

    found: list[bool] = []
    for extra in told:
        attempt = Attempt("p", "m", 0.5, usage=Usage(100, 50, extra=extra))
        found.append(known.parts(Record("x", 1.0, attempts=[attempt]), attempt) is not None)
        found.append(known.parts(Record("x", 1.0, attempts=[attempt], tier="priority"), attempt) is not None)

    assert found == [True, False, True, False, False, False, True, False, True, False]


def test_units_are_named_as_exact_costs_name_them() -> None:
    usage = Usage(100, 50, 10, 5, 7)
    attempt = Attempt("p", "m", 0.5, usage=usage)
    each = {Unit.INPUT: CENT, Unit.CACHE_READ: CENT, Unit.CACHE_WRITE: CENT, Unit.OUTPUT: CENT, Unit.REASONING: CENT}

    found = _Known(Price((Era(each),))).parts(Record("x", 1.0, attempts=[attempt]), attempt)

    assert as_json(found) == {"input": 850_000, "cache_read": 100_000, "cache_write": 50_000, "output": 430_000, "reasoning": 70_000}


def test_public_prices_come_to_the_same_both_ways() -> None:
    book = PriceBook({}, {"openai": "openai", "anthropic": "anthropic", "google": "google", "deepseek": "deepseek"})
    usage = Usage(300_000, 5000, 1000, 500, 200, None, {"x": {"service_tier": "default"}})
    found = 0
    for provider, model in (
        ("openai", "gpt-4o"), ("openai", "gpt-5"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-pro"),
        ("deepseek", "deepseek-chat"),
    ):  # fmt: skip
        known, attempt = _Known(book.price(provider, model)), Attempt(provider, model, 0.0, usage=usage)
        record = Record("x", 1_790_000_000.0, attempts=[attempt], tier="default")
        short, exact = known.parts(record, attempt), _priced_each(record, {(provider, model): known})
        if short is not None:
            found += 1
            assert (sum(astuple(short)), as_json(short)) == (exact.pico, as_json(exact.parts))
    assert found >= 3
