"""The way through the tree: rules, models within models, fallbacks, sessions that stay, who is in trouble, and what is told of it."""

# ruff: noqa: E501 (a config in one line is read at a glance)
from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from route_stand import House, ids

from dragoman.routing.affinity import Sessions, Sitting
from dragoman.routing.ask import Told
from dragoman.routing.decision import explain, told
from dragoman.routing.route import Router
from effort import tries

# ---- rules ---------------------------------------------------------------------------------------------------------------

RULES = """
  m:
    targets: [loc/own]
    rules:
      - {name: titles, when: {kind: title}, use: loc/small}
      - {when: {effort: high, tools: true}, use: strong}
      - {name: pics, when: {modalities: [image]}, use: [loc/eyes, {model: one/eyes, weight: 9}]}
    fallbacks: [loc/last]
  strong: {targets: [loc/s], rules: [{name: big, when: {tokens_over: 1000}, use: loc/huge}], fallbacks: [loc/s2]}
"""


def test_the_first_rule_that_holds_is_taken_else_the_models_own_targets() -> None:
    house = House(RULES)

    own = house.route("m")
    titles = house.route("m", kinds=("title",), effort="high", tools=1)

    assert (ids(own), own.rule) == (["loc/own", "loc/last"], "")
    assert own.passed == (("titles", "kind"), ("rule-2", "tools"), ("pics", "modalities"))
    assert (ids(titles), titles.rule, titles.passed) == (["loc/small", "loc/last"], "titles", ())


def test_a_rule_that_names_a_model_takes_its_rules_and_fallbacks_too() -> None:
    house = House(RULES)

    small = house.route("m", effort="high", tools=1)
    huge = house.route("m", effort="high", tools=1, tokens=2000)

    assert (ids(small), small.rule) == (["loc/s", "loc/s2", "loc/last"], "rule-2")
    assert (ids(huge), huge.rule) == (["loc/huge", "loc/s2", "loc/last"], "rule-2 > big")


def test_a_rule_may_have_a_strategy_of_its_own() -> None:
    house = House("  m: {targets: [loc/a], rules: [{when: {tools: true}, strategy: priority, use: [{model: loc/b, priority: 2}, loc/c]}]}")

    assert {tuple(ids(house.route("m", tools=1, draw=draw / 9))) for draw in range(9)} == {("loc/c", "loc/b")}


def test_the_asked_name_is_what_a_glob_was_asked_for() -> None:
    house = House('  "gpt-*": {targets: ["loc/*"], rules: [{when: {model: "*-mini"}, use: "one/*"}], fallbacks: ["two/*"]}')

    assert ids(house.route("gpt-9"))[0] == "loc/gpt-9"
    assert ids(house.route("gpt-9-mini"))[0] == "one/gpt-9-mini@key-1"
    assert {seat.deployment for seat in house.route("gpt-9").chain[1:]} == {"two/gpt-9"}


# ---- models within models ------------------------------------------------------------------------------------------------


def test_a_model_within_keeps_its_own_strategy() -> None:
    house = House(
        "  m: {strategy: priority, targets: [{model: in, priority: 1}, {model: loc/z, priority: 2}]}\n"
        "  in: {strategy: least-busy, targets: [loc/a, loc/b]}"
    )
    busy = house.route("m").chain[0]
    house.board.enter(house.board.health(busy), house.now)

    found = house.route("m")

    assert (found.chain[0] != busy, found.chain[1] == busy, ids(found)[2]) == (True, True, "loc/z")
    assert found.strategy == "priority"


def test_what_a_target_changes_holds_for_all_targets_within() -> None:
    house = House(
        "  m: {targets: [{model: in, params: {a: 1}, headers: {X-A: b, x-c: null}, first_token_s: 3, fall_back_on: [418],"
        " deadlines: {idle_s: 5}}, loc/z]}\n"
        "  in: {strategy: priority, targets: [{model: loc/a, params: {a: 2, b: 3}, fall_back_on: [409], deadlines: {idle_s: 7, connect_s: 1}},"
        " {model: loc/b, priority: 2}]}"
    )

    target = next(seat.target for seat in house.route("m").chain if seat.model == "a")

    assert target.params == {"a": 1, "b": 3}
    assert {name: value and value.reveal() for name, value in target.headers.items()} == {"x-a": "b", "x-c": None}
    assert (target.first_token_s, target.fall_back_on) == (3.0, {409, 418})
    assert (target.deadlines.idle_s, target.deadlines.connect_s) == (5.0, 1.0)


