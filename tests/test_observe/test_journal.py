"""The journal loses nothing: not when the database goes, not when the queue is full, not when the process is killed."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from blank_database import Blank
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, func, select

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Attempt, Bodies, Record, ToolCall, ToolResult
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal, Priced
from dragoman.store import tables
from dragoman.store.batch import Batch
from dragoman.store.bodies import read_bodies
from dragoman.store.faults import RowRefused, StoreAway
from dragoman.store.open import Store, open_store
from dragoman.store.queries import tries_of
from effort import tries

QUICK = Settings(flush_s=0.01, search=False)


class Database:
    """A database that can be taken away."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_away = False
        self.breaks_after_commit = False

    def __call__(self) -> Store:
        if self.is_away:
            raise StoreAway("it was taken away")
        store = open_store(self.url)
        make = store.writer

        def writer() -> object:
            made = make()
            write = made.write

            def checked(batch: Batch) -> None:
                if self.is_away:
                    raise StoreAway("it was taken away")
                write(batch)
                if self.breaks_after_commit:
                    self.breaks_after_commit = False
                    raise StoreAway("the connection broke before it could say that all is written")

            made.write = checked  # type: ignore[method-assign]
            return made

        store.writer = writer  # type: ignore[method-assign]
        return store


def record(number: int, **given: object) -> Record:
    fields = {"client": "ada", "agent": "codex", "provider": "p", "model": "m", "status": 200, "total_s": 1.0, "bytes_out": 8}
    return Record(f"ex_{number:05}", 1000.0 + number, **{**fields, **given})  # type: ignore[arg-type]


def count(url: str, table: Table = tables.exchanges) -> int:
    with open_store(url).reader() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def written(url: str, records: list[Record], folder: Path, **given: object) -> Journal:
    journal = Journal(lambda: open_store(url), QUICK, folder, **given)  # type: ignore[arg-type]
    journal.start()
    for each in records:
        journal.put(each)
    journal.close_now(60)
    return journal


def until(is_so: Callable[[], bool]) -> None:
    """Waits, for as long as a test may take."""
    while not is_so():
        os.sched_yield()


def test_exchange_is_kept_with_all_that_belongs_to_it(url: str, tmp_path: Path) -> None:
    whole = record(
        1, session="s", turn="t", usage=Usage(10, 20, 5, None, 7, None, {"audio": 1}), warnings=[("seed", "not taken")], lane="relay",
        attempts=[
            Attempt("q", "n", 0.0, "k", 0.1, None, 0.2, 429, "rate_limit"),
            Attempt("p", "m", 0.25, "k", 0.5, 1.0, 2.0, 200, usage=Usage(10, 20)),
        ],
        calls=[ToolCall("c", "shell", "{}", "ls")], decision={"why": "x"}, bodies=Bodies("redacted", b"asked", [b"ans", b"wered"]),
    )  # fmt: skip

    written(
        url,
        [whole, record(2, session="s", results=[ToolResult("c", 900, True, 300)])],
        tmp_path / "spool",
        price=lambda _: Priced(7, {"input": 7}, (None, 7)),
    )

    with open_store(url).reader() as connection:
        row = connection.execute(select(tables.exchanges)).mappings().first()
        tried = tries_of(connection, ["ex_00001", "ex_00002"])
        tool = connection.execute(select(tables.tools)).mappings().one()
        bodies = {name: body.data for name, body in read_bodies(connection, "ex_00001").items()}
    assert row is not None
    told = {
        name: row[name]
        for name in ("input_tokens", "cache_write_tokens", "total_tokens", "usage_extra", "cost_pico", "cost_parts", "connect_s")
    }
    assert told == {
        "input_tokens": 10, "cache_write_tokens": None, "total_tokens": None, "usage_extra": '{"audio":1}', "cost_pico": 7,
        "cost_parts": '{"input":7}', "connect_s": 0.25,
    }  # fmt: skip
    assert (row["decision"], row["warnings"], row["bodies"], row["attempts"]) == ('{"why":"x"}', '[["seed","not taken"]]', "redacted", 2)
    assert [tuple(each.values()) for each in tried] == [
        ("ex_00001", 1, "q", "n", "k", 0.0, 0.1, None, 0.2, 429, "rate_limit", None, None, None),
        ("ex_00001", 2, "p", "m", "k", 0.25, 0.5, 1.0, 2.0, 200, None, 10, 20, 7),
    ]
    assert (tool["name"], tool["result_exchange_id"], tool["is_error"], tool["result_tokens"]) == ("shell", "ex_00002", True, 300)
    assert bodies == {"client_request": b"asked", "client_response": b"answered"}


