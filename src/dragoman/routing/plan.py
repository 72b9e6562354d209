"""The plan of one exchange: which seat to try, when to wait, when to give up. A pure state machine; `core` does what it says.

Next is another key of the same deployment, then what the strategy put next; what is taken for broken goes last; only when nothing
else may be tried at once, the seat that is ready soonest is waited for. Attempts, a deadline and a budget bound all of it. What a
kind of error allows stands in `ir.errors.RULES` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman.config.routing_schema import Retry
from dragoman.ir.errors import GatewayError
from dragoman.routing.board import Board, Standing
from dragoman.routing.budget import Budget
from dragoman.routing.ratelimits import Limits
from dragoman.routing.seat import Seat
from dragoman.routing.verdict import Failure, none_left, verdict


class Try(msgspec.Struct, frozen=True):
    """Ask this seat. number: of the try, from 1; heal: without the thoughts of earlier answers, which were refused."""

    seat: Seat
    number: int
    heal: bool = False


class Wait(msgspec.Struct, frozen=True):
    """Ask again what to do after this many seconds."""

    seconds: float


class GiveUp(msgspec.Struct, frozen=True):
    """Tell the client of this error: the most useful one of all tries. note: why it was not asked again although there was time, for
    the gateway's owner; empty where that lies with the providers."""

    error: GatewayError
    note: str = ""


Step = Try | Wait | GiveUp

_GRADES: dict[Standing, int] = {"ready": 0, "trial": 0, "spent": 1, "open": 2}
"""What may be tried at once, the best first. Who asked for time or refused the key is not tried."""
_DOUBTED = 3
"""The key was refused with another model; which is the last to be tried."""
_ENOUGH = 2
"""Faults of a deployment (with different keys) after which its other keys wait for the other deployments."""


