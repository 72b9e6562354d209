"""A small config to route through, and short ways to ask and to read what was decided."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.config.load import parse
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.ask import Told
from dragoman.routing.board import Board
from dragoman.routing.decision import Decision
from dragoman.routing.resolve import Resolver
from dragoman.routing.route import Router
from dragoman.routing.seat import Seat
from dragoman.routing.walk import Judgement, Price

ENV = {"A": "sk-0123456789abcdef", "B": "sk-fedcba9876543210", "C": "sk-00112233445566778"}
PROVIDERS = """
providers:
  one: {kind: openai, keys: [$A]}
  two: {kind: openai, keys: [{key: $A, name: east}, {key: $B, name: west, weight: 3}]}
  tri: {kind: openai, keys: [{key: $C, models: ["gpt-*"]}]}
  loc: {kind: vllm}
"""


class Flat(msgspec.Struct):
    """A price of so much for each token of input, cached input and output."""

    input: float
    cached: float
    output: float = 0.0

    def of(self, input_tokens: int, cached_tokens: int, output_tokens: int, written_tokens: int = 0) -> float:
        return (input_tokens - cached_tokens) * self.input + cached_tokens * self.cached + output_tokens * self.output


class House:
    """A config with its router, board and clock."""

    def __init__(self, models: str, *, providers: str = PROVIDERS, more: str = "", prices: dict[str, Flat] | None = None) -> None:
        self.loaded = parse(f"{providers}models:\n{models}\n{more}".encode(), ENV, file="d")
        self.resolver = Resolver.compile(self.loaded.config)
        self.prices = prices or {}
        self.router = Router(price=self._price)
        self.board = Board(self.loaded.config.routing.breaker)
        self.now = 1000.0

    def _price(self, provider: str, model: str, wall: float) -> Price | None:
        return self.prices.get(f"{provider}/{model}")

    def route(
        self, name: str, *, draw: float = 0.5, judgement: Judgement | None = None, extra: tuple[str, ...] = (), **told: Any
    ) -> Decision:
        """Where a request of these facts goes."""
        if told.get("session") is not None:
            told.setdefault("session_from", "the agent's session")
        others = tuple(self.resolver.resolve(other) for other in extra)
        ask = Told(model=name, **told)
        return self.router.route(self.resolver.resolve(name), ask, self.board, self.now, draw, extra=others, judgement=judgement)

    def answer(self, decision: Decision, place: int = 0, *, tokens: int = 0, response: str | None = None) -> Seat:
        """The seat at this place answers."""
        seat = decision.chain[place]
        self.router.keep(decision, seat, self.now, tokens=tokens, response=response)
        return seat

    def limit(self, seat: Seat, seconds: float) -> None:
        """Its provider asks for time."""
        self.board.failed(
            self.board.health(seat), self.now, GatewayError(Kind.RATE_LIMITED, "slow down", source="upstream", retry_after_s=seconds)
        )

    def break_(self, seat: Seat) -> None:
        """It fails until it is taken for broken."""
        for _ in range(self.board.settings.failures):
            self.board.failed(self.board.health(seat), self.now, GatewayError(Kind.SERVER_ERROR, "broken", source="upstream"))


def ids(decision: Decision) -> list[str]:
    return [seat.id for seat in decision.chain]


def first(decision: Decision) -> str:
    return decision.chain[0].deployment
