"""What an exchange costs, against sums worked out by hand from the providers' price pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.chat.usage import read_usage as read_chat
from dragoman.dialects.generate.usage import read_usage as read_generate
from dragoman.dialects.messages.usage import read_usage as read_messages
from dragoman.dialects.responses.usage import read_usage as read_responses
from dragoman.ir.usage import Usage
from dragoman.policy import lists
from dragoman.policy.cost import NOT_KNOWN, Cost, amount, cost
from dragoman.policy.count import Counts, counts
from dragoman.policy.rates import PART_OF, Era, Hours, Price, Step, Unit

AT = 1_795_000_000.0
"""November 2026."""

READERS: dict[str, Any] = {"chat": read_chat, "generate": read_generate, "messages": read_messages, "responses": read_responses}

# (list, model, dialect, usage as it stands on the wire, terms, US dollars by kind)
HAND_COMPUTED: list[tuple[str, str, str, dict[str, Any], dict[str, str], dict[str, str]]] = [
    # OpenAI: input 5, cached 0.50, output 30; thoughts are output. 3000 x 5 + 7000 x 0.5 + 300 x 30 + 700 x 30
    (
        "openai", "gpt-5.5", "responses",
        {"input_tokens": 10_000, "input_tokens_details": {"cached_tokens": 7000}, "output_tokens": 1000,
         "output_tokens_details": {"reasoning_tokens": 700}},
        {}, {"input": "0.015", "cache_read": "0.0035", "output": "0.009", "reasoning": "0.021"},
    ),
    # Past 272,000 tokens of input all of it is twice as much, the output half as much again.
    (
        "openai", "gpt-5.5", "responses",
        {"input_tokens": 300_000, "input_tokens_details": {"cached_tokens": 200_000}, "output_tokens": 2000},
        {}, {"input": "1", "cache_read": "0.2", "output": "0.09"},
    ),
    # At 272,000 not yet.
    ("openai", "gpt-5.5", "responses", {"input_tokens": 272_000, "output_tokens": 0}, {}, {"input": "1.36"}),
    # gpt-6 bills what it writes to the cache by a quarter more than input: 1000 x 2 + 4000 x 0.2 + 5000 x 2.5 + 100 x 10
    (
        "openai", "gpt-6-sol", "responses",
        {"input_tokens": 10_000, "input_tokens_details": {"cached_tokens": 4000, "cache_write_tokens": 5000}, "output_tokens": 100},
        {}, {"input": "0.002", "cache_read": "0.0008", "cache_write": "0.0125", "output": "0.001"},
    ),
    # The priority tier of gpt-5.5: 12.5 and 75.
    ("openai", "gpt-5.5", "chat", {"prompt_tokens": 1000, "completion_tokens": 1000}, {"service_tier": "priority"},
     {"input": "0.0125", "output": "0.075"}),
    # A batch costs half.
    ("openai", "gpt-5.5", "chat", {"prompt_tokens": 1000, "completion_tokens": 1000}, {"processing": "batch"},
     {"input": "0.0025", "output": "0.015"}),
    # Anthropic: its input_tokens leave the cache out. Input 3, read 0.30, written 3.75 (for an hour 6), output 15, a search one cent.
    (
        "anthropic", "claude-sonnet-4-5", "messages",
        {"input_tokens": 5000, "cache_read_input_tokens": 4000, "cache_creation_input_tokens": 3000,
         "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000}, "output_tokens": 500,
         "server_tool_use": {"web_search_requests": 2}},
        {}, {"input": "0.015", "cache_read": "0.0012", "cache_write": "0.00375", "cache_write_1h": "0.012", "output": "0.0075",
             "web_search": "0.02"},
    ),
    # Long context: what counts is the whole input, 201,000, cached or not: 6, 0.60, 22.50.
    (
        "anthropic", "claude-sonnet-4-5", "messages",
        {"input_tokens": 1000, "cache_read_input_tokens": 200_000, "output_tokens": 1000},
        {}, {"input": "0.006", "cache_read": "0.12", "output": "0.0225"},
    ),
    # The usage itself says that it was part of a batch: half.
    (
        "anthropic", "claude-opus-5-5", "messages",
        {"input_tokens": 10_000, "output_tokens": 1000, "service_tier": "batch"}, {}, {"input": "0.02", "output": "0.01"},
    ),
    # Fast mode of Opus 5.5: twice as much.
    (
        "anthropic", "claude-opus-5-5", "messages",
        {"input_tokens": 10_000, "output_tokens": 1000, "speed": "fast"}, {}, {"input": "0.08", "output": "0.04"},
    ),
    # Gemini tells thoughts beside the candidates; past 200,000 tokens 2.50 and 15.
    (
        "google", "gemini-2.5-pro", "generate",
        {"promptTokenCount": 210_000, "candidatesTokenCount": 1000, "thoughtsTokenCount": 3000, "totalTokenCount": 214_000},
        {}, {"input": "0.525", "output": "0.015", "reasoning": "0.045"},
    ),
    # Sound has a price of its own at gemini-2.5-flash: 1.00 where text is 0.30.
    (
        "google", "gemini-2.5-flash", "generate",
        {"promptTokenCount": 10_000, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2000},
         {"modality": "AUDIO", "tokenCount": 8000}],
         "candidatesTokenCount": 100, "totalTokenCount": 10_100},
        {}, {"input": "0.0006", "input_audio": "0.008", "output": "0.00025"},
    ),
    # What a router says that it took decides.
    (
        "openrouter", "deepseek/deepseek-r1", "chat",
        {"prompt_tokens": 0, "completion_tokens": 0, "cost": 0.00014}, {}, {"other": "0.00014"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("price_list", "model", "dialect", "wire", "terms", "expected"), HAND_COMPUTED)
def test_costs_are_those_of_the_price_page(
    price_list: str, model: str, dialect: str, wire: dict[str, Any], terms: dict[str, str], expected: dict[str, str]
) -> None:
    listed = lists.listed(price_list, model)

    found = cost(listed and listed.price, counts(READERS[dialect](wire), terms), AT)

    assert found == Cost({kind: Decimal(usd) for kind, usd in expected.items()})
    assert found.usd == sum(map(Decimal, expected.values()), Decimal(0))


def test_thoughts_have_their_own_price_where_they_are_priced_apart() -> None:
    price = Price((Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(2), Unit.REASONING: Decimal(3)}),))

    found = cost(price, counts(Usage(0, 1_000_000, reasoning_tokens=400_000)), AT)

    assert found.parts == {"output": Decimal("1.2"), "reasoning": Decimal("1.2")}


DAY = 1_794_960_000.0


@pytest.mark.parametrize(("hour", "expected"), [(16.4, 4), (16.5, 1), (23.9, 1), (0, 1), (0.49, 1), (0.5, 4), (12, 4)])
def test_price_of_some_hours_holds_past_midnight(hour: float, expected: int) -> None:
    night = Era({Unit.INPUT: Decimal(1)}, hours=Hours(daily=(59_400, 1800)))

    assert Price((Era({Unit.INPUT: Decimal(4)}), night)).at(DAY + hour * 3600) == {Unit.INPUT: expected}


def test_price_that_begins_on_a_day_holds_from_then_on() -> None:
    later = Era({Unit.INPUT: Decimal(1)}, hours=Hours(from_s=DAY))
    price = Price((Era({Unit.INPUT: Decimal(4)}), later))

    assert [price.at(DAY - 1)[Unit.INPUT], price.at(DAY)[Unit.INPUT]] == [4, 1]


def test_unknown_price_is_unknown_and_what_is_known_is_told() -> None:
    price = Price((Era({Unit.INPUT: Decimal(1)}),))

    found = cost(price, counts(Usage(1_000_000, 5)), AT)

    assert (found.usd, found.known_usd, found.unpriced) == (None, Decimal(1), ("output",))


def test_parts_that_are_more_than_their_total_cost_nobody_knows_what() -> None:
    price = Price((Era({Unit.INPUT: Decimal(1), Unit.OUTPUT: Decimal(1)}),))

    assert cost(price, counts(Usage(10, 10, cache_read_tokens=11)), AT) == NOT_KNOWN


def test_price_that_config_chose_counts_more_than_what_the_provider_tells() -> None:
    usage = read_chat({"prompt_tokens": 1_000_000, "completion_tokens": 0, "cost": 7})
    chosen = Price((Era({Unit.INPUT: Decimal(1)}),), chosen=True)

    assert cost(chosen, counts(usage), AT).usd == 1


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"cost": 0.00014}, "0.00014"),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, "0.21"),
        ({"cost": 0.01, "is_byok": True}, None),
        ({"cost_in_usd_ticks": 37_756_000}, "0.0037756"),
        ({"cost": {"total_cost": 0.006}}, "0.006"),
        ({"cost": "free"}, None),
        ({"cost": True}, None),
        ({"cost": -1}, None),
    ],
)
def test_cost_that_a_provider_tells_is_read_as_it_means_it(told: dict[str, Any], expected: str | None) -> None:
    usage = read_chat({"prompt_tokens": 1, "completion_tokens": 1, **told})

    assert counts(usage).told_usd == (None if expected is None else Decimal(expected))


_UNITS = st.dictionaries(st.sampled_from(list(Unit)), st.integers(0, 10**9))
_RATES = st.dictionaries(st.sampled_from(list(Unit)), st.decimals(0, 1000, places=6))


@given(_UNITS, _RATES)
def test_parts_sum_to_the_total_whatever_is_counted(units: dict[Unit, int], rates: dict[Unit, Decimal]) -> None:
    found = amount(rates, units)

    assert found.usd == (None if found.unpriced else sum(found.parts.values(), Decimal(0)))
    assert all(part >= 0 for part in found.parts.values())


@given(st.decimals("0.000001", 1000, places=6), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_with_one_rate_for_all_the_parts_come_to_the_whole(rate: Decimal, plain: int, read: int, written: int) -> None:
    units = {Unit.INPUT: plain + read + written, Unit.CACHE_READ: read, Unit.CACHE_WRITE: written}

    assert amount({Unit.INPUT: rate}, units).usd == (plain + read + written) * rate / 1_000_000


@given(st.integers(0, 10**7), st.decimals(0, 100, places=4))
def test_what_the_provider_tells_is_the_total_and_the_parts_sum_to_it(tokens: int, told: Decimal) -> None:
    price = Price((Era({Unit.INPUT: Decimal(3)}),))

    assert cost(price, Counts({Unit.INPUT: tokens}, told_usd=told), AT).usd == told


@pytest.mark.parametrize(("tokens", "expected"), [(100, 1), (101, 2), (1001, 3)])
def test_last_step_that_a_request_is_past_holds_for_all_of_it(tokens: int, expected: int) -> None:
    steps = (Step(100, {Unit.INPUT: Decimal(2)}), Step(1000, {Unit.INPUT: Decimal(3)}))

    assert Price((Era({Unit.INPUT: Decimal(1)}, steps),)).at(AT, tokens) == {Unit.INPUT: expected}


def test_no_unit_is_a_part_of_itself() -> None:
    for unit in Unit:
        seen = {unit}
        whole = PART_OF.get(unit)
        while whole is not None:
            assert whole not in seen
            seen.add(whole)
            whole = PART_OF.get(whole)