class Plan:
    """One exchange's way along `chain`, the seats in the order of its strategy. `began`: when the exchange did.

    Call `first`; then after each Try one of `failed`, `succeeded` and `left`, and after each Wait `waited` or `left`. It tells the board of
    all.
    """

    # What most exchanges never change stays on the class: theirs is one seat that answers.
    number = 0
    _place = _awaited = -1
    _inside = _heal = False
    _trial = 0
    _draw = _tried_at = 0.0
    _spoke: float | None = None
    _promise: Budget | None = None
    _waits = 0
    _failures: tuple[Failure, ...] = ()
    _out: frozenset[int] = frozenset()
    _again: frozenset[str] = frozenset()
    _faults: tuple[str, ...] = ()

    def __init__(self, chain: Sequence[Seat], policy: Retry, board: Board, began: float) -> None:
        self._chain = chain
        self._policy = policy
        self._board = board
        self._deadline = began + policy.total_s

    # -- what core says ----------------------------------------------------------------------------------------------------------

    def first(self, now: float, draw: float) -> Step:
        """Where to begin. draw: a number in [0, 1)."""
        chain = self._chain
        health = self._board.begin(chain[0], now) if chain else None
        if health is None:
            self._draw = draw
            return self._next(now)
        self._health = health
        self.number, self._place, self._tried_at, self._inside = 1, 0, now, True
        return Try(chain[0], 1)

    def waited(self, now: float) -> Step:
        """The wait is over."""
        place, self._awaited = self._awaited, -1
        self._redeem()
        if now <= self._deadline and place >= 0 and self._board.standing(self._chain[place], now) in _GRADES:
            return self._try(place, now)
        return self._next(now)

    def spoke(self, now: float) -> None:
        """The first output of this try came."""
        if self._spoke is None:
            self._spoke = now
            self._board.spoke(self._health, now, now - self._tried_at)

    def succeeded(self, now: float, *, tokens: int = 0, output_tokens: int = 0) -> None:
        """The answer is complete. tokens: that it cost in all; output_tokens: those that it said."""
        token_s = None if self._spoke is None or output_tokens < 2 else (now - self._spoke) / output_tokens
        self._inside = False
        self._board.answered(self._health, now, tokens=tokens, token_s=token_s)
        self._board.leave(self._health, trial=self._trial)

    def left(self) -> None:
        """The try is over without a verdict, or the wait: the client left, or the gateway itself failed. Nothing if it is over already."""
        if self._inside:
            self._inside = False
            self._board.leave(self._health, trial=self._trial)
        self._redeem()

    def failed(self, now: float, error: GatewayError, draw: float, *, delivered: bool = False, rescue: bool = False) -> Step:
        """The try failed. draw: a number in [0, 1). delivered: output of it has reached the client, so that nothing may begin anew;
        rescue: but it may be continued."""
        seat = self._chain[self._place]
        self._board.failed(self._health, now, error, waited_s=now - self._tried_at)
        self.left()
        self._draw = draw
        self._note(seat, error)
        if delivered:
            return self._rescue(now, error) if rescue and error.rule.retry else GiveUp(error)
        if error.rule.heals and not self._heal and self._may_try(now):
            self._heal = True
            return self._try(self._place, now)
        if not (error.rule.fall_back or error.status in seat.target.fall_back_on):
            return self._refused(now, seat, error)
        return self._next(now)

    @property
    def has_choice(self) -> bool:
        """Whether there is more than one seat, so that it matters how much each has left."""
        return len(self._chain) > 1

    def heard(self, now: float, limits: Limits) -> None:
        """What the provider of this try says of its limits."""
        self._board.limited(self._health, limits, now)

    def may_begin_anew(self, now: float) -> bool:
        """Whether there would be another try at all, now or after a wait, if this one failed with nothing said yet."""
        return self._may_try(now)

    def has_others(self, now: float) -> bool:
        """Whether another seat could be tried at once if this one failed now."""
        return self._may_try(now) and self._ready(now) is not None

    # -- what comes next ---------------------------------------------------------------------------------------------------------

    def _may_try(self, now: float) -> bool:
        return self.number < self._policy.attempts and (not self.number or now <= self._deadline)

    def _next(self, now: float) -> Step:
        if not self._may_try(now):
            return self._give_up(now)
        place = self._ready(now)
        return self._wait(now) if place is None else self._try(place, now)

    def _ready(self, now: float) -> int | None:
        """The best seat of those that were not tried yet and may be at once."""
        last = self._chain[self._place].deployment if self._place >= 0 else None
        best: tuple[int, bool, bool, int] | None = None
        for place, seat in enumerate(self._chain):
            if place in self._out or self._is_tried(place) or (self._inside and place == self._place):
                continue
            grade = self._grade(seat, now)
            if grade is None or not self._affords(place, now):
                continue
            rank = (grade, self._faults.count(seat.deployment) >= _ENOUGH, seat.deployment != last, place)
            best = rank if best is None else min(best, rank)
        return None if best is None else best[-1]

    def _grade(self, seat: Seat, now: float) -> int | None:
        grade = _GRADES.get(self._board.standing(seat, now))
        return _DOUBTED if grade is None and self._board.is_doubted(seat, now) else grade

    def _try(self, place: int, now: float) -> Try:
        seat = self._chain[place]
        again = bool(self._failures) and self._is_again(place)
        self.number += 1
        self._place, self._tried_at = place, now
        if self._spoke is not None:
            self._spoke = None
        self._health = self._board.health(seat)
        self._trial = self._board.enter(self._health, now, again=again)
        self._inside = True
        return Try(seat, self.number, self._heal)

    def _wait(self, now: float) -> Step:
        """Wait for the seat that is ready soonest, where that is worth it."""
        backoff_s = self._draw * min(self._policy.backoff_max_s, self._policy.backoff_s * 2 ** min(self._waits, 30))
        soonest: tuple[float, int] | None = None
        for place, seat in enumerate(self._chain):
            if place in self._out or not self._is_worth_waiting(place, seat, now) or not self._affords(place, now):
                continue
            rest_s = self._board.ready_at(seat, now) - now
            if rest_s > self._policy.retry_after_max_s or now + rest_s > self._deadline:
                continue
            wait_s = max(self._past(rest_s, now), backoff_s) if self._is_tried(place) else self._past(rest_s, now)
            if now + wait_s > self._deadline:
                continue
            soonest = (wait_s, place) if soonest is None else min(soonest, (wait_s, place))
        if soonest is None or self._waits >= 2 * self._policy.attempts:
            return self._give_up(now)
        self._waits += 1
        self._awaited = place = soonest[1]
        if self._is_again(place):
            self._promise = self._board.budget(self._chain[place].provider)
            self._promise.promised += 1
        return Wait(soonest[0])

    def _past(self, rest_s: float, now: float) -> float:
        """A rest and a little more, at random, so that not all who wait for its end come in the same moment; within what bounds it."""
        most_s = min(self._policy.retry_after_max_s, self._deadline - now)
        return max(rest_s, min(rest_s + self._draw * self._policy.backoff_s, most_s)) if rest_s > 0 else 0.0

    def _redeem(self) -> None:
        """The retry that was promised is made now, or never."""
        if self._promise is not None:
            self._promise.promised -= 1
            self._promise = None

    def _is_worth_waiting(self, place: int, seat: Seat, now: float) -> bool:
        """Whether this seat may do after a wait. One that is taken for broken when its rest is over is asked once, not again."""
        if self._board.standing(seat, now) in ("refused", "open"):
            return False
        last = next((failure for failure in reversed(self._failures) if failure.place == place), None)
        return last is None or (last.error.rule.retry and not self._board.is_broken(seat, self._board.ready_at(seat, now)))

    def _is_again(self, place: int) -> bool:
        """Whether trying this seat asks a provider once more that has failed at this exchange. A key that was limited or refused is no
        failing provider: its next key may be tried as if it were the first."""
        return self._chain[place].provider in self._again or self._is_tried(place)

    def _affords(self, place: int, now: float) -> bool:
        """Whether the budget of its provider has room for it."""
        return not self._is_again(place) or self._board.budget(self._chain[place].provider).has_room(now, self._policy.budget)

    def _is_tried(self, place: int) -> bool:
        return any(failure.place == place for failure in self._failures)

    # -- what a failure means ----------------------------------------------------------------------------------------------------

    def _note(self, seat: Seat, error: GatewayError) -> None:
        rule = error.rule
        self._failures += (Failure(self._place, seat, error),)
        if rule.trips:
            self._again |= {seat.provider}
        if rule.spreads:
            self._faults += (seat.deployment,)
        if rule.larger_window:
            self._out |= {place for place, other in enumerate(self._chain) if not _is_larger(other, seat)}
        elif rule.bench == "key":
            self._out |= {place for place, other in enumerate(self._chain) if other.account == seat.account}
        elif rule.of_target:
            self._out |= {place for place, other in enumerate(self._chain) if other.deployment == seat.deployment}

    def _rescue(self, now: float, error: GatewayError) -> Step:
        """Continue a broken stream: once where it was begun, which knows best how to go on, if that is still thought well of."""
        self._deadline = now + self._policy.total_s
        seat = self._chain[self._place]
        again = sum(failure.place == self._place for failure in self._failures) > 1
        if not again and self._may_try(now) and self._board.standing(seat, now) == "ready" and self._affords(self._place, now):
            return self._try(self._place, now)
        step = self._next(now)
        return GiveUp(error, step.note) if isinstance(step, GiveUp) else step

    def _refused(self, now: float, seat: Seat, error: GatewayError) -> Step:
        """This error ends it. But what another model finds wrong with a request is no answer to a client whose own choice was only
        out for a while: told that, it would never ask again."""
        if any(failure.error.rule.retry and failure.seat.kin != seat.kin for failure in self._failures):
            return self._give_up(now)
        return GiveUp(error)

    def _give_up(self, now: float) -> Step:
        if not self._failures:
            return GiveUp(none_left(self._chain, self._board, now))
        untried = sum(
            1
            for place, seat in enumerate(self._chain)
            if place not in self._out and not self._is_tried(place) and self._grade(seat, now) is not None
        )
        return GiveUp(verdict(self._failures, untried), self._withheld(now))

    def _withheld(self, now: float) -> str:
        """Which providers would be asked once more if their budgets had room, as a clause behind the error."""
        if not self._may_try(now):
            return ""
        spent = {
            f"`{seat.provider}`": None
            for place, seat in enumerate(self._chain)
            if place not in self._out and self._is_worth_waiting(place, seat, now) and not self._affords(place, now)
        }
        return (
            f"not tried again, since the retries of {', '.join(spent)} for this minute are spent (`routing.retry.budget`)" if spent else ""
        )


def _is_larger(seat: Seat, than: Seat) -> bool:
    """Whether its model is known to hold more than the other's did, of which nothing may be known but that it was too little."""
    return seat.window is not None and seat.deployment != than.deployment and (than.window is None or seat.window > than.window)
