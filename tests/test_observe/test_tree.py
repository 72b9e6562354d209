"""The tree of a session: what stands where, and that the sums of each level are those of its parts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dragoman.observe.tree import Session, Sums, grow, sums_of

COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_pico", "tool_calls")
ADDED = ("exchanges", "failed", "attempts", "unpriced", *COUNTS)


def session(name: str, parent: str | None = None) -> dict[str, Any]:
    return {"id": name, "parent": parent}


def exchange(number: int, name: str = "s", turn: str | None = "t", **more: Any) -> dict[str, Any]:
    row = {"id": f"ex_{number:04}", "session": name, "turn": turn, "began_at": float(number), "total_s": 0.5, "own_s": 0.25}
    return {**row, "error": None, "attempts": 1, **dict.fromkeys(COUNTS, 1), **more}


def attempt(number: int, of: int = 1) -> dict[str, Any]:
    return {"exchange_id": f"ex_{number:04}", "number": of, "provider": "p"}


def test_exchanges_stand_in_their_turns_and_attempts_in_their_exchanges() -> None:
    rows = [exchange(1, turn="a"), exchange(2, turn="b"), exchange(3, turn="a"), exchange(4, turn=None), exchange(5, turn=None)]

    tree = grow([session("s")], rows, [attempt(1), attempt(1, 2), attempt(3)])

    assert [(turn.id, [row["id"] for row in turn.exchanges]) for turn in tree.turns] == [
        ("a", ["ex_0001", "ex_0003"]),
        ("b", ["ex_0002"]),
        (None, ["ex_0004"]),
        (None, ["ex_0005"]),
    ]
    assert [row["tries"] for row in tree.turns[0].exchanges] == [
        [{"number": 1, "provider": "p"}, {"number": 2, "provider": "p"}],
        [{"number": 1, "provider": "p"}],
    ]


def test_sub_agents_stand_beneath_and_add_to_the_whole() -> None:
    rows = [exchange(1), exchange(2, "child"), exchange(3, "grandchild", error="cut", cost_pico=None)]

    tree = grow([session("s"), session("child", "s"), session("grandchild", "child")], rows, [])

    assert [agent.id for agent in tree.agents] == ["child"]
    assert [agent.id for agent in tree.agents[0].agents] == ["grandchild"]
    assert (tree.own.exchanges, tree.sums.exchanges, tree.sums.failed, tree.sums.unpriced) == (1, 3, 1, 1)
    assert (tree.sums.first_at, tree.sums.last_at) == (1.0, 3.5)


def test_a_family_that_goes_in_a_circle_is_gone_through_once() -> None:
    tree = grow([session("s", "child"), session("child", "s")], [exchange(1), exchange(2, "child")], [])

    assert tree.sums.exchanges == 2


def test_the_share_of_cached_input_is_of_all_input() -> None:
    assert Sums(input_tokens=200, cache_read_tokens=50).cache_hit_rate == 0.25
    assert Sums().cache_hit_rate is None


counts = st.integers(0, 10**15)
exchanges = st.builds(
    lambda name, turn, given, error, own: {
        "session": name,
        "turn": turn,
        **dict(zip(COUNTS, given, strict=True)),
        "error": error,
        "own_s": own,
    },
    st.sampled_from("sab"),
    st.sampled_from(["t1", "t2", None]),
    st.tuples(*[st.none() | counts for _ in COUNTS[:-1]], counts),
    st.sampled_from([None, "cut"]),
    st.none() | st.floats(0, 10),
)


@given(st.lists(exchanges, max_size=30), st.sampled_from(["s", "a"]))
def test_sums_of_each_level_are_those_of_its_parts(given_rows: list[dict[str, Any]], parent: str) -> None:
    rows = [{**exchange(number), **row} for number, row in enumerate(given_rows)]

    tree = grow([session("s"), session("a", "s"), session("b", parent)], rows, [])

    adds_up(tree)
    assert sum(1 for _ in walked(tree)) == len(rows)
    assert [getattr(tree.sums, name) for name in ADDED] == [sum(getattr(sums_of(row), name) for row in rows) for name in ADDED]


def adds_up(tree: Session) -> None:
    for turn in tree.turns:
        assert [getattr(turn.sums, name) for name in ADDED] == [
            sum(getattr(sums_of(row), name) for row in turn.exchanges) for name in ADDED
        ]
    assert [getattr(tree.own, name) for name in ADDED] == [sum(getattr(turn.sums, name) for turn in tree.turns) for name in ADDED]
    parts = [tree.own, *(agent.sums for agent in tree.agents)]
    assert [getattr(tree.sums, name) for name in ADDED] == [sum(getattr(part, name) for part in parts) for name in ADDED]
    for agent in tree.agents:
        adds_up(agent)


def walked(tree: Session) -> Any:
    for turn in tree.turns:
        yield from turn.exchanges
    for agent in tree.agents:
        yield from walked(agent)