def test_targets_that_differ_in_anything_have_ids_that_differ_and_tell_no_secret() -> None:
    house = House(
        "  m: {targets: [loc/a, {model: loc/a, headers: {x: one-two}}, {model: loc/a, headers: {x: three}}, {model: loc/a, first_token_s: 2}]}\n"
        "  n: {targets: [{model: loc/a, headers: {x: four}}, loc/b]}"
    )

    names = [seat.target.id for name in ("m", "n") for seat in house.route(name).chain]

    assert len(set(names)) == 6
    assert "one-two" not in " ".join(names)


def test_what_is_found_within_a_model_is_told_only_where_it_comes_first() -> None:
    models = "  m: {strategy: priority, targets: [{model: in, priority: P}, {model: loc/z, priority: 2}]}\n  in: {targets: [loc/a], rules: [{name: r, when: {tools: true}, use: loc/b}]}"

    assert House(models.replace("P", "1")).route("m", tools=1).rule == "r"
    assert House(models.replace("P", "3")).route("m", tools=1).rule == ""


# ---- fallbacks -----------------------------------------------------------------------------------------------------------


def test_fallbacks_come_after_all_targets_in_their_order_and_each_seat_once() -> None:
    house = House("  m: {targets: [loc/a, loc/b], fallbacks: [in, loc/c, loc/a]}\n  in: {targets: [loc/d, loc/b]}", more="")

    found = house.route("m")

    assert set(ids(found)[:2]) == {"loc/a", "loc/b"}
    assert ids(found)[2:] == ["loc/d", "loc/c"]
    assert [place.reason for place in found.places][2:] == ["fallback: weight 1", "fallback"]


def test_fallbacks_of_a_fallback_are_not_followed() -> None:
    house = House(
        "  m: {targets: [loc/a], fallbacks: [n]}\n  n: {targets: [loc/b], fallbacks: [m, loc/x]}\n"
        "  o: {targets: [loc/c], fallbacks: [p]}\n  p: {targets: [o, in]}\n  in: {targets: [loc/d], fallbacks: [o]}"
    )

    assert ids(house.route("m")) == ["loc/a", "loc/b"]
    assert ids(house.route("n")) == ["loc/b", "loc/a", "loc/x"]
    assert ids(house.route("o")) == ["loc/c", "loc/d"]
    assert set(ids(house.route("p"))) == {"loc/c", "loc/d"}
    assert ids(house.route("m", extra=("n",))) == ["loc/a", "loc/b"]


def test_what_the_client_wants_tried_comes_last() -> None:
    house = House("  m: loc/a\n  n: {targets: [loc/b]}")

    found = house.route("m", extra=("n", "loc/a", "one/x"))

    assert ids(found) == ["loc/a", "loc/b", "one/x@key-1"]
    assert found.places[1].reason == "wanted by the client: the only target"


# ---- the short way -------------------------------------------------------------------------------------------------------


def test_where_nothing_is_to_be_decided_the_decision_is_ready_and_nothing_is_remembered() -> None:
    house = House("  m: loc/a\n  n: {targets: [m]}")

    found = house.route("m", session="s")
    house.answer(found, tokens=10, response="r")

    assert found is house.route("m") is house.resolver.resolve("m").only
    assert ids(house.route("n")) == ["loc/a"]
    assert len(house.router.sessions) == 0


