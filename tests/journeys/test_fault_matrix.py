"""Every kind of fault at every moment, over the wire: what the client is told, how often providers are asked, and what is paid for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from fault_run import Outcome, run, run_inside
from faults import AXES, BY_NAME, CLIENTS, DELIVERED, INSIDE, UPSTREAMS, cases, expected, may

pytestmark = pytest.mark.journey

CASES = cases()
CASES_INSIDE = cases(INSIDE)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """What became of all of them."""
    folder: Path = tmp_path_factory.mktemp("matrix")
    return run(CASES, folder)


@pytest.fixture(scope="module")
def outcomes_inside() -> list[Outcome]:
    """What became of those that no client can ask for over HTTP yet."""
    return run_inside(CASES_INSIDE)


def _counts(case: dict[str, Any]) -> bool:
    """Whether the headers can tell of all tries: those of a stream go out before it breaks, and a connection that was kept and turns out
    to be closed is no try of its own."""
    kind = BY_NAME[case["kind"]]
    return kind.fault is not None and kind.name not in ("closed", "reset") and not (case["streamed"] and kind.moment in DELIVERED)


def _named(case: dict[str, Any]) -> str:
    marks = [case["kind"], f"{case['client']}-{case['upstream']}", case["strategy"]]
    marks += ["streamed" if case["streamed"] else "whole", *(["rescue"] if case["rescue"] else [])]
    return "|".join(marks)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[_named(case) for case in CASES])
def test_client_is_told_the_best_that_could_be_had_and_nothing_is_paid_for_twice(outcomes: list[Outcome], number: int) -> None:
    check(CASES[number], outcomes[number])


@pytest.mark.parametrize("number", range(len(CASES_INSIDE)), ids=[_named(case) for case in CASES_INSIDE])
def test_clients_of_other_dialects_are_told_the_best_too(outcomes_inside: list[Outcome], number: int) -> None:
    check(CASES_INSIDE[number], outcomes_inside[number])


def test_silence_in_which_the_client_was_told_to_wait_is_no_answer_yet(tmp_path: Path) -> None:
    moments = ("before headers", "headers", "before output")
    pairs = [(client, upstream) for client in CLIENTS for upstream in UPSTREAMS]
    silent = [
        {"kind": f"silent@{moment}", "client": client, "upstream": upstream, "strategy": "priority", "streamed": True, "rescue": rescue}
        for moment in moments
        for client, upstream in pairs
        for rescue in (False, True)
    ]

    # The status line and signs of life go out long before the provider is given up.
    told = run(silent, tmp_path, server={"deadlines": {"hold_s": 0.2, "ping_s": 0.2}})

    assert {(outcome.told, outcome.tries, outcome.whole) for outcome in told} == {("answer", 2, 1)}


def test_every_value_meets_every_other_one() -> None:
    every = [*CASES, *CASES_INSIDE]
    axes = {**AXES, "client": (*CLIENTS, *INSIDE)}

    missing = [
        (one, left, other, right)
        for one, other in itertools.combinations(axes, 2)
        for left, right in itertools.product(axes[one], axes[other])
        if may({one: left, other: right}) and not any((case[one], case[other]) == (left, right) for case in every)
    ]

    assert missing == []


def check(case: dict[str, Any], outcome: Outcome) -> None:
    """Hold what became of a case against what the rules demand."""
    wanted = expected(case)
    assert (outcome.told, outcome.status) == (wanted.told, wanted.status), outcome.seen
    assert (outcome.tries, outcome.whole, outcome.part) == (wanted.tries, wanted.whole, wanted.part), outcome.seen
    if _counts(case):
        assert outcome.counted == str(wanted.tries)
