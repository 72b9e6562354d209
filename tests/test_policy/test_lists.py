"""The public lists in our own words come to the same sums as the library that carries them."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import genai_prices
import genai_prices.data
import pytest

from dragoman.ir.usage import Usage
from dragoman.policy import lists
from dragoman.policy.cost import cost
from dragoman.policy.count import counts
from dragoman.profiles.registry import kinds, profile

_SAMPLE = 60


@pytest.mark.parametrize("at", [1_700_000_000.0, 1_790_000_000.0, 1_795_000_000.0, 1_800_032_400.0])
@pytest.mark.parametrize("usage", [Usage(1000, 500), Usage(300_000, 700, 200_000, 5000), Usage(150_000, 700, 100)])
def test_costs_are_those_of_the_library(usage: Usage, at: float) -> None:
    every: list[tuple[str, Any]] = [(provider.id, model) for provider in genai_prices.data.providers for model in provider.models]
    compared = 0
    for price_list, model in random.Random(f"{usage}{at}").sample(every, _SAMPLE):
        known = lists.listed(price_list, model.id)
        theirs = _theirs(price_list, model, usage, at)
        if known is None or theirs is None:
            continue
        ours = cost(known.price, counts(usage), at)
        compared += 1
        assert ours.unpriced or ours.usd == theirs, (price_list, model.id)

    assert compared > _SAMPLE // 2


def _theirs(price_list: str, model: Any, usage: Usage, at: float) -> Any:
    told = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens or 0,
        cache_write_tokens=usage.cache_write_tokens or 0,
    )
    try:
        found = genai_prices.calc_price(told, model.id, provider_id=price_list, genai_request_timestamp=datetime.fromtimestamp(at, UTC))
    except (LookupError, ValueError):
        return None
    return found.total_price if found.model is model else None


def test_every_list_that_a_profile_names_is_there() -> None:
    named = {profile(kind).prices for kind in kinds()} - {None}

    assert named and all(lists.models(name) for name in named)


def test_variants_of_the_lists_are_kept() -> None:
    known = lists.listed("openai", "gpt-5.5")

    assert known is not None
    assert {tuple(variant.when.items()) for variant in known.price.variants} >= {(("service_tier", "flex"),), (("processing", "batch"),)}