DRAWN = {
    "two": "{targets: [{model: loc/a, weight: 80}, {model: loc/b, weight: 20}]}",
    "many": "{targets: [one/x, {model: loc/x, weight: 3}, loc/b, {model: loc/c, weight: 7}], fallbacks: [loc/b, f, one/y, g]}",
    "one": "{targets: [loc/a], fallbacks: [loc/a, one/y]}",
    "ranked": "{strategy: priority, targets: [{model: loc/a, priority: 2}, loc/b, {model: one/x, weight: 2}, {model: loc/x, priority: 2}]}",
    "alone": "{targets: [loc/a, loc/b], affinity: {on: false}, rescue: true}",
}


@settings(max_examples=tries(150))
@given(
    name=st.sampled_from(sorted(DRAWN)),
    draw=st.floats(0, 1, exclude_max=True),
    session=st.none() | st.text(max_size=3),
    answered=st.none() | st.integers(0, 5),
    troubled=st.none() | st.integers(0, 5),
    previous=st.none() | st.just("r"),
)
def test_a_model_that_only_draws_decides_as_a_walk_would(
    name: str, draw: float, session: str | None, answered: int | None, troubled: int | None, previous: str | None
) -> None:
    house = House(
        "\n".join(f"  {one}: {model}" for one, model in DRAWN.items()) + "\n  f: {targets: [loc/f], fallbacks: [many]}\n  g: loc/g"
    )
    model = house.resolver.resolve(name)
    began = house.route(name, draw=0.3, session=session)
    if answered is not None:
        house.answer(began, answered % len(began.chain), tokens=3, response="r")
    if troubled is not None:
        house.limit(began.chain[troubled % len(began.chain)], 30)

    found = house.route(name, draw=draw, session=session, previous=previous)
    ask = Told(model=name, session=session, session_from="the agent's session" if session is not None else "", previous=previous)
    walked = house.router.route(msgspec.structs.replace(model, draw=None), ask, house.board, house.now, draw)

    assert model.draw is not None
    assert found == walked


def test_decisions_of_a_draw_are_made_once() -> None:
    house = House("  m: {targets: [loc/a, loc/b, loc/c]}")

    assert house.route("m", draw=0.1) is house.route("m", draw=0.11)
    assert house.route("m", draw=0.1) is not house.route("m", draw=0.9)


OTHERS = (
    "  m: {targets: [two/a, loc/b]}",
    "  m: {strategy: usage, targets: [loc/a, loc/b]}",
    "  m: {targets: [loc/a, loc/b], rules: [{when: {tools: true}, use: loc/c}]}",
    "  m: {targets: [loc/a, loc/b], fallbacks: [two/c]}",
    "  m: {targets: [loc/a, n]}\n  n: {strategy: latency, targets: [loc/c, loc/d]}",
)


@pytest.mark.parametrize("models", OTHERS)
def test_where_more_is_to_be_decided_the_tree_is_walked(models: str) -> None:
    assert House(models).resolver.resolve("m").draw is None


def test_every_model_has_its_settings_with_its_decision() -> None:
    house = House(
        "  m: {targets: [loc/a], retry: {attempts: 9}, rescue: true}\n  n: {targets: [loc/a, loc/b], retry: {backoff_s: 2}}",
        more="routing: {retry: {total_s: 50}}",
    )

    m, n = house.route("m"), house.route("n")

    assert (m.retry.attempts, m.retry.total_s, m.rescue) == (9, 50.0, True)
    assert (n.retry.attempts, n.retry.backoff_s, n.retry.total_s, n.rescue) == (4, 2.0, 50.0, False)


# ---- sessions ------------------------------------------------------------------------------------------------------------

POOL = "  m: {targets: [one/a, two/a, loc/b]}"


def test_a_session_stays_where_it_was_answered_though_its_first_choice_is_well_again() -> None:
    house = House(POOL)
    began = house.route("m", session="s")
    house.answer(began, 2)

    later = house.route("m", session="s")

    assert (later.chain[0], later.sticky, later.session) == (began.chain[2], True, "the agent's session")
    assert later.places[0].reason == "the session sits here"


