"""The board: what is remembered of seats and keys, and what it says of them."""

from __future__ import annotations

import pytest
from board_stand import fault, seat

from dragoman.config.routing_schema import Breaker
from dragoman.ir.errors import RULES, GatewayError, Kind
from dragoman.routing import board as board_module
from dragoman.routing.board import Board, Shown
from dragoman.routing.ratelimits import Limit, Limits

A1, A2, OTHER = seat("a/m@1"), seat("a/m@2"), seat("a/n@1")
NOW = 1000.0


def fail(board: Board, kind: Kind, *, wait_s: float | None = None, times: int = 1) -> None:
    for _ in range(times):
        board.failed(board.health(A1), NOW, fault(kind, wait_s=wait_s))


def test_an_unknown_seat_is_ready_and_asking_remembers_nothing() -> None:
    board = Board()

    assert (board.standing(A1, NOW), board.ready_at(A1, NOW), board.view(NOW)) == ("ready", NOW, [])


def test_a_limited_seat_rests_as_long_as_was_asked() -> None:
    board = Board()
    fail(board, Kind.RATE_LIMITED, wait_s=20)

    assert (board.standing(A1, NOW + 19.9), board.standing(A1, NOW + 20), board.ready_at(A1, NOW)) == ("resting", "ready", NOW + 20)
    assert (board.standing(A2, NOW), board.standing(OTHER, NOW)) == ("ready", "ready")
    assert board.why(A1, NOW) == "resting for 20 s: rate_limited: it is rate_limited"


def test_a_limit_without_a_wait_rests_longer_each_time_in_a_row() -> None:
    board = Board()
    rests: list[float] = []

    now = NOW
    for _ in range(8):
        board.failed(board.health(A1), now, fault(Kind.RATE_LIMITED))
        rests.append(board.ready_at(A1, now) - now)
        now += rests[-1]

    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]


def test_requests_that_are_limited_together_are_limited_once() -> None:
    board = Board()
    fail(board, Kind.RATE_LIMITED, times=5)

    assert board.ready_at(A1, NOW) == NOW + 2


def test_a_limit_without_a_wait_rests_until_its_headers_say() -> None:
    board = Board()
    board.limited(board.health(A1), Limits((Limit("tokens", 10, 0, NOW + 42),)), NOW)
    fail(board, Kind.RATE_LIMITED)

    assert (board.standing(A1, NOW), board.ready_at(A1, NOW)) == ("resting", NOW + 42)


def test_an_absurd_wait_is_cut() -> None:
    board = Board()
    fail(board, Kind.RATE_LIMITED, wait_s=1e9)

    assert board.ready_at(A1, NOW) == NOW + 3600


def test_a_spent_limit_is_known_before_it_is_hit() -> None:
    board = Board()
    board.limited(board.health(A1), Limits((Limit("requests", 10, 0, NOW + 5), Limit("tokens", 10, 3, NOW + 9))), NOW)

    assert (board.standing(A1, NOW), board.standing(A1, NOW + 5), board.ready_at(A1, NOW)) == ("spent", "ready", NOW)
    assert board.why(A1, NOW) == "limit used up for 5 s: nothing is left of its limit (requests)"


def test_a_refused_key_is_left_alone_with_every_model() -> None:
    board = Board()
    fail(board, Kind.PROVIDER_KEY)

    assert [board.standing(one, NOW + 59) for one in (A1, A2, OTHER)] == ["refused", "ready", "refused"]
    assert [board.standing(one, NOW + 60) for one in (A1, OTHER)] == ["ready", "ready"]


@pytest.mark.parametrize("kind", [Kind.QUOTA, Kind.PROVIDER_PERMISSION])
def test_a_key_without_quota_or_permission_is_left_alone_with_this_model(kind: Kind) -> None:
    board = Board()
    fail(board, kind)

    assert [board.standing(one, NOW) for one in (A1, A2, OTHER)] == ["refused", "ready", "ready"]


@pytest.mark.parametrize("kind", list(Kind))
def test_only_faults_of_theirs_open_the_breaker(kind: Kind) -> None:
    board = Board()
    fail(board, kind, times=10)

    assert (board.health(A1).circuit.state == "open") is RULES[kind].trips


