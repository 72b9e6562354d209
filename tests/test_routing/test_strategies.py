"""The strategies: what each looks at, and the shares that come of it."""

from __future__ import annotations

import random
from collections import Counter
from math import sqrt

import pytest
from route_stand import Flat, House, first, ids

from dragoman.routing.ask import Told
from dragoman.routing.decision import Decision, explain, told
from dragoman.routing.ratelimits import Limit, Limits
from dragoman.routing.score import score, tier_of
from dragoman.routing.walk import Judgement


def within(seen: int, share: float, draws: int) -> bool:
    """Five standard deviations."""
    return abs(seen - share * draws) <= 5 * sqrt(draws * share * (1 - share))


# ---- weighted and priority -----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_weights_of_targets_and_of_keys_are_both_respected() -> None:
    house = House("  m: {targets: [{model: one/a, weight: 1}, {model: two/a, weight: 4}]}")
    source = random.Random(5)

    seen = Counter(house.route("m", draw=source.random()).chain[0].id for _ in range(20_000))

    assert within(seen["one/a@key-1"], 0.2, 20_000)
    assert within(seen["two/a@east"], 0.8 * 0.25, 20_000)
    assert within(seen["two/a@west"], 0.8 * 0.75, 20_000)


@pytest.mark.long
def test_sessions_are_shared_by_weight_and_stay_whatever_is_drawn() -> None:
    house = House("  m: {targets: [{model: one/a, weight: 1}, {model: two/a, weight: 4}]}")

    seen = Counter(house.route("m", session=f"s{number}", draw=0.9).chain[0].id for number in range(10_000))

    assert within(seen["one/a@key-1"], 0.2, 10_000)
    assert within(seen["two/a@west"], 0.6, 10_000)
    assert len({tuple(ids(house.route("m", session="x", draw=draw / 50))) for draw in range(50)}) == 1


def test_the_other_key_comes_next_then_the_same_model_elsewhere_then_other_models() -> None:
    house = House("  m: {targets: [{model: two/gpt-5, weight: 1000}, {model: loc/x, weight: 10}, {model: one/gpt-5, weight: 1}]}")

    for draw in range(20):
        found = ids(house.route("m", draw=draw / 25))
        assert {*found[:2]} == {"two/gpt-5@east", "two/gpt-5@west"}
        assert found[2:] == ["one/gpt-5@key-1", "loc/x"]


def test_a_key_gets_fewer_new_sessions_as_its_limit_is_used_up() -> None:
    house = House("  m: two/a")
    east, west = sorted(house.route("m").chain, key=lambda seat: seat.key)
    house.board.limited(house.board.health(west), Limits((Limit("requests", 100.0, 1.0, house.now + 60),)), house.now)
    source = random.Random(1)

    seen = Counter(house.route("m", draw=source.random()).chain[0].key for _ in range(2000))

    assert seen[east.key] > 0.8 * 2000


def test_priority_takes_the_lowest_number_and_shares_equal_ones_by_weight() -> None:
    house = House(
        "  m: {strategy: priority, targets: [{model: loc/c, priority: 2}, {model: one/a, weight: 3}, {model: two/b, key: east, weight: 1}]}"
    )
    source = random.Random(3)

    seen = Counter(tuple(ids(house.route("m", draw=source.random()))) for _ in range(4000))

    assert set(seen) == {("one/a@key-1", "two/b@east", "loc/c"), ("two/b@east", "one/a@key-1", "loc/c")}
    assert within(seen["one/a@key-1", "two/b@east", "loc/c"], 0.75, 4000)


def test_a_key_is_not_used_for_models_that_it_is_not_for() -> None:
    house = House("  m: {targets: [tri/gpt-5, two/x]}")

    assert {seat.id for seat in house.route("m").chain} == {"tri/gpt-5@key-1", "two/x@east", "two/x@west"}
    assert house.route("tri/claude").chain == ()