def test_a_session_leaves_a_seat_in_trouble_and_says_why() -> None:
    house = House(POOL)
    seat = house.answer(house.route("m", session="s"))
    house.limit(seat, 30)

    moved = house.route("m", session="s")
    house.answer(moved)

    assert moved.chain[0] != seat and moved.chain[-1] == seat
    assert (moved.sticky, moved.moved) == (False, f"`{seat.id}` is resting for 30 s: rate_limited: slow down")
    house.now += 31
    assert house.route("m", session="s").chain[0] == moved.chain[0]


def test_a_session_is_forgotten_after_its_lifetime() -> None:
    house = House(POOL.replace("}", ", affinity: {lifetime_s: 60}}"))
    began = house.route("m", session="s")
    house.answer(began, 2)

    house.now += 59
    assert house.route("m", session="s").sticky
    house.now += 2
    assert not house.route("m", session="s").sticky


def test_without_affinity_each_request_is_drawn_anew() -> None:
    house = House(POOL.replace("}", ", affinity: {on: false}}"))
    house.answer(house.route("m", session="s"))

    assert len({house.route("m", session="s", draw=draw / 20).chain[0].id for draw in range(20)}) == 4
    assert len(house.router.sessions) == 0


def test_a_session_that_sits_at_what_is_no_target_any_more_says_so() -> None:
    before, after = House(POOL), House("  m: {targets: [one/x, loc/y]}")
    house = after
    house.router.sessions = before.router.sessions
    seat = before.answer(before.route("m", session="s"))

    assert house.route("m", session="s").moved == f"`{seat.id}` is no target any more"


def test_rules_of_one_model_have_seats_of_their_own_for_a_session() -> None:
    house = House("  m: {targets: [loc/a, loc/b], rules: [{when: {kind: title}, use: [loc/a, loc/c]}]}")
    turn = house.answer(house.route("m", session="s"))
    title = house.answer(house.route("m", session="s", kinds=("title",)))

    assert house.route("m", session="s").chain[0] == turn
    assert house.route("m", session="s", kinds=("title",)).chain[0] == title


def test_a_response_that_its_provider_keeps_is_gone_on_from_only_there() -> None:
    house = House(POOL)
    seat = house.answer(house.route("m", session="s"), 1, response="resp_1")
    house.limit(seat, 600)

    found = house.route("m", session="another", previous="resp_1")

    assert found.chain[0] == seat
    assert {one.deployment for one in found.chain} == {seat.deployment}
    assert found.places[0].reason == "keeps the response that this one goes on from"
    assert len(house.route("m", previous="resp_unknown").chain) == 4


def test_of_a_lone_seat_only_those_sessions_are_remembered_whose_thoughts_it_refused() -> None:
    house = House("  m: one/big\n  free: {targets: [one/big], affinity: {on: false}}")
    plain = house.route("m", session="s")
    for name in ("m", "free"):
        house.router.keep_lone(house.resolver.resolve(name), "s", house.now)
    house.router.keep_lone(house.resolver.resolve("m"), None, house.now)

    refused, other, free = house.route("m", session="s"), house.route("m", session="t"), house.route("free", session="s")
    with_more = house.route("m", session="s", extra=("loc/last",))
    house.now += 3601.0
    later = house.route("m", session="s")

    assert [(one.mixed, one.seat_key is not None, ids(one)) for one in (plain, refused, other, free, later)] == [
        (False, False, ["one/big@key-1"]),
        (True, True, ["one/big@key-1"]),
        (False, False, ["one/big@key-1"]),
        (False, False, ["one/big@key-1"]),
        (False, False, ["one/big@key-1"]),
    ]
    assert (with_more.mixed, with_more.seat_key) == (True, refused.seat_key)


def test_the_memory_of_sessions_is_bounded_and_forgets_the_one_that_was_silent_longest() -> None:
    sessions = Sessions(2)
    for number, key in enumerate((b"a", b"b", b"a", b"c")):
        sessions.keep(key, Sitting("x", float(number)))

    assert (len(sessions), sessions.find(b"b", 4, 60), sessions.find(b"a", 4, 60)) == (2, None, Sitting("x", 2.0))


