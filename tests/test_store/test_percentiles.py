"""Percentiles of many times, and exchanges of people who ask seldom: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Record
from dragoman.observe.journal import Journal
from dragoman.observe.journal_sums import Parts
from dragoman.store.filter import Cursor, Filter
from dragoman.store.open import Store, open_store
from dragoman.store.places import Grouping
from dragoman.store.queries import page
from dragoman.store.queries_times import QUANTILES, percentiles, ranked

HOUR = 3600
AT = 500_000 * HOUR


def kept(url: str, folder: Path, records: Iterable[Record]) -> Store:
    journal = Journal(lambda: open_store(url), Settings(flush_s=0.01, queue=10_000), folder)
    journal.start()
    for each in records:
        journal.put(each)
    journal.close_now(60)
    assert journal.stats().lost == 0
    return open_store(url)


def told(values: list[float]) -> dict[str, Any]:
    values = sorted(values)
    names = [f"p{round(q * 100)}" for q in QUANTILES]
    return {**{name: values[-int(-q * len(values) // 1) - 1] for name, q in zip(names, QUANTILES, strict=True)}, "count": len(values)}


@given(st.randoms(use_true_random=False), st.sampled_from([1, 2, 100, 20_001, 30_000]), st.sampled_from([1, 3, 1000, 2**32 - 1]))
def test_ranks_are_those_of_all_values_in_their_order(dice: random.Random, count: int, most: int) -> None:
    values = [dice.randint(0, most) if number % 3 else most // 2 for number in range(count)]
    if dice.random() < 0.5:
        values.sort()

    assert ranked(values) == told([value / 100_000 for value in values])


@pytest.mark.parametrize("since_s", [None, -7 * HOUR, -6.6 * HOUR, -1800.0])
@pytest.mark.parametrize("until_s", [None, -HOUR, -1700.0])
def test_percentiles_of_hours_and_of_parts_of_them_are_those_of_their_exchanges(
    url: str, since_s: float | None, until_s: float | None, tmp_path: Path
) -> None:
    dice = random.Random(3)
    records = [
        Record(
            f"ex_{number:04}", AT - 30.0 * number, client=f"c{number % 3}", model=f"m{number % 2}",
            error="cut" if number % 7 == 0 else None,
            total_s=dice.randrange(1, 10**6) / 1e5, first_token_s=None if number % 4 == 0 else dice.randrange(10**5) / 1e5,
        )
        for number in range(1000)
    ]  # fmt: skip
    wanted = Filter(None if since_s is None else AT + since_s, None if until_s is None else AT + until_s, {"client": ("c0", "c1")})

    groups = [(model, outcome) for model in ("m0", "m1") for outcome in ("ok", "cut")]
    with kept(url, tmp_path / "spool", records).reader() as connection:
        found = {
            measure: percentiles(connection, wanted, Grouping(("model", "outcome")), measure, groups)
            for measure in ("total_s", "first_token_s")
        }

    meant = [
        each
        for each in records
        if each.client != "c2" and (wanted.since or 0) <= each.began_at and (wanted.until is None or each.began_at < wanted.until)
    ]
    assert found == {
        measure: {
            group: told(values)
            for group in groups
            if (
                values := [
                    value for each in meant if (each.model, each.error or "ok") == group and (value := getattr(each, measure)) is not None
                ]
            )
        }
        for measure in ("total_s", "first_token_s")
    }


def test_times_that_no_clock_tells_lose_nothing(url: str, tmp_path: Path) -> None:
    records = [Record("ex_1", AT, total_s=10.0**12), Record("ex_2", AT, total_s=-1.0)]

    with kept(url, tmp_path / "spool", records).reader() as connection:
        found = percentiles(connection, Filter(), Grouping(), "total_s", [()])

    assert found == {(): {"p50": 0.0, "p90": 42949.67295, "p95": 42949.67295, "p99": 42949.67295, "count": 2}}


def test_an_hour_of_many_exchanges_stands_in_several_rows() -> None:
    parts = Parts()

    assert [parts.next(("a",), count) for count in (500, 499, 500, 10, 3000, 1)] == [0, 0, 0, 1, 1, 4]
    assert parts.next(("b",), 1) == 0


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(equal={"user": ("nobody",)}), []),
        (Filter(equal={"user": ("eve",)}), [3, 400, 401, 800]),
        (Filter(equal={"user": ("eve",), "team": ("red",)}), [400, 800]),
        (Filter(equal={"user": ("eve",)}, since=AT - 400.5 * HOUR, until=AT - 10.0 * HOUR), [400]),
        (Filter(equal={"user": ("eve",)}, within={"total_s": (2.0, None)}), [401]),
        (Filter(equal={"user": ("eve",), "model": ("m",)}), [3, 400, 401, 800]),
        (Filter(equal={"user": ("ada",)}), list(range(803))),
    ],
)
def test_who_asks_seldom_is_found_wherever_it_was(url: str, wanted: Filter, numbers: list[int], tmp_path: Path) -> None:
    eves = {3: "blue", 400: "red", 401: None, 800: "red"}
    records = [
        Record(f"ex_{number:04}", AT - HOUR * number, user="ada", model="m", client="a") for number in range(803) if number not in eves
    ]
    records += [
        Record(f"ex_{number:04}", AT - HOUR * number, user="eve", team=team, model="m", total_s=3.0 if number == 401 else 1.0)
        for number, team in eves.items()
    ]
    numbers = [number for number in numbers if wanted.equal["user"] == ("eve",) or number not in eves]

    with kept(url, tmp_path / "spool", records).reader() as connection:
        found, after = [], None
        while some := page(connection, wanted, 2 if len(numbers) < 10 else 300, after):
            found += [row["id"] for row in some]
            after = Cursor(some[-1]["began_at"], some[-1]["id"])

    assert found == [f"ex_{number:04}" for number in numbers]
