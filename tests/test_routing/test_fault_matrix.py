"""The fault matrix on the pure plan, in full: every kind of error × every moment × every dialect × every strategy, with a fake clock.

What must come of each is worked out here from the table of kinds alone, not by asking the plan.
"""

from __future__ import annotations

from typing import get_args

import pytest
from board_stand import PROMPT

from dragoman.config.load import parse
from dragoman.config.routing_schema import Strategy
from dragoman.dialects.registry import dialect, names
from dragoman.ir.errors import GatewayError, Kind, Rule
from dragoman.routing.ask import Told
from dragoman.routing.board import Board
from dragoman.routing.plan import GiveUp, Plan, Step, Try, Wait
from dragoman.routing.resolve import Resolver
from dragoman.routing.route import Router
from dragoman.routing.seat import Seat

MOMENTS = {
    "connect": False,
    "tls": False,
    "before headers": False,
    "after headers": False,
    "before output": False,
    "in text": True,
    "in a tool call": True,
    "at the end": True,
}
"""Each moment, and whether the client has output by then."""
STRATEGIES = get_args(Strategy)
CONFIG = """
providers:
  a: {{kind: openai-compatible, base_url: 'http://a', keys: [{{key: k1, name: one}}, {{key: k2, name: two}}]}}
  b: {{kind: openai-compatible, base_url: 'http://b', keys: [k3]}}
  c: {{kind: openai-compatible, base_url: 'http://c', keys: [k4]}}
models:
  best:
    strategy: {strategy}
    targets:
      - {{model: a/gpt-4o-mini, priority: 1{tier}}}
      - {{model: b/gpt-4o-mini, priority: 2{tier}}}
      - {{model: c/gpt-4.1, priority: 3{last}}}
    {tiers}
"""


def chain(strategy: str) -> tuple[Seat, ...]:
    tiered = strategy == "tiered"
    text = CONFIG.format(
        strategy=strategy,
        tier=", tier: small" if tiered else "",
        last=", tier: large" if tiered else "",
        tiers="tiers: {order: [small, large]}" if tiered else "",
    )
    model = Resolver.compile(parse(text.encode(), {}).config).resolve("best")
    return Router().route(model, Told(model="best", session="s"), Board(), 1000.0, 0.5).chain  # pyright: ignore[reportArgumentType]


def as_told(kind: Kind, dialect_name: str) -> GatewayError:
    """The error as a provider of this dialect tells it."""
    spoken = dialect(dialect_name)
    status, headers, body = spoken.write_error(GatewayError(kind, f"it is {kind.value}", source="upstream"))
    return spoken.read_error(status, headers, body)


def errors(kind: Kind, dialect_name: str) -> tuple[GatewayError, ...]:
    """As the line tells it, and as the provider does; which may be another kind where the dialect has no word for it."""
    return GatewayError(kind, f"it is {kind.value}", source="upstream"), as_told(kind, dialect_name)


def next_after(first: Seat, seats: tuple[Seat, ...], rule: Rule) -> str | None:
    """Where a request goes whose first seat failed so, by the table."""
    if rule.larger_window:
        return next((seat.id for seat in seats if (seat.window or 0) > (first.window or 0) and seat.deployment != first.deployment), None)
    others = [seat for seat in seats if seat is not first]
    if rule.of_target:
        return next(seat.id for seat in others if seat.deployment != first.deployment)
    near = [seat for seat in others if seat.deployment == first.deployment]
    return (near or others)[0].id


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("dialect_name", names())
def test_every_fault_at_every_moment_has_its_outcome(dialect_name: str, strategy: str) -> None:
    seats = chain(strategy)
    first = seats[0]

    for kind in Kind:
        for moment, delivered in MOMENTS.items():
            for error in errors(kind, dialect_name):
                rule = error.rule
                tried, told = drive(seats, {first.id: error}, delivered=delivered)

                where = f"{kind} as {error.kind} {moment}"
                if delivered or not (rule.fall_back or rule.heals):
                    assert (tried, told) == ([first.id], error.kind), where
                elif rule.heals:
                    assert (tried, told) == ([first.id, first.id], error.kind), where
                else:
                    following = next_after(first, seats, rule)
                    expected = ([first.id], error.kind) if following is None else ([first.id, following], None)
                    assert (tried, told) == expected, where


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("dialect_name", names())
def test_where_all_fail_alike_the_client_is_told_so_in_time(dialect_name: str, strategy: str) -> None:
    seats = chain(strategy)

    for kind in Kind:
        for error in errors(kind, dialect_name):
            tried, told = drive(seats, {seat.id: error for seat in seats}, delivered=False)

            assert told is error.kind
            assert 1 <= len(tried) <= PROMPT.attempts
            if error.rule.bench or error.rule.permanent:
                assert len(set(tried)) == len(tried) or error.rule.heals


@pytest.mark.parametrize("moment", [moment for moment, delivered in MOMENTS.items() if delivered])
@pytest.mark.parametrize("kind", list(Kind))
def test_with_rescue_a_broken_stream_is_gone_on_with_where_its_kind_allows(kind: Kind, moment: str) -> None:
    seats = chain("priority")
    error = GatewayError(kind, "it broke", source="upstream")

    tried, told = drive(seats, {seats[0].id: error}, delivered=True, rescue=True)

    if error.rule.trips:
        # Twice the same deployment: then another one is nearer to an answer than its other key.
        assert (tried, told) == ([seats[0].id, seats[0].id, "b/gpt-4o-mini@key-1"], None)
    elif error.rule.retry:
        assert (tried, told) == ([seats[0].id, seats[1].id], None)
    else:
        assert (tried, told) == ([seats[0].id], kind)


def drive(
    seats: tuple[Seat, ...], faults: dict[str, GatewayError], *, delivered: bool, rescue: bool = False
) -> tuple[list[str], Kind | None]:
    """What is tried, and what is told in the end (None: an answer)."""
    now = 1000.0
    plan = Plan(seats, PROMPT, Board(), now)
    tried: list[str] = []
    step: Step = plan.first(now, 0.5)
    while not isinstance(step, GiveUp):
        if isinstance(step, Wait):
            now += step.seconds
            step = plan.waited(now)
            continue
        assert isinstance(step, Try)
        tried.append(step.seat.id)
        now += 0.1
        error = faults.get(step.seat.id)
        if error is None:
            plan.succeeded(now)
            return tried, None
        if delivered:
            plan.spoke(now)
        step = plan.failed(now, fresh(error), 0.5, delivered=delivered, rescue=rescue)
        assert now <= 1000.0 + PROMPT.total_s
    return tried, step.error.kind


def fresh(error: GatewayError) -> GatewayError:
    """A fresh one, as each try has its own."""
    return GatewayError(
        error.kind, error.message, source=error.source, status=error.status, code=error.code, retry_after_s=error.retry_after_s
    )
