"""Sums of many requests of one model, priced at once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dragoman.config.price_schema import LongRates, ModelPrice
from dragoman.policy import lists
from dragoman.policy.price import HOURS, STEPS, Spent, Steps, period, price
from dragoman.policy.rates import Price

AT = 1_790_000_000.0


def listed(price_list: str, model: str) -> Price | None:
    found = lists.listed(price_list, model)
    return None if found is None else found.price


def test_tokens_from_the_cache_are_part_of_the_input_and_cheaper() -> None:
    spent = Spent(1, input_tokens=10_000, output_tokens=500, cache_read_tokens=4000, cache_write_tokens=1000, at=AT)

    # 5000 at 3, 4000 at 0.30, 1000 at 3.75, 500 at 15 dollars a million.
    assert price(listed("anthropic", "claude-sonnet-4-5"), spent) == Decimal("0.02745")


def test_many_small_requests_do_not_cost_what_one_large_one_does() -> None:
    known = listed("google", "gemini-2.5-pro")

    assert price(known, Spent(10, 1_000_000, 0, at=AT)) == Decimal("1.25")
    assert price(known, Spent(1, 1_000_000, 0, at=AT)) == Decimal("2.5")


def test_fees_for_requests_count_each_of_them() -> None:
    known = listed("perplexity", "sonar")
    assert known is not None
    fee = known.at(AT)["request"]  # type: ignore[index]

    assert price(known, Spent(3, 0, 0, at=AT)) == 3 * fee


@pytest.mark.parametrize(
    ("price_list", "model", "spent"),
    [
        ("openai", "no-such-model", Spent(1, 10, 10, at=AT)),
        ("no-such-list", "gpt-4", Spent(1, 10, 10, at=AT)),
        ("openai", "text-embedding-3-small", Spent(1, 10, 10, at=AT)),
        ("openai", "gpt-5", Spent(1, 10, 10, cache_read_tokens=900, at=AT)),
        ("openai", "gpt-5", Spent(0, 0, 0, at=AT)),
    ],
    ids=["no model", "no such list", "no price of output", "parts beyond their total", "nothing"],
)
def test_what_has_no_price_is_not_told_as_free(price_list: str, model: str, spent: Spent) -> None:
    assert price(listed(price_list, model), spent) is None


def test_every_step_of_every_price_list_is_known() -> None:
    assert lists.starts() - set(STEPS) == set()


def test_every_hour_at_which_a_price_list_changes_is_known() -> None:
    prices = [model.price for name in lists.names() for model in lists.models(name)]
    eras = [era for price in prices for era in (*price.eras, *(variant.era for variant in price.variants))]
    known = {second for era in eras for second in era.hours.daily or ()}

    assert (known - set(HOURS), len(known) > 1) == (set(), True)
    assert all(era.hours.from_s % 86_400 == 0 for era in eras if era.hours.from_s is not None)


@pytest.mark.parametrize(
    ("one", "other", "alike"), [(AT, AT + 1, True), (0, 1799, True), (1799, 1800, False), (86_399, 86_400, False), (0, 86_400, False)]
)
def test_a_period_ends_where_a_price_may_change(one: float, other: float, alike: bool) -> None:
    assert (period(one) == period(other)) == alike


@pytest.mark.parametrize(
    ("tokens", "expected"), [(0, 0), (32_000, 0), (32_001, 32_000), (200_000, 199_999), (200_001, 200_000), (10**7, 524_288)]
)
def test_a_step_begins_past_its_number(tokens: int, expected: int) -> None:
    assert Steps()(tokens) == expected


def test_steps_of_config_are_kept_apart_too() -> None:
    steps = Steps({"a/b": ModelPrice(long=(LongRates(over=50_000),))})

    assert [steps(tokens) for tokens in (50_000, 50_001, 100_001)] == [32_000, 50_000, 100_000]