def test_bodies_are_not_in_the_record_any_more(tmp_path: Path) -> None:
    kept = record(1, bodies=Bodies("redacted", b"x"))

    written(f"sqlite:///{tmp_path}/j.db", [kept], tmp_path / "spool")

    assert kept.bodies is None


def test_mode_none_keeps_no_body(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/j.db"

    written(url, [record(1, bodies=Bodies("none", b"x"))], tmp_path / "spool")

    assert (count(url), count(url, tables.bodies)) == (1, 0)


@pytest.mark.long
def test_what_comes_while_the_database_is_away_is_there_when_it_is_back(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/j.db")
    journal = Journal(database, QUICK, tmp_path / "spool")
    journal.start()
    journal.put(record(0, bodies=Bodies("redacted", b"0" * 20_000)))
    until(lambda: journal.stats().written == 1)

    database.is_away = True
    for number in range(1, 50):
        journal.put(record(number, session="s", bodies=Bodies("redacted", b'{"a":1},' * 3000 + b"%d" % number)))
    until(lambda: journal.stats().spooled_bytes > 0 and journal.stats().waiting == 0)
    trouble = journal.stats().trouble
    database.is_away = False
    until(lambda: journal.stats().written == 50)
    journal.close_now(60)

    with open_store(database.url).reader() as connection:
        bodies = [read_bodies(connection, f"ex_{number:05}")["client_request"].data for number in range(50)]
    assert bodies == [b"0" * 20_000] + [b'{"a":1},' * 3000 + b"%d" % number for number in range(1, 50)]
    assert (trouble, journal.stats().trouble, journal.stats().lost, list((tmp_path / "spool").iterdir())) == (
        "it was taken away",
        None,
        0,
        [],
    )


def test_cost_that_nobody_can_have_meant_is_not_summed_up_and_counts_as_not_known(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/j.db"

    written(
        url,
        [record(1, usage=Usage(1, 2)), record(2, usage=Usage(1, 2))],
        tmp_path / "spool",
        price=lambda each: Priced(10**30 if each.id == "ex_00001" else 7),
    )

    columns = tables.usage_hours.c
    with open_store(url).reader() as connection:
        sums = connection.execute(select(func.sum(columns.cost_pico), func.sum(columns.unpriced), func.sum(columns.exchanges))).one()
    assert tuple(sums) == (7, 1, 2)


@pytest.mark.parametrize("room", ["for little", "on a full disk"])
def test_bodies_are_left_out_before_an_exchange_is_lost_where_nothing_more_can_wait(tmp_path: Path, room: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/j.db")
    database.is_away = True
    settings = QUICK if room == "on a full disk" else msgspec.structs.replace(QUICK, spool_bytes=20_000)
    journal = Journal(database, settings, tmp_path / "spool")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if room == "on a full disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        journal.put(record(1, bodies=Bodies("redacted", os.urandom(30_000).hex().encode())))
        journal.put(record(2))
        journal.start()
        until(lambda: journal.stats().spooled_bytes > 0 and journal.stats().waiting == 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    database.is_away = False
    until(lambda: journal.stats().written == 2)
    journal.close_now(60)

    with open_store(database.url).reader() as connection:
        kept = connection.execute(select(tables.exchanges.c.id, tables.exchanges.c.bodies).order_by(tables.exchanges.c.id)).all()
    assert [tuple(row) for row in kept] == [("ex_00001", "dropped"), ("ex_00002", "none")]
    assert (journal.stats().dropped_bodies, journal.stats().lost) == (1, 0)


def test_batch_whose_outcome_nobody_heard_counts_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/j.db")
    database.breaks_after_commit = True
    journal = Journal(database, QUICK, tmp_path / "spool")
    journal.start()
    for number in range(10):
        journal.put(record(number))
    until(lambda: journal.stats().waiting == 0 and journal.stats().spooled_bytes == 0 and journal.stats().trouble is None)
    journal.close_now(60)

    with open_store(database.url).reader() as connection:
        assert connection.execute(select(func.sum(tables.usage_hours.c.exchanges))).scalar() == 10


def test_what_a_process_left_on_disk_is_written_by_the_next(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/j.db")
    database.is_away = True
    first = Journal(database, QUICK, tmp_path / "spool", clock=lambda: 1.0)
    first.start()
    first.put(record(1))
    first.close_now(60)

    written(database.url, [record(2)], tmp_path / "spool")

    assert count(database.url) == 2


def test_full_queue_lets_records_wait_on_disk_and_leaves_bodies_out(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/j.db"
    journal = Journal(lambda: open_store(url), msgspec.structs.replace(QUICK, queue=3), tmp_path / "spool")
    for number in range(10):
        journal.put(record(number, bodies=Bodies("redacted", b"x"), attempts=[Attempt("p", "m", 0.0)]))
    full = journal.stats()
    journal.start()
    journal.close_now(60)

    assert (full.waiting, full.spilled, full.dropped_bodies, full.lost) == (3, 7, 7, 0)
    with open_store(url).reader() as connection:
        tried = tries_of(connection, [f"ex_{number:05}" for number in range(10)])
    assert (count(url), len(tried), count(url, tables.bodies)) == (10, 10, 3)


def test_bodies_that_do_not_fit_are_left_out_and_counted_and_their_records_are_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/j.db"
    journal = Journal(lambda: open_store(url), msgspec.structs.replace(QUICK, queue_bytes=25_000), tmp_path / "spool")
    for number in range(10):
        journal.put(record(number, bodies=Bodies("redacted", b"x" * 8000)))
    journal.start()
    journal.close_now(60)

    with open_store(url).reader() as connection:
        words = connection.execute(select(tables.exchanges.c.bodies).order_by(tables.exchanges.c.id)).scalars().all()
    assert (words, journal.stats().dropped_bodies, journal.stats().waiting_bytes) == (["redacted"] * 2 + ["dropped"] * 8, 8, 0)


def test_record_that_no_database_takes_is_cleaned_and_kept(url: str, tmp_path: Path) -> None:
    written(url, [record(1, message="a\x00b\ud800", usage=Usage(2**80, 1)), record(2)], tmp_path / "spool")

    assert count(url) == 2


def test_half_a_letter_in_what_is_told_as_json_loses_nothing(url: str, tmp_path: Path) -> None:
    half = "\ud83d"
    odd = record(
        1, warnings=[("x", half)], decision={half: half}, attempts=[Attempt(half, "m", 0.0)], usage=Usage(1, 2, extra={half: 2**70})
    )

    journal = written(url, [odd, record(2)], tmp_path / "spool")

    with open_store(url).reader() as connection:
        tried = tries_of(connection, ["ex_00001"])
        row = connection.execute(select(tables.exchanges).order_by(tables.exchanges.c.id)).mappings().first()
    assert row is not None
    assert (journal.stats().written, journal.stats().lost) == (2, 0)
    assert [row[name] for name in ("warnings", "decision", "usage_extra")] == ['[["x","?"]]', '{"?":"?"}', f'{{"?":{2**63 - 1}}}']
    assert [each["provider"] for each in tried] == ["?"]


def test_a_fault_of_ours_costs_no_more_than_the_exchange_that_has_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = f"sqlite:///{tmp_path}/j.db"
    records = [record(number, session="s", asked="x" if number in (7, 23) else "xyz") for number in range(40)]
    for each in records:
        each.bodies = Bodies("redacted", b"x" * 20_000 + each.id.encode())

    journal = Journal(lambda: open_store(url), QUICK, tmp_path / "spool", price=lambda each: Priced(1 // (len(each.asked) - 1)))
    for each in records:
        journal.put(each)
    journal.start()
    journal.close_now(60)

    others = [each.id for each in records if each.asked != "x"]
    with open_store(url).reader() as connection:
        kept = {name: read_bodies(connection, name)["client_request"].data for name in others}
    assert kept == {name: b"x" * 20_000 + name.encode() for name in others}
    assert (count(url), journal.stats().written, journal.stats().lost) == (38, 38, 2)
    assert "the journal lost 2 exchanges that cannot be written; the first is `ex_00007`" in caplog.text


def test_rows_that_the_database_refuses_take_no_others_with_them(tmp_path: Path) -> None:
    class Choosy(Blank):
        names: tuple[str, ...] = ()

        def write(self, batch: Batch) -> None:
            if "ex_00003" in batch.columns["id"]:
                raise RowRefused("it is a three")
            self.names += tuple(batch.columns["id"])

    database = Choosy()
    journal = Journal(lambda: database, QUICK, tmp_path)
    for number in range(10):
        journal.put(record(number))
    journal.start()
    journal.close_now(60)

    assert database.names == tuple(f"ex_{number:05}" for number in range(10) if number != 3)
    assert (journal.stats().written, journal.stats().lost) == (9, 1)


def test_fault_of_ours_does_not_end_the_journal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(Blank):
        did = ""

        def digest(self, most: int) -> int:
            raise ValueError("a fault of ours")

        def index(self, most: int) -> int:
            self.did += "index "
            return 0

    database = Faulty()
    journal = Journal(lambda: database, msgspec.structs.replace(QUICK, search=True), tmp_path / "spool")
    journal.start()
    journal.put(record(1))
    until(lambda: bool(database.did))
    journal.put(record(2))
    journal.close_now(60)

    assert (journal.stats().written, journal.stats().lost) == (2, 0)
    assert caplog.text.count("a chore of the journal failed, its `sums`") == 1


@pytest.mark.parametrize("kept", [True, False])
def test_paths_are_kept_only_where_config_wants_them(tmp_path: Path, kept: bool) -> None:
    url = f"sqlite:///{tmp_path}/j.db"
    journal = Journal(lambda: open_store(url), msgspec.structs.replace(QUICK, paths=kept), tmp_path / "spool")
    journal.put(record(1, session="s", cwd="/home/ada/x", repo="x"))
    journal.start()
    journal.close_now(60)

    with open_store(url).reader() as connection:
        assert connection.execute(
            select(tables.exchanges.c.cwd, tables.sessions.c.cwd).join_from(
                tables.exchanges, tables.sessions, tables.exchanges.c.session == tables.sessions.c.id
            )
        ).one() == (("/home/ada/x",) * 2 if kept else (None, None))


NAMES = st.sampled_from(["a", "b"])
RECORDS = st.lists(
    st.builds(
        lambda client, model, session, turn, usage, error, tries: {
            "client": client, "model": model, "session": session, "turn": turn, "usage": usage, "error": error,
            "attempts": [Attempt("p", model, 0.0) for _ in range(tries)],
        },
        NAMES, NAMES, st.none() | NAMES, st.none() | NAMES, st.none() | st.builds(Usage, st.integers(0, 99), st.integers(0, 99), st.none() | st.integers(0, 9)),  # noqa: E501
        st.none() | st.just("timeout"), st.integers(0, 3),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=tries(25))
@given(batches=st.lists(RECORDS, min_size=1, max_size=3))
def test_sums_at_every_level_are_those_of_their_parts(
    batches: list[list[dict[str, object]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sums")
    url = f"sqlite:///{folder}/j.db"
    number = 0
    for batch in batches:
        made = [record(number := number + 1, **given) for given in batch]
        written(
            url,
            made,
            folder / "spool",
            price=lambda each: None if each.usage is None else Priced(each.usage.input_tokens * 3 + each.usage.output_tokens),
        )

    e, h, s = tables.exchanges.c, tables.usage_hours.c, tables.sessions.c
    sums = ("input_tokens", "output_tokens", "cache_read_tokens", "cost_pico", "attempts")
    with open_store(url).reader() as connection:
        of_exchanges = connection.execute(select(func.count(), *[func.coalesce(func.sum(e[name]), 0) for name in sums])).one()
        of_hours = connection.execute(select(*[func.coalesce(func.sum(h[name]), 0) for name in ("exchanges", *sums)])).one()
        in_sessions = connection.execute(
            select(e.session, func.count(), *[func.coalesce(func.sum(e[name]), 0) for name in sums])
            .where(e.session.is_not(None))
            .group_by(e.session)
        ).all()
        of_sessions = connection.execute(select(s.id, s.exchanges, *[s[name] for name in sums])).all()
        tried = len(tries_of(connection, [f"ex_{each:05}" for each in range(1, number + 1)]))
    assert tuple(of_exchanges) == tuple(of_hours)
    assert sorted(in_sessions) == sorted(of_sessions)
    assert tried == of_hours[-1]
