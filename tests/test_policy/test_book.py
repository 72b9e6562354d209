"""Whose price counts: config before the provider's own list before the public lists."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dragoman.config.price_schema import LongRates, ModelPrice
from dragoman.config.schema import Config, Provider
from dragoman.ir.usage import Usage
from dragoman.policy.book import PriceBook
from dragoman.policy.cost import cost
from dragoman.policy.count import counts
from dragoman.policy.estimate import PerToken
from dragoman.policy.rates import Era, Price, Unit

AT = 1_795_000_000.0
LISTS = {"openai": "openai", "claude": "anthropic", "lab": None}


def book(told: Price | None = None, **given: ModelPrice) -> PriceBook:
    prices = {name.replace("__", "/"): price for name, price in given.items()}
    return PriceBook(prices, LISTS, lambda provider, model: told)


def usd(prices: PriceBook, name: str, usage: Usage, **terms: str) -> Decimal | None:
    provider, _, model = name.partition("/")
    return cost(prices.price(provider, model), counts(usage, terms), AT).usd


@pytest.mark.parametrize(
    ("given", "usage", "expected"),
    [
        (ModelPrice(input=1), Usage(1_000_000, 1_000_000), "46"),
        (ModelPrice(input=1), Usage(200_000, 1_000_000), "30.2"),
        (ModelPrice(discount=0.1), Usage(200_000, 1_000_000), "27.9"),
        (ModelPrice(input=1, output=2, long=(LongRates(over=1000, input=3),)), Usage(2000, 1_000_000), "2.006"),
        (ModelPrice(request=0.01), Usage(200_000, 0), "1.01"),
        (ModelPrice(input=0, output=0), Usage(200_000, 10), "0"),
        (ModelPrice(reasoning=60), Usage(0, 1_000_000, reasoning_tokens=500_000), "45"),
    ],
    ids=["any length", "rest of the list", "discount", "long", "request", "free", "reasoning"],
)
def test_what_config_says_is_laid_over_the_public_list(given: ModelPrice, usage: Usage, expected: str) -> None:
    assert usd(book(**{"openai__gpt-5.5": given}), "openai/gpt-5.5", usage) == Decimal(expected)


def test_batch_discount_holds_for_batches_only() -> None:
    prices = book(lab__x=ModelPrice(input=1, output=1, batch_discount=0.25))

    assert usd(prices, "lab/x", Usage(1_000_000, 0)) == 1
    assert usd(prices, "lab/x", Usage(1_000_000, 0), processing="batch") == Decimal("0.75")


def test_what_answers_within_the_process_costs_nothing() -> None:
    config = Config(providers={"demo": Provider("demo"), "local": Provider("vllm", base_url="http://127.0.0.1:8000")})
    prices = PriceBook.compile(config)

    assert usd(prices, "demo/gpt-5.5", Usage(1000, 200, cache_read_tokens=300, cache_write_tokens=10, reasoning_tokens=50)) == 0
    assert usd(prices, "local/gpt-5.5", Usage(1000, 200)) is None


def test_model_that_nobody_prices_has_no_price() -> None:
    assert book().price("lab", "qwen") is None
    assert book(lab__qwen=ModelPrice(discount=0.5)).price("lab", "qwen") is None
    assert book().price("gone", "gpt-5.5") is None


def test_exact_name_counts_before_the_glob_with_more_letters_before_others() -> None:
    prices = book(**{"lab__*": ModelPrice(input=1), "lab__q*": ModelPrice(input=2), "lab__qwen": ModelPrice(input=3)})

    assert [usd(prices, f"lab/{name}", Usage(1_000_000)) for name in ("other", "q1", "qwen")] == [1, 2, 3]


def test_claude_is_found_in_either_spelling() -> None:
    prices = book(**{"claude__claude-sonnet-4.5": ModelPrice(input=1)})

    assert usd(prices, "claude/claude-sonnet-4-5", Usage(1_000_000)) == 1


def test_what_the_provider_lists_counts_before_the_public_list() -> None:
    told = Price((Era({Unit.INPUT: Decimal(9), Unit.OUTPUT: Decimal(9)}),), source="the provider")

    assert usd(book(told), "openai/gpt-5.5", Usage(1_000_000)) == 9
    assert usd(book(told, **{"openai__gpt-5.5": ModelPrice(input=1)}), "openai/gpt-5.5", Usage(1_000_000)) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [(ModelPrice(input=1), "config"), (ModelPrice(discount=0.2), "price list, config"), (None, "price list")],
)
def test_price_says_where_it_is_from(given: ModelPrice | None, expected: str) -> None:
    price = book(**({} if given is None else {"openai__gpt-5.5": given})).price("openai", "gpt-5.5")

    assert price is not None
    assert price.source == expected


def test_plain_numbers_come_to_what_the_exact_ones_do() -> None:
    prices = book()
    prices.load()
    plain = prices.per_token("openai", "gpt-5.5", AT)

    assert plain is not None
    for tokens in (1000, 272_000, 272_001):
        usage = Usage(tokens, 500, cache_read_tokens=400)
        assert plain.of(tokens, 400, 500) == pytest.approx(float(usd(prices, "openai/gpt-5.5", usage) or -1))


@pytest.mark.parametrize("model", ["no-such-model", "text-embedding-3-small"])
def test_what_cannot_be_priced_both_ways_has_no_plain_numbers(model: str) -> None:
    prices = book()
    prices.load()

    assert prices.per_token("openai", model, AT) is None


def test_plain_numbers_change_with_the_hour() -> None:
    price = Price((Era({Unit.INPUT: Decimal(2), Unit.OUTPUT: Decimal(2)}),))
    told: list[Price] = [price]
    prices = PriceBook({}, {"lab": None}, lambda provider, model: told[0])
    first = prices.per_token("lab", "x", 3600.0)
    told[0] = Price((Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(1)}),))

    assert prices.per_token("lab", "x", 7199.0) == first == PerToken(2e-6, 2e-6, 2e-6, 2e-6)
    assert prices.per_token("lab", "x", 7200.0) == PerToken(1e-6, 1e-6, 1e-6, 1e-6)
