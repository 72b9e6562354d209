"""Many exchanges at once over one board, with a fake clock: whatever happens, the plan keeps its promises."""

from __future__ import annotations

from types import UnionType
from typing import Any

import msgspec
from board_stand import fault
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dragoman.config.routing_schema import Breaker, Retry
from dragoman.ir.errors import RULES, GatewayError, Kind
from dragoman.routing.board import Board
from dragoman.routing.budget import LEAST
from dragoman.routing.plan import GiveUp, Plan, Step, Try, Wait
from dragoman.routing.seat import Seat
from dragoman.routing.target import Target
from effort import tries

KINDS = [kind for kind in Kind if kind not in (Kind.AUTHENTICATION, Kind.PERMISSION, Kind.FORBIDDEN_ORIGIN, Kind.INTERNAL)]
COMMON = [Kind.PROVIDER_KEY, Kind.QUOTA, *[Kind.RATE_LIMITED, Kind.SERVER_ERROR] * 4]
SEATS = st.builds(
    lambda provider, model, key, window: Seat(Target(provider, model), key, window=window),
    st.sampled_from("ab"),
    st.sampled_from("mn"),
    st.sampled_from("12"),
    st.sampled_from([None, 100, 200]),
)
CHAINS = st.lists(SEATS, min_size=1, max_size=5, unique_by=lambda seat: seat.id).map(tuple)
POLICIES = st.builds(
    Retry,
    attempts=st.integers(1, 6),
    backoff_s=st.sampled_from([0.1, 1.0]),
    backoff_max_s=st.sampled_from([1.0, 8.0]),
    retry_after_max_s=st.sampled_from([2.0, 30.0]),
    total_s=st.sampled_from([5.0, 120.0]),
    budget=st.sampled_from([0.0, 0.2]),
)
ERRORS = st.builds(
    lambda kind, wait_s, source: _error(kind, wait_s, source),
    st.sampled_from([*COMMON, *KINDS]),
    st.sampled_from([None, 0.0, 1.0, 20.0, 500.0]),
    st.sampled_from(["upstream", "upstream", "upstream", "gateway", "client"]),
)


def _error(kind: Kind, wait_s: float | None, source: Any) -> GatewayError:
    error = fault(kind, wait_s=wait_s)
    error.source = source
    return error


class Running(msgspec.Struct):
    """One exchange under way, and what it has seen."""

    plan: Plan
    chain: tuple[Seat, ...]
    policy: Retry
    began: float
    step: Step
    wake_at: float = 0.0
    tries: int = 0
    waits: int = 0
    failures: list[tuple[Seat, GatewayError]] = []
    delivered: bool = False


