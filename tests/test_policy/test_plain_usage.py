"""Which replies nothing bills but their tokens: those need not be priced one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir.usage import Usage
from dragoman.policy.count import Counts, counts, is_plain
from dragoman.policy.rates import Unit

NEUTRAL = {Unit.REQUEST, Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE, Unit.OUTPUT, Unit.REASONING}


def usage(told: dict[str, Any] | None) -> Usage:
    return Usage(100, 50, 40, 10, 5, extra=None if told is None else {"chat": told})


@pytest.mark.parametrize(
    ("told", "plain"),
    [
        (None, True),
        ({}, True),
        ({"prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 5}}, True),
        ({"service_tier": "standard", "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 0}}, True),
        ({"server_tool_use": {"web_search_requests": 0}, "cost": None}, True),
        ({"prompt_tokens_details": {"audio_tokens": 3}}, False),
        ({"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}]}, False),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 10}}, False),
        ({"server_tool_use": {"web_search_requests": 1}}, False),
        ({"service_tier": "batch"}, False),
        ({"service_tier": "flex"}, False),
        ({"speed": "fast"}, False),
        ({"cost": 0.25}, False),
        ({"cost": {"total_cost": 0.25}}, False),
        ({"cost_in_usd_ticks": 5}, False),
    ],
)
def test_what_is_billed_beside_tokens_is_told_apart(told: dict[str, Any] | None, plain: bool) -> None:
    assert is_plain(usage(told)) is plain


NAMES = st.sampled_from(
    ["prompt_tokens_details", "cache_creation", "server_tool_use", "service_tier", "speed", "cost", "cost_in_usd_ticks", "else"]
)
PARTS = st.sampled_from(["audio_tokens", "image_tokens", "ephemeral_1h_input_tokens", "web_search_requests", "cached_tokens"])
VALUES = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["default", "flex", ""]), st.dictionaries(PARTS, st.integers(0, 2)))


@given(st.dictionaries(NAMES, VALUES))
def test_a_plain_reply_is_counted_by_its_tokens_alone(told: dict[str, Any]) -> None:
    reply = usage(told)
    if is_plain(reply):
        found = counts(reply)

        assert (set(found.units) - NEUTRAL, found.told_usd) == (set(), None)
        assert set(found.terms.values()) <= {"default", "standard", "auto"}
        assert Counts(found.units) == counts(usage(None))
