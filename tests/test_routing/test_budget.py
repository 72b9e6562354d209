"""The retries that a provider may still get."""

from __future__ import annotations

from dragoman.routing.budget import Budget


def test_what_is_waited_for_is_not_left_for_others() -> None:
    budget = Budget()
    for _ in range(100):
        budget.requests.add(1000.0)
    for _ in range(15):
        budget.retries.add(1000.0)
    budget.promised = 4

    assert (budget.left(1000.0, 0.2), budget.has_room(1000.0, 0.2)) == (1, True)
    budget.promised = 5
    assert (budget.left(1000.0, 0.2), budget.has_room(1000.0, 0.2)) == (0, False)


def test_ten_are_always_allowed() -> None:
    assert Budget().left(1000.0, 0.0) == 10