class Exchanges(RuleBasedStateMachine):
    """The model: what each exchange may do next follows from what it was told, and from nothing else."""

    @initialize(failures=st.integers(1, 5))
    def open(self, failures: int) -> None:
        self.board = Board(Breaker(failures=failures))
        self.now = 1000.0
        self.running: list[Running] = []
        self.rests: dict[str, float] = {}
        self.refused: dict[str, float] = {}
        self.retries: list[tuple[float, str]] = []
        self.asked: list[tuple[float, str]] = []

    @rule(chain=CHAINS, policy=POLICIES, draw=st.floats(0, 1, exclude_max=True))
    def begin(self, chain: tuple[Seat, ...], policy: Retry, draw: float) -> None:
        plan = Plan(chain, policy, self.board, self.now)
        one = Running(plan, chain, policy, self.now, GiveUp(fault(Kind.CUT)))
        self.running.append(one)
        self._take(one, plan.first(self.now, draw))

    @rule(data=st.data(), error=ERRORS, draw=st.floats(0, 1, exclude_max=True), delivered=st.booleans(), rescue=st.booleans())
    def fail(self, data: st.DataObject, error: GatewayError, draw: float, delivered: bool, rescue: bool) -> None:
        one = self._some(data, Try)
        if one is None:
            return
        assert isinstance(one.step, Try)
        seat = one.step.seat
        one.failures = [*one.failures, (seat, error)]
        if error.source == "upstream":
            self._believe(seat, error)
        delivered = delivered or one.delivered
        if delivered and not one.delivered:
            one.plan.spoke(self.now)
            one.delivered = True
        if delivered:
            one.began = self.now
        step = one.plan.failed(self.now, error, draw, delivered=delivered, rescue=rescue)
        if delivered and not (rescue and error.rule.retry):
            assert step == GiveUp(error)
        self._take(one, step)

    @rule(data=st.data(), tokens=st.integers(0, 1000))
    def answer(self, data: st.DataObject, tokens: int) -> None:
        one = self._some(data, Try)
        if one is not None:
            one.plan.spoke(self.now)
            one.plan.succeeded(self.now, tokens=tokens, output_tokens=tokens)
            self.running.remove(one)

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        one = self._some(data, Try | Wait)
        if one is not None:
            one.plan.left()
            self.running.remove(one)

    @rule(seconds=st.sampled_from([0.01, 1.0, 7.0, 40.0, 200.0]))
    def wait(self, seconds: float) -> None:
        """Time goes by; who waits is woken on time."""
        until = self.now + seconds
        while sleeping := [one for one in self.running if isinstance(one.step, Wait) and one.wake_at <= until]:
            one = min(sleeping, key=lambda one: one.wake_at)
            self.now = max(self.now, one.wake_at)
            self._take(one, one.plan.waited(self.now))
        self.now = until

    @invariant()
    def the_board_counts_who_is_where(self) -> None:
        if not hasattr(self, "board"):
            return
        there: dict[str, int] = {}
        for one in self.running:
            if isinstance(one.step, Try):
                there[one.step.seat.id] = there.get(one.step.seat.id, 0) + 1
        assert {shown.id: shown.running for shown in self.board.view(self.now) if shown.running} == there

    @invariant()
    def the_budgets_count_who_waits(self) -> None:
        if hasattr(self, "board"):
            promised = sum(self.board.budget(provider).promised for provider in "ab")
            assert promised <= sum(isinstance(one.step, Wait) for one in self.running)

    def _some(self, data: st.DataObject, kind: type | UnionType) -> Running | None:
        those = [one for one in self.running if isinstance(one.step, kind)]
        return data.draw(st.sampled_from(those)) if those else None

    def _believe(self, seat: Seat, error: GatewayError) -> None:
        """What the provider said, as it must be kept."""
        if error.kind is Kind.RATE_LIMITED and error.retry_after_s is not None:
            self.rests[seat.id] = max(self.rests.get(seat.id, 0.0), self.now + error.retry_after_s)
        if error.rule.bench:
            self.refused[seat.id] = self.now + 60

    def _take(self, one: Running, step: Step) -> None:
        before, one.step = one.step, step
        if isinstance(step, GiveUp):
            self.running.remove(one)
        elif isinstance(step, Wait):
            one.waits += 1
            one.wake_at = self.now + step.seconds
            assert 0 <= step.seconds <= max(one.policy.retry_after_max_s, one.policy.backoff_max_s)
            assert one.wake_at <= one.began + one.policy.total_s + 1e-6
            assert one.waits <= 2 * one.policy.attempts
            assert not self._free(one, before), "waits though another may be tried"
        else:
            self._tried(one, step)

    def _tried(self, one: Running, step: Try) -> None:
        seat = step.seat
        one.tries += 1
        assert step.number == one.tries <= one.policy.attempts
        assert one.tries == 1 or self.now <= one.began + one.policy.total_s + 1e-6
        assert self.rests.get(seat.id, 0.0) <= self.now + 1e-6, "asked before its time"
        assert self.refused.get(seat.id, 0.0) <= self.now, "a dead key was tried"
        dead = {failed.account for failed, error in one.failures if error.rule.bench == "key"}
        assert seat.account not in dead, "a key was tried that this exchange saw refused"
        self._nearest_first(one, seat)
        self._within_budget(one, seat)

    def _nearest_first(self, one: Running, seat: Seat) -> None:
        """After a fault of one key, its neighbours come before other deployments."""
        if not one.failures or one.delivered:
            return
        last, error = one.failures[-1]
        row = RULES[error.kind]
        if seat.deployment == last.deployment or not row.fall_back or row.of_target or row.larger_window:
            return
        tried = {failed.id for failed, _ in one.failures}
        if sum(failed.deployment == last.deployment for failed, _ in one.failures) >= 2 or seat.id in tried:
            return
        if any(RULES[past.kind].larger_window for _, past in one.failures):
            return
        neighbours = [other for other in one.chain if other.deployment == last.deployment and other.id not in tried]
        assert all(self.board.standing(other, self.now) != "ready" or self._is_dear(one, other) for other in neighbours)

    def _is_dear(self, one: Running, seat: Seat) -> bool:
        """Whether the budget of its provider may be the reason to pass it by."""
        trips = any(failed.provider == seat.provider and error.rule.trips for failed, error in one.failures)
        return trips and not self.board.budget(seat.provider).has_room(self.now, one.policy.budget)

    def _within_budget(self, one: Running, seat: Seat) -> None:
        again = any(failed.id == seat.id or (failed.provider == seat.provider and error.rule.trips) for failed, error in one.failures)
        (self.retries if again else self.asked).append((self.now, seat.provider))
        healed = one.failures and one.failures[-1][1].rule.heals
        if again and not healed:
            recent = [at for at, provider in self.retries if provider == seat.provider and at > self.now - 60]
            asked = [at for at, provider in self.asked if provider == seat.provider and at > self.now - 120]
            assert len(recent) <= 2 * max(LEAST, one.policy.budget * len(asked)) + 1

    def _free(self, one: Running, before: Step) -> list[str]:
        tried = {failed.id for failed, _ in one.failures}
        if any(error.rule.larger_window or error.rule.of_target for _, error in one.failures):
            return []
        return [
            seat.id
            for seat in one.chain
            if seat.id not in tried and self.board.standing(seat, self.now) == "ready" and not self._is_dear(one, seat)
        ]


TestExchanges = Exchanges.TestCase
TestExchanges.settings = settings(max_examples=tries(60), stateful_step_count=50)
