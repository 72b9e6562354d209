"""The plan of one exchange, by scripted outcomes and a fake clock."""

from __future__ import annotations

import pytest
from board_stand import Story, chain, fault, seat

from dragoman.config.routing_schema import Breaker, Retry
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.board import Board
from dragoman.routing.plan import GiveUp, Plan, Try, Wait
from dragoman.routing.ratelimits import Limit, Limits

BOOM = fault(Kind.SERVER_ERROR)
LIMITED = fault(Kind.RATE_LIMITED, wait_s=5)


def test_one_healthy_seat_is_tried_once() -> None:
    story = Story(chain("a/m@1")).tells({})

    assert (story.tried, story.waits, story.error) == (["a/m@1"], [], None)


def test_another_key_comes_before_another_provider_before_what_the_strategy_put_later() -> None:
    story = Story(chain("a/m@1", "b/m@1", "a/m@2", "c/n@1")).tells({"a/m@1": [LIMITED], "a/m@2": [LIMITED], "b/m@1": [BOOM]})

    assert (story.tried, story.error) == (["a/m@1", "a/m@2", "b/m@1", "c/n@1"], None)


def test_a_deployment_that_failed_with_two_keys_makes_way_for_others() -> None:
    story = Story(chain("a/m@1", "a/m@2", "a/m@3", "b/m@1")).tells({f"a/m@{key}": [BOOM] for key in (1, 2, 3)})

    assert story.tried == ["a/m@1", "a/m@2", "b/m@1"]


def test_what_a_target_cannot_do_is_not_asked_of_its_other_keys() -> None:
    story = Story(chain("a/m@1", "a/m@2", "b/m@1")).tells({"a/m@1": [fault(Kind.UNSUPPORTED)]})

    assert story.tried == ["a/m@1", "b/m@1"]


def test_nothing_else_ready_means_waiting_longer_each_time() -> None:
    story = Story(chain("a/m@1")).tells({"a/m@1": [BOOM]})

    assert (story.tried, story.waits) == (["a/m@1"] * 4, [0.5, 1.0, 2.0])
    assert story.error is BOOM


def test_a_wait_is_never_longer_than_its_bound() -> None:
    story = Story(chain("a/m@1"), Board(Breaker(failures=100)), Retry(attempts=9, backoff_s=1, backoff_max_s=3)).tells({"a/m@1": [BOOM]})

    assert story.waits == [0.5, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]


def test_a_wait_that_the_provider_asked_for_is_kept() -> None:
    story = Story(chain("a/m@1")).tells({"a/m@1": [LIMITED, None]})

    assert (story.tried, story.waits, story.error) == (["a/m@1", "a/m@1"], [5.5], None)


def test_an_overloaded_providers_wait_is_kept_too() -> None:
    story = Story(chain("a/m@1")).tells({"a/m@1": [fault(Kind.OVERLOADED, wait_s=7), None]})

    assert story.waits == [7.5]


def test_the_seat_that_is_ready_soonest_is_waited_for() -> None:
    story = Story(chain("a/m@1", "a/m@2")).tells({"a/m@1": [fault(Kind.RATE_LIMITED, wait_s=9)], "a/m@2": [LIMITED, None]})

    assert (story.tried, story.waits) == (["a/m@1", "a/m@2", "a/m@2"], [5.5])


def test_a_wait_past_the_bound_is_told_at_once() -> None:
    long = fault(Kind.RATE_LIMITED, wait_s=31)

    story = Story(chain("a/m@1")).tells({"a/m@1": [long]})

    assert (story.tried, story.waits, story.error) == (["a/m@1"], [], long)


def test_a_wait_past_the_deadline_is_told_at_once() -> None:
    story = Story(chain("a/m@1"), policy=Retry(total_s=4)).tells({"a/m@1": [LIMITED]})

    assert (story.tried, story.waits) == (["a/m@1"], [])


def test_nothing_is_tried_after_the_deadline() -> None:
    story = Story(chain("a/m@1", "b/m@1", "c/m@1"), policy=Retry(total_s=100)).tells({"a/m@1": [BOOM], "b/m@1": [BOOM]}, takes_s=60)

    assert story.tried == ["a/m@1", "b/m@1"]


def test_a_resting_seat_is_not_asked_while_it_rests() -> None:
    board = Board()
    board.failed(board.health(seat("a/m@1")), 1000.0, LIMITED)

    story = Story(chain("a/m@1"), board, began=1001.0).tells({})

    assert (story.waits, story.tried) == ([4.5], ["a/m@1"])


