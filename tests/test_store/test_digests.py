"""Digests: what is asked is answered the same with them, without them, and while they are being made."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dragoman.app.asking import Asking
from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal
from dragoman.store.batch import Old
from dragoman.store.digest import digest
from dragoman.store.open import open_store
from dragoman.store.queries_usage import BY, MEASURES

HOUR = 3600
AT = 1_795_000_000.0 - 1_795_000_000.0 % HOUR + 1234.5


def record(number: int, dice: random.Random) -> Record:
    """One of many kinds, some of them seldom."""
    some = dice.choice
    tried = Attempt("up", "m", 0.0, some(["k1", "k2"]), 0.1, 0.4, 1.0, 200, usage=Usage(100, 10))
    return Record(
        f"ex_{number:04}", AT - 97.0 * number, client=some(["ada", "bob"]), team=some([None, "red"]), user=some([None, "ada@x"]),
        agent=some([None, "codex"]), agent_version=some([None, "1"]), session=some([None, "s1", "s2"]), turn=some([None, "t1", "t2"]),
        parent_session=some([None, "s1"]), run="r1" if number == 77 else None, kind=some([None, "title"]),
        lane=some(["relay", "translate"]),
        dialect=some(["chat", "messages"]), asked=some(["fast", "slow"]), routed=some(["m", "n"]),
        rule="rare" if number in (3, 210) else None,
        provider=some([None, "up"]), model=some([None, "m", "n"]), status=some([200, 429, 499]), stop_reason=some([None, "stop"]),
        error=some([None, None, "cut", "client_gone"]), address=some(["::1", "10.0.0.1"]), answered=some([None, "m-1"]),
        usage=some([None, Usage(dice.randrange(1000), dice.randrange(100), 5)]), attempts=some([[], [tried]]),
        total_s=dice.randrange(10**6) / 1e5, first_token_s=some([None, 0.25, 0.5]), own_s=dice.randrange(100) / 1e5,
        bytes_in=dice.randrange(1000), bytes_out=dice.randrange(1000),
    )  # fmt: skip


def kept(path: Path, count: int) -> None:
    """A database of as many exchanges, of which none is in a digest."""
    dice = random.Random(5)
    journal = Journal(lambda: open_store(f"sqlite:///{path}"), Settings(flush_s=0.01), path.parent / "spool")
    journal.start()
    for number in range(count):
        journal.put(record(number, dice))
    journal.close_now(60)


def sum_up(path: Path, most: int) -> int:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return digest(connection, most, least=1)


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def known(path: Path) -> list[int]:
    """How many exchanges there are, and how many are in digests."""
    with closing(sqlite3.connect(path)) as connection:
        return [
            connection.execute(statement).fetchone()[0] or 0
            for statement in ("SELECT count(*) FROM dragoman_exchanges", "SELECT sum(exchanges) FROM dragoman_digests")
        ]


TIMES: list[dict[str, str]] = [{}, {"since": "350m", "until": "100m"}, {"since": "20m", "until": "10m"}]
FILTERS: list[dict[str, str]] = [
    {}, {"rule": "rare"}, {"lane": "relay", "model": "m"}, {"status": "4xx"}, {"status": "failed", "kind": "title"}, {"session": "s1"},
    {"error": "cut,client_gone", "asked": "fast"}, {"answered": "m-1", "min_total_s": "5"}, {"turn": "t1", "lane": "relay"}, {"run": "r1"},
    {"rule": "nobody"}, {"team": "red", "routed": "n"}, {"parent": "s1", "status": "ok"},
]  # fmt: skip
EVERY = [
    *[{"by": name, **when} for name in BY for when in TIMES[:2]],
    *[{"by": "session", "period": "hour", **when, **where} for where in FILTERS for when in TIMES],
    *[{"by": "rule,lane", "percentiles": measure, **when} for measure in MEASURES for when in (*TIMES, {"lane": "relay"})],
    {"period": "day", "utc_offset_s": "5400", "by": "lane"},
    {"period": "week", "utc_offset_s": "7200", "by": "status"},
]


def asked(path: Path, questions: Sequence[dict[str, str]]) -> list[Any]:
    """What is used, and which exchanges there are; times rounded: sums of fractions come to others in another order."""
    store = open_store(f"sqlite:///{path}")
    asking = Asking(lambda: store, clock=lambda: AT + 1)

    async def answers() -> list[Any]:
        pages = [await asking.exchanges({**where, **when, "limit": "300"}) for where in FILTERS for when in TIMES[:2]]
        used = [await asking.usage(each) for each in questions]
        return [*map(_rounded, used), *[[row["id"] for row in page["exchanges"]] for page in pages]]

    found = asyncio.run(answers())
    asking.close()
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value


def test_answers_are_the_same_with_digests_without_them_and_in_between(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    kept(path, 300)
    answers = asked(path, EVERY)

    for count in (70, 70, 1000):
        assert sum_up(path, count) == min(count, 160)
        assert asked(path, EVERY) == answers
    assert known(path) == [300, 300]
    assert sum_up(path, 10) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda path: run(path, "UPDATE dragoman_exchanges SET rowid = rowid + 1000"),
        lambda path: run(path, "DELETE FROM dragoman_exchanges WHERE rowid > 90"),
        lambda path: run(path, "UPDATE dragoman_exchanges SET id = 'another' WHERE rowid = 100"),
    ],
)
def test_digests_that_do_not_hold_any_more_are_made_anew(change: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    kept(path, 120)
    assert sum_up(path, 100) == 100
    change(path)

    questions = [{"by": "session"}, {"by": "lane", "since": "1h"}]
    answers = asked(path, questions)
    while sum_up(path, 50):
        assert asked(path, questions) == answers

    count, in_digests = known(path)
    assert in_digests == count


def test_digests_of_hours_that_have_had_their_time_go(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    kept(path, 120)
    sum_up(path, 120)
    writer = open_store(f"sqlite:///{path}").writer()
    while writer.sweep(Old(AT - 2 * HOUR, 0), 7):
        pass

    with closing(sqlite3.connect(path)) as connection:
        oldest = connection.execute("SELECT min(hour) FROM dragoman_digests").fetchone()[0]
    assert oldest == (AT - 2 * HOUR) // HOUR


def test_few_exchanges_are_not_worth_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    kept(path, 20)

    assert open_store(f"sqlite:///{path}").writer().digest(1000) == 0
    assert known(path) == [20, 0]
