"""Keys that get another secret."""

from __future__ import annotations

from dragoman.app.renewal import Renewal
from dragoman.config.load import parse
from dragoman.config.schema import Config
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.board import Board
from dragoman.routing.seat import Seat
from dragoman.routing.target import Target


def config(first: str, second: str) -> Config:
    return parse(f"providers: {{up: {{kind: openai, keys: [{{key: {first}, name: a}}, {{key: {second}, name: b}}]}}}}".encode(), {}).config


def test_what_was_held_against_a_key_is_forgotten_with_its_secret() -> None:
    board = Board()
    seats = [Seat(Target("up", "m"), key) for key in ("a", "b")]
    for seat in seats:
        board.failed(board.health(seat), 1.0, GatewayError(Kind.PROVIDER_KEY, "no", source="upstream"))
    renewal = Renewal(board, lambda: 2.0)

    renewal.learn(config("sk-one", "sk-two"))
    before = [board.standing(seat, 2.0) for seat in seats]
    renewal.learn(config("sk-new", "sk-two"))

    assert before == ["refused", "refused"]
    assert [board.standing(seat, 2.0) for seat in seats] == ["ready", "refused"]