def test_those_who_wait_for_the_same_rest_come_back_one_after_the_other() -> None:
    board = Board()
    board.failed(board.health(seat("a/m@1")), 1000.0, LIMITED)

    steps = [Plan(chain("a/m@1"), Retry(backoff_s=2), board, 1001.0).first(1001.0, draw) for draw in (0.0, 0.25, 0.75)]

    assert steps == [Wait(4.0), Wait(4.5), Wait(5.5)]


@pytest.mark.parametrize("policy", [Retry(backoff_s=2, retry_after_max_s=5), Retry(backoff_s=2, total_s=5)])
def test_what_is_waited_past_a_rest_keeps_within_what_bounds_the_wait(policy: Retry) -> None:
    board = Board()
    board.failed(board.health(seat("a/m@1")), 1000.0, LIMITED)

    steps = [Plan(chain("a/m@1"), policy, board, 1000.0).first(1000.0, draw) for draw in (0.0, 0.75)]

    assert steps == [Wait(5.0), Wait(5.0)]


def test_a_seat_that_rests_too_long_is_told_without_asking() -> None:
    board = Board()
    board.failed(board.health(seat("a/m@1")), 1000.0, fault(Kind.RATE_LIMITED, wait_s=90))

    story = Story(chain("a/m@1"), board).tells({})

    assert story.tried == []
    assert story.error is not None
    assert (story.error.kind, story.error.retry_after_s, story.error.provider) == (Kind.RATE_LIMITED, 90, "a")
    assert story.error.message == (
        "nothing that could answer may be asked now: `a/m@1` (resting for 90 s: rate_limited); it is rate_limited; ask again in 90 s"
    )


def test_others_are_asked_while_one_rests() -> None:
    board = Board()
    board.failed(board.health(seat("a/m@1")), 1000.0, LIMITED)

    story = Story(chain("a/m@1", "b/m@1"), board).tells({})

    assert (story.tried, story.waits) == (["b/m@1"], [])


def test_a_used_up_limit_spreads_the_load() -> None:
    board = Board()
    board.limited(board.health(seat("a/m@1")), Limits((Limit("tokens", 10, 0, 1005.0),)), 1000.0)

    assert Story(chain("a/m@1", "a/m@2"), board).tells({}).tried == ["a/m@2"]
    assert Story(chain("a/m@1"), board).tells({}).tried == ["a/m@1"]


def test_dead_keys_are_one_clear_error() -> None:
    board = Board()
    seats = chain("a/m@1", "a/m@2")
    refused = fault(Kind.PROVIDER_KEY, status=401)

    first = Story(seats, board).tells({one.id: [refused] for one in seats})
    then = Story(seats, board, began=1010.0).tells({})

    assert (first.tried, first.error, then.tried) == (["a/m@1", "a/m@2"], refused, [])
    assert then.error is not None
    assert (then.error.kind, then.error.provider) == (Kind.PROVIDER_KEY, "a")
    assert then.error.message == (
        "nothing that could answer may be asked now: `a/m@1` (refused for 50 s: provider_key), `a/m@2` (refused for 50 s: provider_key); "
        "it is provider_key; check `providers.a.keys`; `dragoman health --reset a` tries again at once"
    )


def test_of_several_dead_keys_no_single_ones_words_are_handed_on_for_all() -> None:
    alone, first = fault(Kind.QUOTA), fault(Kind.QUOTA)
    alone.body = first.body = b'{"error": "no quota"}'

    one = Story(chain("a/m@1")).tells({"a/m@1": [alone]}).error
    two = Story(chain("a/m@1", "a/m@2")).tells({"a/m@1": [first], "a/m@2": [fault(Kind.PROVIDER_KEY)]}).error

    assert one is not None and one.body == b'{"error": "no quota"}'
    assert two is not None
    assert (two.body, two.message) == (None, "it is quota (tried `a/m@1`: quota, `a/m@2`: provider_key)")


def test_a_key_that_another_model_saw_refused_is_the_last_to_be_tried() -> None:
    board = Board()
    board.failed(board.health(seat("a/m@1")), 1000.0, fault(Kind.PROVIDER_KEY))

    elsewhere = Story(chain("a/n@1", "b/n@1"), board).tells({})
    alone = Story(chain("a/n@1"), board).tells({})
    same = Story(chain("a/m@1"), board).tells({})

    assert (elsewhere.tried, alone.tried, same.tried) == (["b/n@1"], ["a/n@1"], [])