# ---- latency -------------------------------------------------------------------------------------------------------------

FAST = "  m: {strategy: latency, targets: [loc/a, loc/b, loc/c]}"


def measure(house: House, name: str, first_token_s: float, token_s: float = 0.0) -> None:
    seat = next(seat for seat in house.route("m").chain if seat.model == name)
    house.board.spoke(house.board.health(seat), house.now, first_token_s)
    house.board.answered(house.board.health(seat), house.now, token_s=token_s)


def test_the_fastest_is_first_by_first_token_and_length_of_the_answer() -> None:
    house = House(FAST)
    for name, first_token_s, token_s in (("a", 0.2, 0.05), ("b", 1.0, 0.01), ("c", 9.0, 0.1)):
        measure(house, name, first_token_s, token_s)

    assert first(house.route("m", output_tokens=10)) == "loc/a"
    assert [place.reason for place in house.route("m", output_tokens=500).places] == ["about 6.00 s", "about 25.20 s", "about 59.00 s"]


def test_an_unmeasured_target_gets_a_few_requests_and_then_waits_for_its_measure() -> None:
    house = House(FAST)
    measure(house, "a", 1.0)
    measure(house, "b", 2.0)
    tried = 0
    while first(house.route("m")) == "loc/c":
        house.board.enter(house.board.health(house.route("m").chain[0]), house.now)
        tried += 1

    assert tried == 3
    assert first(house.route("m")) == "loc/a"


@pytest.mark.long
def test_a_small_share_of_requests_sees_how_fast_the_others_are() -> None:
    house = House(FAST)
    for name, seconds in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        measure(house, name, seconds)
    source = random.Random(11)

    seen = Counter(first(house.route("m", draw=source.random())) for _ in range(10_000))

    assert within(seen["loc/a"], 0.97, 10_000)
    assert within(seen["loc/b"], 0.015, 10_000)
    assert within(seen["loc/c"], 0.015, 10_000)


def test_those_alike_share_by_weight() -> None:
    house = House(FAST)
    for name, seconds in (("a", 1.0), ("b", 1.05), ("c", 3.0)):
        measure(house, name, seconds)
    source = random.Random(2)

    seen = Counter(first(house.route("m", draw=source.random())) for _ in range(4000))

    assert abs(seen["loc/a"] - seen["loc/b"]) < 400


def test_the_fastest_key_of_a_target_is_first() -> None:
    house = House("  m: {strategy: latency, targets: [two/a, loc/b]}")
    for seat in house.route("m").chain:
        house.board.spoke(house.board.health(seat), house.now, {"east": 3.0, "west": 1.0, "": 2.0}[seat.key])

    assert ids(house.route("m")) == ["two/a@west", "two/a@east", "loc/b"]


# ---- load ----------------------------------------------------------------------------------------------------------------


def test_least_busy_looks_at_what_runs_for_each_weight() -> None:
    house = House("  m: {strategy: least-busy, targets: [{model: loc/a, weight: 1}, {model: loc/b, weight: 3}]}")
    seen: Counter[str] = Counter()
    for number in range(400):
        seat = house.route("m", draw=number / 400).chain[0]
        house.board.enter(house.board.health(seat), house.now)
        seen[seat.model] += 1

    assert seen == {"a": 100, "b": 300}


def test_usage_looks_at_the_tokens_of_the_last_minute() -> None:
    house = House("  m: {strategy: usage, targets: [loc/a, loc/b]}")
    a, b = sorted(house.route("m").chain, key=lambda seat: seat.model)
    house.board.answered(house.board.health(a), house.now, tokens=5000)
    house.board.answered(house.board.health(b), house.now, tokens=100)

    assert [place.reason for place in house.route("m").places] == [
        "100 tokens of the last minute for each weight",
        "5000 tokens of the last minute for each weight",
    ]
    house.now += 180
    house.board.answered(house.board.health(b), house.now, tokens=1)
    assert first(house.route("m")) == "loc/a"


