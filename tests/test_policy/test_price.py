"""Prices by the public lists: computed by hand here, so that a change of the library's arithmetic is seen."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import genai_prices.data
import pytest

from dragoman.policy.price import STEPS, Spent, price, step
from dragoman.profiles.registry import kinds, profile

AT = 1_790_000_000.0


def starts() -> Iterator[int]:
    """The input tokens past which any model of any list costs more."""
    for provider in genai_prices.data.providers:
        for model in provider.models:
            prices: list[Any] = model.prices if isinstance(model.prices, list) else [model.prices]
            for one in prices:
                for value in vars(getattr(one, "prices", one)).values():
                    yield from (tier.start for tier in getattr(value, "tiers", ()))


def test_tokens_from_the_cache_are_part_of_the_input_and_cheaper() -> None:
    spent = Spent(1, input_tokens=10_000, output_tokens=500, cache_read_tokens=4000, cache_write_tokens=1000, at=AT)

    # 5000 at 3, 4000 at 0.30, 1000 at 3.75, 500 at 15 dollars a million.
    assert price("anthropic", "claude-sonnet-4-5", spent) == Decimal("0.02745")


def test_many_small_requests_do_not_cost_what_one_large_one_does() -> None:
    many = price("google", "gemini-2.5-pro", Spent(10, 1_000_000, 0, at=AT))
    one = price("google", "gemini-2.5-pro", Spent(1, 1_000_000, 0, at=AT))

    assert (many, one) == (Decimal("1.25"), Decimal("2.5"))


@pytest.mark.parametrize(
    ("price_list", "model", "spent"),
    [
        (None, "gpt-4", Spent(1, 10, 10, at=AT)),
        ("openai", "no-such-model", Spent(1, 10, 10, at=AT)),
        ("no-such-list", "gpt-4", Spent(1, 10, 10, at=AT)),
        ("openai", "text-embedding-3-small", Spent(1, 10, 10, at=AT)),
        ("openai", "gpt-5", Spent(1, 10, 10, cache_read_tokens=900, at=AT)),
        ("openai", "gpt-5", Spent(0, 0, 0, at=AT)),
    ],
    ids=["no list", "no model", "no such list", "no price of output", "parts beyond their total", "nothing"],
)
def test_what_has_no_price_is_not_told_as_free(price_list: str | None, model: str, spent: Spent) -> None:
    assert price(price_list, model, spent) is None


def test_every_step_of_every_price_list_is_known() -> None:
    assert set(starts()) - set(STEPS) == set()


@pytest.mark.parametrize(("tokens", "expected"), [(0, 0), (32_000, 0), (32_001, 1), (200_000, 4), (200_001, 5), (10**7, len(STEPS))])
def test_a_step_begins_past_its_number(tokens: int, expected: int) -> None:
    assert step(tokens) == expected


def test_every_list_that_a_profile_names_is_there() -> None:
    lists = {provider.id for provider in genai_prices.data.providers}

    named = {profile(kind).prices for kind in kinds()} - {None}

    assert named and named - lists == set()