def test_a_key_that_another_model_saw_refused_gets_the_time_that_its_provider_asked_for() -> None:
    board = Board()
    board.failed(board.health(seat("a/n@1")), 1000.0, fault(Kind.RATE_LIMITED, wait_s=1))
    board.failed(board.health(seat("a/m@1")), 1000.0, fault(Kind.PROVIDER_KEY))

    early, later = (Story(chain("a/n@1"), board, began=began).tells({}) for began in (1000.0, 1001.0))

    assert (early.tried, later.tried) == ([], ["a/n@1"])


def test_a_key_that_answers_is_no_longer_held_for_refused_with_other_models() -> None:
    board = Board()
    Story(chain("a/m@1"), board).tells({"a/m@1": [fault(Kind.PROVIDER_KEY)]})

    later = Story(chain("a/n@1"), board, began=1001.0).tells({})

    assert later.tried == ["a/n@1"]
    assert [board.standing(one, 1002.0) for one in chain("a/m@1", "a/n@1", "a/o@1")] == ["refused", "ready", "ready"]


def test_a_key_refused_in_this_exchange_is_not_tried_with_another_model() -> None:
    story = Story(chain("a/m@1", "a/n@1", "b/o@1")).tells({name: [fault(Kind.PROVIDER_KEY)] for name in ("a/m@1", "b/o@1")})

    assert story.tried == ["a/m@1", "b/o@1"]


def test_dead_keys_at_several_providers_name_each_provider_once() -> None:
    board = Board()
    seats = chain("a/m@1", "a/m@2", "b/m@1")

    Story(seats, board).tells({one.id: [fault(Kind.PROVIDER_KEY)] for one in seats})
    error = Story(seats, board).tells({}).error

    assert error is not None
    assert "check `providers.a.keys`, `providers.b.keys`;" in error.message


def test_keys_refused_by_the_last_try_leave_hope_where_more_are_untried() -> None:
    seats = chain(*(f"a/m@{number}" for number in range(6)))

    error = Story(seats).tells({one.id: [fault(Kind.PROVIDER_KEY)] for one in seats}).error

    assert error is not None
    assert (error.kind, error.retry_after_s, error.rule.permanent) == (Kind.OVERLOADED, 1.0, False)
    assert "2 more may answer the next request" in error.message


def test_a_broken_seat_goes_last_and_is_tried_once() -> None:
    board = Board()
    for _ in range(5):
        board.failed(board.health(seat("a/m@1")), 1000.0, BOOM)

    well = Story(chain("a/m@1", "b/m@1"), board).tells({})
    alone = Story(chain("a/m@1"), board).tells({"a/m@1": [BOOM]})

    assert (well.tried, alone.tried, alone.waits) == (["b/m@1"], ["a/m@1"], [])


def test_a_broken_seat_that_asked_for_time_is_waited_for_and_tried_once() -> None:
    board = Board()
    away = fault(Kind.OVERLOADED, wait_s=2)
    stories = [Story(chain("a/m@1"), board, began=1000.0 + 8 * turn).tells({"a/m@1": [away]}) for turn in range(2)]

    resting = Story(chain("a/m@1"), board, began=1011.0).tells({"a/m@1": [away]})

    assert [len(story.tried) for story in stories] == [4, 1]
    assert (resting.waits, resting.tried, resting.note) == ([1.5], ["a/m@1"], "")


def test_a_broken_seat_that_may_be_tried_when_its_rest_is_over_is_waited_for_again() -> None:
    board = Board(Breaker(open_s=3))
    for _ in range(4):
        board.failed(board.health(seat("a/m@1")), 1000.0, BOOM)

    story = Story(chain("a/m@1"), board).tells({"a/m@1": [fault(Kind.OVERLOADED, wait_s=4), None]})

    assert (story.waits, story.tried) == ([4.5], ["a/m@1"] * 2)


def test_a_broken_seat_is_tried_again_at_its_place_when_its_time_has_come() -> None:
    board = Board(Breaker(open_s=10))
    for _ in range(5):
        board.failed(board.health(seat("a/m@1")), 1000.0, BOOM)

    story = Story(chain("a/m@1", "b/m@1"), board, began=1010.0).tells({})

    assert (story.tried, board.standing(seat("a/m@1"), 1010.0)) == (["a/m@1"], "ready")


def test_a_trial_whose_client_left_makes_room_for_another() -> None:
    board = Board(Breaker(open_s=10))
    for _ in range(5):
        board.failed(board.health(seat("a/m@1")), 1000.0, BOOM)
    plan = Plan(chain("a/m@1"), Retry(), board, 1010.0)
    plan.first(1010.0, 0.5)

    plan.left()
    plan.left()

    assert (board.standing(seat("a/m@1"), 1010.0), board.health(seat("a/m@1")).running) == ("trial", 0)


