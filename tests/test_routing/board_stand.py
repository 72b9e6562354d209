"""Seats, errors and a clock for tests of the board and the plan."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.config.routing_schema import Retry
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.board import Board
from dragoman.routing.plan import GiveUp, Plan, Step, Try, Wait
from dragoman.routing.seat import Seat
from dragoman.routing.target import Target

PROMPT = Retry(backoff_s=1.0)


def seat(name: str, *, window: int | None = None, fall_back_on: tuple[int, ...] = ()) -> Seat:
    """`provider/model@key` as a seat."""
    place, _, key = name.partition("@")
    provider, _, model = place.partition("/")
    return Seat(Target(provider, model, fall_back_on=frozenset(fall_back_on)), key, window=window)


def chain(*names: str) -> tuple[Seat, ...]:
    return tuple(seat(name) for name in names)


def fault(kind: Kind, *, wait_s: float | None = None, status: int | None = None) -> GatewayError:
    """An error that a provider is to blame for."""
    return GatewayError(kind, f"it is {kind.value}", source="upstream", retry_after_s=wait_s, status=status)


Answer = GatewayError | None
"""None: an answer."""


class Story:
    """One exchange with a fake clock: `answers` tells how each try ends, and after how long."""

    def __init__(self, seats: tuple[Seat, ...], board: Board | None = None, policy: Retry = PROMPT, *, began: float = 1000.0) -> None:
        self.board = board or Board()
        self.plan = Plan(seats, policy, self.board, began)
        self.now = began
        self.draw = 0.5
        self.tried: list[str] = []
        self.waits: list[float] = []
        self.healed: list[str] = []
        self.error: GatewayError | None = None
        self.note = ""

    def run(self, answer: Callable[[Try], Answer], *, takes_s: float = 0.0) -> Story:
        """Until an answer or the end."""
        step: Step = self.plan.first(self.now, self.draw)
        while True:
            if isinstance(step, GiveUp):
                self.error, self.note = step.error, step.note
                return self
            if isinstance(step, Wait):
                self.waits.append(step.seconds)
                self.now += step.seconds
                step = self.plan.waited(self.now)
                continue
            self.tried.append(step.seat.id)
            if step.heal:
                self.healed.append(step.seat.id)
            self.now += takes_s
            error = answer(step)
            if error is None:
                self.plan.spoke(self.now)
                self.plan.succeeded(self.now)
                return self
            step = self.plan.failed(self.now, error, self.draw)

    def tells(self, outcomes: dict[str, list[Answer]], *, takes_s: float = 0.0) -> Story:
        """Each seat's answers in turn, its last one for ever; a seat that is not named answers well."""
        left = {name: list(answers) for name, answers in outcomes.items()}

        def answer(step: Try) -> Answer:
            answers = left.get(step.seat.id, [None])
            return answers.pop(0) if len(answers) > 1 else answers[0]

        return self.run(answer, takes_s=takes_s)