def test_a_new_router_goes_on_with_the_sessions_that_it_is_given_even_if_there_are_none_yet() -> None:
    sessions = Sessions()

    assert Router(sessions).sessions is sessions


TROUBLE = st.sampled_from(["limit", "break", "time", "elsewhere"])


@given(
    st.sampled_from(["weighted", "priority", "latency", "least-busy", "usage"]),
    st.lists(st.tuples(st.integers(0, 3), TROUBLE, st.floats(0, 1, exclude_max=True)), max_size=25),
)
def test_a_session_is_kept_while_its_seat_is_well_whatever_happens_elsewhere(strategy: str, story: list[tuple[int, str, float]]) -> None:
    house = House(f"  m: {{strategy: {strategy}, targets: [one/a, two/a, loc/b]}}")
    seat = house.answer(house.route("m", session="s"))
    for number, event, draw in story:
        other = sorted(house.route("m").chain, key=lambda one: one.id)[number]
        if other != seat and event == "limit":
            house.limit(other, 5)
        elif other != seat and event == "break":
            house.break_(other)
        elif event == "elsewhere":
            house.board.spoke(house.board.health(other), house.now, draw)
        else:
            house.now += 10
        found = house.route("m", session="s", draw=draw)
        assert (found.chain[0], found.moved) == (seat, "")
        assert sorted(found.chain, key=lambda one: one.id) == sorted(house.route("m").chain, key=lambda one: one.id)
        house.answer(found)


# ---- trouble and telling -------------------------------------------------------------------------------------------------


def test_who_is_in_trouble_goes_last_the_worst_at_the_very_end() -> None:
    house = House(
        "  m: {strategy: priority, targets: [{model: loc/a, priority: 1}, {model: loc/b, priority: 2}, {model: loc/c, priority: 3}]}"
    )
    a, b, _ = house.route("m").chain
    house.limit(a, 10)
    house.break_(b)

    found = house.route("m")

    assert ids(found) == ["loc/c", "loc/b", "loc/a"]
    assert [place.standing for place in found.places] == ["ready", "open", "resting"]
    assert found.places[2].trouble == "resting for 10 s: rate_limited: slow down"


def test_a_decision_is_told_in_a_block_that_people_can_read() -> None:
    house = House(RULES)
    a = house.route("m", kinds=("title",)).chain[0]
    house.limit(a, 10)

    found = house.route("m", modalities=frozenset({"text", "image"}), session="s")

    assert explain(house.route("m", kinds=("title",))).splitlines() == [
        "m (virtual model, rule `titles`, weighted)",
        "  1. loc/last   fallback",
        "  2. loc/small  the only target; resting for 10 s: rate_limited: slow down",
    ]
    assert explain(found).splitlines()[:4] == [
        "m (virtual model, rule `pics`, weighted)",
        "  rule `titles` does not hold: kind",
        "  rule `rule-2` does not hold: tools",
        "  session by the agent's session, new here",
    ]


def test_a_decision_is_told_as_json_without_what_is_empty() -> None:
    house = House("  m: {targets: [loc/a], fallbacks: [{F}]}".replace("{F}", "one/b"))

    said = told(house.route("m"))

    assert msgspec.json.decode(msgspec.json.encode(said)) == {
        "model": "m",
        "found": "virtual model",
        "strategy": "weighted",
        "places": [{"seat": "loc/a", "why": "the only target"}, {"seat": "one/b@key-1", "why": "fallback"}],
    }


def test_rules_that_can_never_be_taken_are_told_with_every_decision() -> None:
    house = House("  m: {targets: [loc/a], rules: [{when: {}, use: loc/b}, {name: late, when: {tools: true}, use: loc/c}]}")

    assert house.route("m").never == ("rule `late` is never taken: `rule-1` before it takes everything that it would",)


def test_what_has_no_key_that_may_be_used_is_told_as_an_empty_chain() -> None:
    house = House("  m: loc/a")

    assert explain(house.route("tri/claude-x")).splitlines()[-1] == "  nothing may be asked: no key of its providers may be used for it"