def test_an_outage_is_not_multiplied() -> None:
    board = Board(Breaker(failures=10_000))

    tries = sum(len(Story(chain("a/m@1"), board, Retry(backoff_s=0.01)).tells({"a/m@1": [BOOM]}).tried) for _ in range(200))

    assert tries == 200 + 40


def test_a_limit_that_many_meet_at_once_is_not_multiplied_by_all_who_wait() -> None:
    board = Board()
    plans = [Plan(chain("a/m@1"), Retry(), board, 1000.0) for _ in range(200)]
    for plan in plans:
        plan.first(1000.0, 0.5)

    steps = [plan.failed(1000.0, LIMITED, 0.5) for plan in plans]
    waiting = [plan for plan, step in zip(plans, steps, strict=True) if isinstance(step, Wait)]

    assert len(waiting) == 40
    assert [type(plan.waited(1005.0)) for plan in waiting] == [Try] * 40


def test_a_client_that_leaves_while_it_waits_leaves_its_retry_to_others() -> None:
    board = Board()
    plans = [Plan(chain("a/m@1"), Retry(), board, 1000.0) for _ in range(12)]
    for plan in plans:
        plan.first(1000.0, 0.5)
    steps = [type(plan.failed(1000.0, LIMITED, 0.5)) for plan in plans[:11]]

    plans[0].left()
    last = plans[11].failed(1000.0, LIMITED, 0.5)

    assert (steps, type(last)) == ([Wait] * 10 + [GiveUp], Wait)


def test_retries_that_the_budget_withholds_are_told_apart_from_those_that_are_worth_nothing() -> None:
    board = Board(Breaker(failures=10_000))

    notes = [Story(chain("a/m@1"), board, Retry(backoff_s=0.01)).tells({"a/m@1": [BOOM]}).note for _ in range(5)]
    refused = Story(chain("a/m@1"), board).tells({"a/m@1": [fault(Kind.INVALID_REQUEST)]})

    withheld = "not tried again, since the retries of `a` for this minute are spent (`routing.retry.budget`)"
    assert notes == ["", "", "", withheld, withheld]
    assert refused.note == ""


def test_other_providers_are_no_retries() -> None:
    board = Board(Breaker(failures=10_000))

    errors = [Story(chain("a/m@1", "b/m@1"), board).tells({"a/m@1": [BOOM]}).error for _ in range(100)]

    assert errors == [None] * 100


def test_a_conversation_too_long_goes_to_a_larger_window() -> None:
    seats = (seat("a/m@1", window=100), seat("a/m@2", window=100), seat("b/n@1", window=90), seat("c/o@1"), seat("d/p@1", window=200))

    story = Story(seats).tells({"a/m@1": [fault(Kind.CONTEXT_OVERFLOW)]})

    assert story.tried == ["a/m@1", "d/p@1"]


def test_a_conversation_too_long_for_an_unknown_window_goes_to_a_known_one() -> None:
    overflow = fault(Kind.CONTEXT_OVERFLOW)
    seats = (seat("a/m@1"), seat("a/m@2"), seat("b/n@1"), seat("c/o@1", window=100), seat("d/p@1", window=100), seat("e/q@1", window=200))

    story = Story(seats).tells({"a/m@1": [overflow], "c/o@1": [overflow]})

    assert story.tried == ["a/m@1", "c/o@1", "e/q@1"]


def test_a_conversation_too_long_for_all_is_told_as_the_provider_told_it() -> None:
    overflow = fault(Kind.CONTEXT_OVERFLOW)

    story = Story((seat("a/m@1", window=100), seat("b/n@1", window=100))).tells({"a/m@1": [overflow]})

    assert (story.tried, story.error) == (["a/m@1"], overflow)


def test_refused_thoughts_are_left_out_once() -> None:
    refused = fault(Kind.SEAL_REFUSED)

    healed = Story(chain("a/m@1", "a/m@2")).tells({"a/m@1": [refused, None]})
    not_healed = Story(chain("a/m@1", "a/m@2")).tells({"a/m@1": [refused]})

    assert (healed.tried, healed.healed, healed.error) == (["a/m@1", "a/m@1"], ["a/m@1"], None)
    assert (not_healed.tried, not_healed.error) == (["a/m@1", "a/m@1"], refused)


