"""Sums of a run with their prices: exact where all is known, open where a part is not."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.app.costs import price_by
from dragoman.config.schema import Config, Provider
from dragoman.policy.book import PriceBook

CONFIG = Config(providers={"claude": Provider(kind="anthropic"), "local": Provider(kind="openai-compatible", base_url="http://h/v1")})


def tokens(provider: str, model: str) -> dict[str, Any]:
    counts = {
        "requests": 1,
        "input_tokens": 10_000,
        "cached_tokens": 4000,
        "cache_written_tokens": 1000,
        "output_tokens": 500,
        "reasoning_tokens": 200,
    }
    priced_by: dict[str, Any] = {"terms": {}, "beside": {}, "told_usd": None}
    return {"provider": provider, "model": model, "began_at": 1_790_000_000.0, **counts, **priced_by}


CLAUDE, LOCAL = tokens("claude", "claude-sonnet-4-5"), tokens("local", "qwen")


@pytest.mark.parametrize(
    ("spent", "uncounted", "costs", "whole", "known"),
    [
        ([CLAUDE], 0, [0.02745], 0.02745, 0.02745),
        ([CLAUDE, LOCAL], 0, [0.02745, None], None, 0.02745),
        ([CLAUDE], 1, [0.02745], None, 0.02745),
        ([tokens("gone", "m")], 0, [None], None, 0.0),
        ([], 0, [], 0.0, 0.0),
    ],
    ids=["all known", "a part unknown", "tokens untold", "provider gone", "nothing spent"],
)
def test_cost_is_whole_only_where_every_part_is_known(
    spent: list[dict[str, Any]], uncounted: int, costs: list[float | None], whole: float | None, known: float
) -> None:
    priced = price_by(PriceBook.compile(CONFIG))({"name": "r", "spent": spent, "uncounted": uncounted})

    assert priced == {
        "name": "r",
        "uncounted": uncounted,
        "spent": [{**part, "cost_usd": cost} for part, cost in zip(spent, costs, strict=True)],
        "cost_usd": whole,
        "known_cost_usd": known,
    }