# ---- price ---------------------------------------------------------------------------------------------------------------

PRICES = {"one/a": Flat(2e-6, 2e-7), "loc/b": Flat(1e-6, 1e-6)}
CHEAP = "  m: {strategy: cheapest, targets: [one/a, loc/b, loc/unknown]}"


def test_a_session_stays_where_no_price_is_known_and_a_target_has_no_key_for_the_model() -> None:
    house = House('  "x-*": {strategy: cheapest, targets: [tri/*, one/*]}')

    decisions: list[Decision] = []
    for session in map(str, range(20)):
        house.answer(house.route("x-claude", session=session))
        decisions.append(house.route("x-claude", session=session))

    assert [(ids(decision), decision.sticky) for decision in decisions] == [(["one/x-claude@key-1"], True)] * 20


def test_the_cheapest_is_first_and_an_unknown_price_last() -> None:
    house = House(CHEAP, prices=PRICES)

    assert [place.reason for place in house.route("m", tokens=1000).places] == ["about $0.001000", "about $0.002000", "price unknown"]


def test_a_warm_cache_keeps_a_session_where_it_is_cheaper_to_go_on() -> None:
    house = House(CHEAP, prices={"loc/b": Flat(1e-6, 1e-6), "one/a": Flat(9e-7, 9e-8)})
    house.answer(house.route("m", session="s", tokens=10_000), tokens=10_000)
    house.prices = PRICES

    found = house.route("m", session="s", tokens=11_000)

    assert (first(found), found.sticky, found.moved) == ("one/a", True, "")
    assert found.places[0].reason == "about $0.004000, 10000 tokens of it in its warm cache"
    assert first(house.route("m", session="another", tokens=11_000)) == "loc/b"


def test_a_session_moves_where_that_is_cheaper_in_spite_of_its_cache_and_says_so() -> None:
    house = House(CHEAP, prices={"loc/b": Flat(1e-6, 1e-6), "one/a": Flat(9e-7, 9e-8)})
    house.answer(house.route("m", session="s", tokens=100), tokens=100)
    house.prices = PRICES

    found = house.route("m", session="s", tokens=11_000)

    assert (first(found), found.sticky) == ("loc/b", False)
    assert found.moved == "`loc/b` costs about $0.011000, `one/a@key-1` with its warm cache $0.021820"


def test_a_session_does_not_move_for_a_trifle() -> None:
    house = House(CHEAP, prices={"loc/b": Flat(1e-6, 1e-6), "one/a": Flat(9e-7, 9e-7)})
    house.answer(house.route("m", session="s", tokens=10))
    house.prices["one/a"] = Flat(1.05e-6, 1.05e-6)

    assert first(house.route("m", session="s", tokens=1000)) == "one/a"
    assert first(house.route("m", session="t", tokens=1000)) == "loc/b"


# ---- tiers ---------------------------------------------------------------------------------------------------------------

TIERS = """
  m:
    strategy: tiered
    tiers: {order: [small, middle, large], thresholds: [0.3, 0.6]}
    targets: [{model: loc/s, tier: small}, {model: loc/m, tier: middle}, {model: loc/l, tier: large}]
"""


def test_a_harder_request_goes_to_a_stronger_tier_then_up_then_down() -> None:
    house = House(TIERS)

    assert ids(house.route("m")) == ["loc/s", "loc/m", "loc/l"]
    assert ids(house.route("m", tokens=12_000, tools=10)) == ["loc/m", "loc/l", "loc/s"]
    assert ids(house.route("m", tokens=90_000, tools=10, effort="high")) == ["loc/l", "loc/m", "loc/s"]
    assert house.route("m", tokens=4000, tools=5).tier_why == "score 0.29 = size +0.12 tools +0.07 effort +0.10"