def test_a_healed_request_stays_without_its_thoughts() -> None:
    story = Story(chain("a/m@1", "b/m@1")).tells({"a/m@1": [fault(Kind.SEAL_REFUSED), BOOM]})

    assert story.healed == ["a/m@1", "b/m@1"]


def test_a_status_of_the_targets_choice_falls_back() -> None:
    odd = fault(Kind.INVALID_REQUEST, status=418)
    seats = (seat("a/m@1", fall_back_on=(418,)), seat("b/m@1"))

    assert Story(seats).tells({"a/m@1": [odd]}).tried == ["a/m@1", "b/m@1"]
    assert Story(chain("a/m@1", "b/m@1")).tells({"a/m@1": [odd]}).tried == ["a/m@1"]


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        (Kind.PROVIDER_KEY, Kind.RATE_LIMITED, Kind.RATE_LIMITED),
        (Kind.RATE_LIMITED, Kind.SERVER_ERROR, Kind.RATE_LIMITED),
        (Kind.SERVER_ERROR, Kind.MODEL_NOT_FOUND, Kind.SERVER_ERROR),
        (Kind.SERVER_ERROR, Kind.OVERLOADED, Kind.OVERLOADED),
        (Kind.QUOTA, Kind.UNSUPPORTED, Kind.UNSUPPORTED),
        (Kind.TIMEOUT, Kind.INVALID_REQUEST, Kind.TIMEOUT),
    ],
)
def test_of_all_errors_the_most_useful_is_told(first: Kind, then: Kind, told: Kind) -> None:
    seats = chain("a/m@1", "b/n@1")

    story = Story(seats, policy=Retry(attempts=2)).tells({"a/m@1": [fault(first)], "b/n@1": [fault(then)]})

    assert story.error is not None
    assert story.error.kind is told
    assert story.error.message == f"it is {told.value} (tried `a/m@1`: {first.value}, `b/n@1`: {then.value})"


def test_what_the_same_model_finds_wrong_is_told() -> None:
    wrong = fault(Kind.INVALID_REQUEST)

    assert Story(chain("a/m@1", "a/m@2")).tells({"a/m@1": [LIMITED], "a/m@2": [wrong]}).error is wrong


def test_nothing_begins_anew_after_output_was_delivered() -> None:
    plan = Plan(chain("a/m@1", "b/m@1"), Retry(), Board(), 0.0)
    plan.first(0.0, 0.5)
    plan.spoke(1.0)

    assert plan.failed(2.0, BOOM, 0.5, delivered=True) == GiveUp(BOOM)


def test_a_rescue_goes_on_where_it_began_and_then_elsewhere() -> None:
    plan = Plan(chain("a/m@1", "b/m@1"), Retry(attempts=3), Board(), 0.0)
    plan.first(0.0, 0.5)
    cut = fault(Kind.CUT)

    steps = [plan.failed(now, cut, 0.5, delivered=True, rescue=True) for now in (200.0, 201.0, 202.0)]

    assert steps == [Try(seat("a/m@1"), 2), Try(seat("b/m@1"), 3), GiveUp(cut)]


def test_others_are_known_before_they_are_needed() -> None:
    board = Board()
    board.failed(board.health(seat("b/m@1")), 0.0, fault(Kind.PROVIDER_KEY))
    seats = chain("a/m@1", "b/m@1")

    plan = Plan(seats, Retry(), board, 0.0)
    plan.first(0.0, 0.5)

    assert (plan.has_others(1.0), plan.has_others(61.0)) == (False, True)


def test_a_wait_ends_elsewhere_where_the_awaited_seat_was_refused_meanwhile() -> None:
    board = Board()
    seats = chain("a/m@1")
    plan = Plan(seats, Retry(), board, 0.0)
    plan.first(0.0, 0.5)
    assert plan.failed(0.0, LIMITED, 0.5) == Wait(5.25)

    board.failed(board.health(seats[0]), 1.0, fault(Kind.PROVIDER_KEY))

    assert plan.waited(5.25) == GiveUp(LIMITED)


def test_no_target_at_all_is_an_error_of_the_config() -> None:
    step = Plan((), Retry(), Board(), 0.0).first(0.0, 0.5)

    assert isinstance(step, GiveUp)
    assert step.error.kind is Kind.CONFIG


def test_a_caller_that_left_too_early_is_no_fault() -> None:
    board = Board()
    gone = GatewayError(Kind.TIMEOUT, "the caller would not wait", source="client")

    for _ in range(20):
        Story(chain("a/m@1"), board, Retry(attempts=1)).tells({"a/m@1": [gone]})

    assert board.standing(seat("a/m@1"), 1000.0) == "ready"