@pytest.mark.parametrize("kind", list(Kind))
def test_what_a_client_or_the_gateway_did_changes_nothing(kind: Kind) -> None:
    board = Board()
    for source in ("client", "gateway"):
        for _ in range(10):
            board.failed(board.health(A1), NOW, GatewayError(kind, "no fault of theirs", source=source, retry_after_s=9))

    assert board.standing(A1, NOW) == "ready"


def test_an_open_breaker_is_tried_again_by_one_request() -> None:
    board = Board(Breaker(open_s=10))
    fail(board, Kind.SERVER_ERROR, times=5)

    assert [board.standing(A1, NOW + after) for after in (0, 9.9, 10)] == ["open", "open", "trial"]
    trial = board.enter(board.health(A1), NOW + 10)
    assert (trial, board.standing(A1, NOW + 10)) == (True, "open")
    board.spoke(board.health(A1), NOW + 11, 1.0)
    assert board.standing(A1, NOW + 11) == "ready"


def test_a_trial_that_is_refused_for_its_request_closes_the_breaker() -> None:
    board = Board(Breaker(open_s=10))
    fail(board, Kind.SERVER_ERROR, times=5)
    board.enter(board.health(A1), NOW + 10)

    board.failed(board.health(A1), NOW + 10, fault(Kind.INVALID_REQUEST))

    assert board.standing(A1, NOW + 10) == "ready"


def test_measures_are_moving_averages() -> None:
    board = Board()
    health = board.health(A1)
    for first_s, token_s in ((1.0, 0.01), (2.0, 0.02)):
        board.enter(health, NOW)
        board.spoke(health, NOW, first_s)
        board.answered(health, NOW, tokens=500, token_s=token_s)
        board.leave(health)

    assert (health.first_token_s, health.token_s) == (pytest.approx(1.2), pytest.approx(0.012))
    assert (health.running, health.requests.total(NOW), health.tokens.total(NOW), health.tokens.total(NOW + 120)) == (0, 2, 1000, 0)


@pytest.mark.parametrize(
    ("name", "left"), [("a/m@1", ["a/n@1"]), ("a/m", ["a/n@1"]), ("a@1", []), ("a", []), ("*", []), ("b", ["a/m@1", "a/n@1"])]
)
def test_trouble_is_forgotten_by_name(name: str, left: list[str]) -> None:
    board = Board()
    for one in (A1, OTHER):
        board.failed(board.health(one), NOW, fault(Kind.QUOTA))

    count = board.reset(name, NOW)

    assert [shown.id for shown in board.view(NOW) if shown.standing != "ready"] == left
    assert (count > 0) is (len(left) < 2)


def test_a_refused_key_is_forgotten_by_its_own_name() -> None:
    board = Board()
    fail(board, Kind.PROVIDER_KEY)

    board.reset("a@1", NOW)

    assert board.standing(A1, NOW) == "ready"


def test_the_view_shows_what_stands_how_and_why() -> None:
    board = Board()
    board.enter(board.health(A2), NOW)
    fail(board, Kind.PROVIDER_KEY)

    assert board.view(NOW + 12) == [
        Shown("a/m@1", "a", "m", "1", "refused", "provider_key: it is provider_key", for_s=12.0, until_s=48.0),
        Shown("a/m@2", "a", "m", "2", "ready", running=1, requests=1),
    ]
    assert {health.id: stands for health, stands in board.each(NOW + 12)} == {"a/m@1": "refused", "a/m@2": "ready"}


def test_names_of_clients_choosing_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "_KEPT", 20)
    board = Board()
    running = board.health(seat("a/first"))
    board.enter(running, NOW)

    for number in range(100):
        board.enter(board.health(seat(f"a/m{number}")), NOW + 1 + number)
        board.leave(board.health(seat(f"a/m{number}")))

    shown = [one.id for one in board.view(NOW)]
    assert len(shown) <= 20
    assert {"a/first", "a/m99"} <= set(shown)