def test_a_tier_is_told_by_its_name_whatever_letters_that_has() -> None:
    tiers = 'order: ["{x}", "a}b"]'
    targets = '[{model: loc/s, tier: "{x}"}, {model: loc/l, tier: "a}b"}]'

    found = House(f"  m: {{strategy: tiered, tiers: {{{tiers}}}, targets: {targets}}}").route("m")

    assert [place.reason for place in found.places] == ["tier `{x}`, weight 1", "tier `a}b`, weight 1"]


@pytest.mark.parametrize(
    ("ask", "total"),
    [
        (Told(), 0.1),
        *[(Told(effort=word), value) for word, value in {"none": 0.0, "minimal": 0.0, "low": 0.05, "medium": 0.15, "high": 0.35}.items()],
        *[(Told(effort=word), value) for word, value in {"xhigh": 0.45, "max": 0.45, "unheard-of": 0.1}.items()],
        (Told(tokens=64_000, effort="none"), 0.35),
        (Told(tokens=10**9, tools=100, effort="max", kinds=("review", "subagent"), modalities=frozenset({"text", "image"})), 1.0),
        (Told(kinds=("title",), tools=50, tokens=30_000), 0.0),
        (Told(kinds=("review", "subagent")), 0.35),
    ],
)
def test_scores_are_sums_within_bounds(ask: Told, total: float) -> None:
    assert score(ask).total == pytest.approx(total)


def test_a_score_at_a_threshold_is_past_it() -> None:
    assert [tier_of(total, ("a", "b"), (0.5,)) for total in (0.0, 0.49, 0.5, 1.0)] == ["a", "a", "b", "b"]


def test_a_session_keeps_the_tier_that_it_has_come_to_but_titles_are_taken_by_themselves() -> None:
    house = House(TIERS)
    house.answer(house.route("m", session="s", tokens=90_000, tools=10, effort="high"))

    later = house.route("m", session="s", kinds=("turn",))

    assert (first(later), later.sticky) == ("loc/l", True)
    assert later.tier_why.startswith("the session has come to it before; score 0.10")
    assert first(house.route("m", session="s", kinds=("title",))) == "loc/s"
    assert first(house.route("m", session="other")) == "loc/s"


JUDGED = TIERS.replace("0.6]", "0.6], classifier: {model: loc/tiny, timeout_s: 1, prompt: 'How hard?'}")


def test_a_classifier_is_asked_once_for_a_session_and_its_word_counts() -> None:
    house = House(JUDGED)
    asked = house.route("m", session="s")
    assert asked.classifier is not None
    assert (asked.classifier.model, asked.classifier.timeout_s, asked.classifier.prompt) == ("loc/tiny", 1.0, "How hard?")
    assert asked.classifier.tiers == ("small", "middle", "large")
    assert "  classifier `loc/tiny` is asked first, which may take another tier" in explain(asked).splitlines()
    assert (told(asked)["classifier"], "classifier" in told(house.route("m", judgement=Judgement("large", "it said so")))) == (
        "loc/tiny",
        False,
    )

    judged = house.route("m", session="s", judgement=Judgement("large", "`loc/tiny` said `large`"))
    house.answer(judged)

    assert (first(judged), judged.tier, judged.classifier) == ("loc/l", "large", None)
    assert judged.tier_why == "`loc/tiny` said `large`; score 0.10 = effort +0.10"
    later = house.route("m", session="s")
    assert (first(later), later.classifier) == ("loc/l", None)


def test_without_a_verdict_the_score_decides_for_the_session() -> None:
    house = House(JUDGED)

    unheard = house.route("m", session="s", judgement=Judgement(None, "`loc/tiny` took more than 1 s"))
    house.answer(unheard)

    assert (first(unheard), unheard.tier_why) == ("loc/s", "`loc/tiny` took more than 1 s; score 0.10 = effort +0.10")
    assert house.route("m", session="s").classifier is None
    assert house.route("m", session="another", kinds=("title",)).classifier is None
    assert house.route("m").classifier is not None
