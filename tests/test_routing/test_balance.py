"""The weighted choice: shares, stickiness, and how little moves."""

from __future__ import annotations

import random
from collections import Counter
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.routing.balance import order
from dragoman.routing.target import Target


def targets(*weights: int) -> tuple[Target, ...]:
    return tuple(Target("p", f"m{index}", weight, {}, f"p/m{index}") for index, weight in enumerate(weights))


def within(seen: int, share: float, draws: int) -> bool:
    """Five standard deviations."""
    return abs(seen - share * draws) <= 5 * sqrt(draws * share * (1 - share))


@pytest.mark.long
@pytest.mark.parametrize("weights", [(80, 20), (1, 1), (1, 1, 1), (1, 99), (1, 2, 3, 4), (1_000_000, 500_000)])
def test_sessions_are_shared_by_weight(weights: tuple[int, ...]) -> None:
    chosen = Counter(order(targets(*weights), f"session-{number}", 0.0)[0].model for number in range(20_000))

    for index, weight in enumerate(weights):
        assert within(chosen[f"m{index}"], weight / sum(weights), 20_000)


def test_draws_without_a_session_are_shared_by_weight() -> None:
    source = random.Random(7)

    chosen = Counter(order(targets(80, 20), None, source.random())[0].model for _ in range(20_000))

    assert within(chosen["m0"], 0.8, 20_000)


@pytest.mark.long
def test_the_second_choice_is_shared_by_weight_too() -> None:
    seconds = Counter(
        order(targets(1, 3, 6), f"s{number}", 0.0)[1].model
        for number in range(20_000)
        if order(targets(1, 3, 6), f"s{number}", 0.0)[0].model == "m0"
    )

    total = sum(seconds.values())
    assert within(seconds["m1"], 1 / 3, total)


def test_a_session_stays_whatever_is_drawn() -> None:
    firsts = {order(targets(1, 1, 1), "thread-1", draw / 100)[0].model for draw in range(100)}

    assert len(firsts) == 1


def test_the_order_in_config_does_not_matter() -> None:
    some = targets(5, 3, 2)

    for number in range(200):
        assert order(some, f"s{number}", 0.0) == order(some[::-1], f"s{number}", 0.0)


def test_a_new_target_moves_only_the_sessions_that_go_to_it() -> None:
    before, after = targets(3, 2), targets(3, 2, 5)
    moved = Counter[tuple[str, str]]()
    for number in range(10_000):
        moved[order(before, f"s{number}", 0.0)[0].model, order(after, f"s{number}", 0.0)[0].model] += 1

    assert (moved["m0", "m1"], moved["m1", "m0"]) == (0, 0)
    assert within(moved["m0", "m2"] + moved["m1", "m2"], 0.5, 10_000)


def test_more_weight_only_draws_sessions_towards_it() -> None:
    before, after = targets(1, 1), targets(1, 3)

    left = [
        number
        for number in range(5_000)
        if order(before, f"s{number}", 0.0)[0].model == "m1" and order(after, f"s{number}", 0.0)[0].model == "m0"
    ]

    assert left == []


def test_a_single_target_is_returned_as_it_is() -> None:
    (only,) = targets(1)

    assert order((only,), None, 0.5) == (only,)


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=8), st.one_of(st.none(), st.text()), st.floats(0, 1, exclude_max=True))
def test_every_target_is_in_the_order_once(weights: list[int], sticky: str | None, draw: float) -> None:
    some = targets(*weights)

    assert sorted(order(some, sticky, draw), key=lambda target: target.id) == sorted(some, key=lambda target: target.id)


@pytest.mark.long
def test_draws_share_the_second_choice_by_weight_too() -> None:
    source = random.Random(9)
    orders = [order(targets(1, 3, 6), None, source.random()) for _ in range(20_000)]

    seconds = Counter(found[1].model for found in orders if found[0].model == "m0")

    assert within(seconds["m1"], 1 / 3, sum(seconds.values()))
