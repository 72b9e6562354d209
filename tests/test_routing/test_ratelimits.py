"""Limits in the headers of providers, in all their spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.routing.ratelimits import Limit, Limits, read_limits

WALL = 1_790_000_000.0
"""2026-09-21T13:33:20Z"""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "499",
                "x-ratelimit-reset-requests": "120ms",
                "x-ratelimit-limit-tokens": "30000",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0.5s",
            },
            (Limit("requests", 500, 499, 10.12), Limit("tokens", 30000, 0, 370.5)),
        ),
        (
            {
                "anthropic-ratelimit-input-tokens-limit": "50000",
                "anthropic-ratelimit-input-tokens-remaining": "7000",
                "anthropic-ratelimit-input-tokens-reset": "2026-09-21T14:13:40Z",
            },
            (Limit("input-tokens", 50000, 7000, 30.0),),
        ),
        (
            {"x-ratelimit-remaining-tokens-minute": "12", "x-ratelimit-reset-tokens-minute": "7.66"},
            (Limit("tokens-minute", None, 12, 17.66),),
        ),
        ({"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000030000"}, (Limit("", 20, 0, 40.0),)),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "3", "ratelimit-reset": "5"}, (Limit("", 100, 3, 15.0),)),
        ({"x-ratelimit-reset": "1790000005"}, (Limit("", None, None, 15.0),)),
        ({"x-ratelimit-remaining-requests": "soon", "x-ratelimit-reset-requests": "-3 parsecs"}, (Limit("requests"),)),
        ({"content-type": "application/json", "retry-after": "3", "x-ratelimit-policy": "x"}, ()),
    ],
)
def test_limits_are_read(headers: dict[str, str], expected: tuple[Limit, ...]) -> None:
    found = read_limits(tuple(headers.items()), 10.0, WALL)

    assert [(one.of, one.most, one.left) for one in found.each] == [(one.of, one.most, one.left) for one in expected]
    assert [one.full_at for one in found.each] == [one.full_at if one.full_at is None else pytest.approx(one.full_at) for one in expected]


def test_what_is_spent_is_free_when_the_last_of_it_is() -> None:
    limits = Limits((Limit("requests", 10, 0, 15.0), Limit("tokens", 10, 0, 25.0), Limit("days", 10, 4, 99.0)))

    assert (limits.free_at(10.0), limits.free_at(20.0), limits.free_at(30.0)) == (25.0, 25.0, None)


def test_headroom_is_that_of_the_scarcest() -> None:
    limits = Limits((Limit("requests", 10, 5, 15.0), Limit("tokens", 100, 20, 25.0), Limit("unknown", None, 3, 25.0)))

    assert (limits.headroom(10.0), limits.headroom(20.0), limits.headroom(30.0)) == (0.2, 0.2, 1.0)


@given(st.lists(st.tuples(st.sampled_from(["x-ratelimit-reset-tokens", "ratelimit-limit", "x-ratelimit-remaining"]), st.text(max_size=30))))
def test_no_header_breaks_the_reader(headers: list[tuple[str, str]]) -> None:
    limits = read_limits(tuple(headers), 10.0, WALL)

    assert all(one.full_at is None or one.full_at >= 10.0 for one in limits.each)
    assert 0.0 <= limits.headroom(10.0) <= 1.0
