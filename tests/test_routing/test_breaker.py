"""The circuit breaker: closed, open, half-open."""

from __future__ import annotations

import pytest

from dragoman.config.routing_schema import Breaker
from dragoman.routing.breaker import Circuit

SETTINGS = Breaker(failures=3, window_s=60, rate=0.5, open_s=10, open_max_s=35)


def opened() -> Circuit:
    circuit = Circuit()
    for second in range(3):
        circuit.failed(100.0 + second, "boom", SETTINGS)
    return circuit


def test_enough_faults_within_the_window_open_it() -> None:
    circuit = Circuit()

    states = []
    for second in range(3):
        circuit.failed(100.0 + second, "boom", SETTINGS)
        states.append(circuit.state)

    assert states == ["closed", "closed", "open"]
    assert (circuit.since, circuit.until, circuit.why) == (102.0, 112.0, "boom")


def test_faults_that_are_long_past_do_not_count() -> None:
    circuit = Circuit()

    for minutes in range(6):
        circuit.failed(100.0 + 120 * minutes, "boom", SETTINGS)

    assert circuit.state == "closed"


def test_few_faults_among_many_answers_leave_it_closed() -> None:
    circuit = Circuit()
    for _ in range(20):
        circuit.succeeded(100.0)

    for _ in range(5):
        circuit.failed(100.0, "boom", SETTINGS)

    assert circuit.state == "closed"


def test_after_its_time_as_many_try_it_as_may_at_once() -> None:
    circuit = opened()

    assert not circuit.may_try(111.0, SETTINGS)
    assert circuit.may_try(112.0, SETTINGS)
    assert circuit.enter(112.0)
    assert (circuit.state, circuit.may_try(112.0, SETTINGS)) == ("half-open", False)


def test_a_trial_without_a_verdict_makes_room_for_another() -> None:
    circuit = opened()
    trial = circuit.enter(112.0)

    circuit.leave(trial)

    assert circuit.may_try(112.0, SETTINGS)


def test_a_trial_that_outlives_its_opening_gives_back_no_place_of_a_later_one() -> None:
    circuit = opened()
    slow = circuit.enter(112.0)
    circuit.failed(113.0, "boom again", SETTINGS)
    circuit.enter(133.0)

    circuit.leave(slow)

    assert not circuit.may_try(133.0, SETTINGS)
    assert circuit.trials == 1


def test_a_trial_that_is_answered_closes_it() -> None:
    circuit = opened()
    circuit.enter(112.0)

    circuit.spoke(113.0)

    assert (circuit.state, circuit.why, circuit.may_try(113.0, SETTINGS)) == ("closed", "", True)


@pytest.mark.parametrize(("trials", "pause_s"), [(1, 20), (2, 35), (5, 35)])
def test_each_failed_trial_doubles_the_pause_up_to_its_bound(trials: int, pause_s: float) -> None:
    circuit = opened()

    for _ in range(trials):
        now = circuit.until
        circuit.enter(now)
        circuit.failed(now, "boom", SETTINGS)

    assert (circuit.state, circuit.until - now) == ("open", pause_s)


def test_a_last_resort_that_fails_leaves_an_open_one_as_it_was() -> None:
    circuit = opened()

    assert not circuit.enter(105.0)
    circuit.failed(105.0, "again", SETTINGS)

    assert (circuit.state, circuit.until, circuit.why) == ("open", 112.0, "boom")


def test_a_last_resort_that_answers_closes_an_open_one() -> None:
    circuit = opened()

    circuit.spoke(105.0)

    assert circuit.state == "closed"
