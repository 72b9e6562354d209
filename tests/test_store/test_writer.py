"""What is written to a database, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Table, func, select

from dragoman.store import tables
from dragoman.store.batch import Batch, Old
from dragoman.store.clean import cleaned
from dragoman.store.faults import RowRefused, StoreAway
from dragoman.store.open import Store, open_store
from dragoman.store.queries import tries_of
from dragoman.store.writer import RESULTS, columns

EXCHANGE = {"client": "ada", "stream": True, "status": 200, "attempts": 1, "tool_calls": 0, "total_s": 1.5, "bytes_in": 1, "bytes_out": 2}


def row(table: Table, **given: Any) -> tuple[Any, ...]:
    return tuple(given.get(name) for name in columns(table))


def exchange(name: str, **given: Any) -> tuple[Any, ...]:
    return row(tables.exchanges, **{**EXCHANGE, "id": name, "began_at": 1.0, "bodies": "none", **given})


def hour(**given: Any) -> tuple[Any, ...]:
    names = dict.fromkeys(tables.DIMENSIONS, "") | {"hour": 7} | dict.fromkeys(tables.SUMS + tables.SUMS_S, 0)
    return row(tables.usage_hours, **{**names, **given})


def times(total_s: str, first_token_s: str | None, part: int = 0) -> tuple[Any, ...]:
    given = dict.fromkeys(tables.DIMENSIONS, "") | {"hour": 7, "part": part, "total_s": total_s, "first_token_s": first_token_s}
    return row(tables.usage_times, **given)


def all_of(store: Store, table: Table) -> Sequence[Any]:
    with store.reader() as connection:
        return connection.execute(select(table).order_by(*table.primary_key.columns)).mappings().all()


def test_every_value_comes_back_as_it_was_given(url: str) -> None:
    store = open_store(url)
    given = exchange("a", message="naïve 🦊 \\N \t\n\"'", usage_extra='{"a": 1}', cost_pico=2**62, first_token_s=0.1, session="s")

    store.writer().write(Batch("w", 1, 1.0, exchanges=[given]))

    assert tuple(all_of(store, tables.exchanges)[0].values()) == given


@pytest.mark.parametrize("count", [1, 33, 100])
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after it waited on disk"])
def test_columns_of_exchanges_come_back_and_in_those_that_are_not_there_nobody_has_a_value(url: str, count: int, waits: bool) -> None:
    store = open_store(url)
    rows = [exchange(f"{number:03}", message=f"m{number}" if number % 3 else None, cost_pico=number) for number in range(count)]
    given = dict(zip(columns(tables.exchanges), zip(*rows, strict=True), strict=True))
    batch = Batch("w", 1, 1.0, columns={name: column for name, column in given.items() if any(value is not None for value in column)})

    store.writer().write(msgspec.msgpack.decode(msgspec.msgpack.encode(batch), type=Batch) if waits else batch)

    assert batch.count == count
    assert [tuple(each.values()) for each in all_of(store, tables.exchanges)] == rows


def test_times_are_put_behind_those_of_the_same_hour(url: str) -> None:
    store = open_store(url)
    batches = (
        [times("0000000a", None)],
        [times("0000000b0000000c", "00000001")],
        [times("0000000d", None), times("0000000e", "00000002", 1)],
    )

    for number, rows in enumerate(batches, 1):
        store.writer().write(Batch("w", number, 1.0, usage_times=rows))

    told = [(each["part"], each["total_s"], each["first_token_s"]) for each in all_of(store, tables.usage_times)]
    assert told == [(0, "0000000a0000000b0000000c0000000d", "00000001"), (1, "0000000e", "00000002")]


def test_of_many_rows_those_that_are_the_same_but_for_one_are_told_apart(url: str) -> None:
    store = open_store(url)
    rows = [
        exchange(f"{number:03}", message="said" if number < 99 else "done", error="cut" if number == 50 else None) for number in range(100)
    ]
    tried = [row(tables.attempts, exchange_id="a", number=number, provider="p", model="m", began_s=0.0) for number in range(70)]

    store.writer().write(Batch("w", 1, 1.0, exchanges=rows, attempts=tried))
    store.writer().write(Batch("w", 2, 1.0, exchanges=[rows[0]] * 80))

    assert [tuple(each.values()) for each in all_of(store, tables.exchanges)] == rows
    assert [tuple(each.values()) for each in all_of(store, tables.attempts)] == tried


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40, 63, 64, 105])
@pytest.mark.parametrize("some", [0, 1, 3], ids=["nobody", "everybody", "somebody"])
def test_rows_are_there_as_they_were_written_whoever_has_a_value(url: str, count: int, some: int) -> None:
    store = open_store(url)
    told = [f"m{number}" if some and number % some == 0 else None for number in range(count)]
    rows = [exchange(f"{number:03}", message=said, session=said and "s") for number, said in enumerate(told)]

    store.writer().write(Batch("w", 1, 1.0, exchanges=rows))

    assert [tuple(each.values()) for each in all_of(store, tables.exchanges)] == rows


def test_batch_that_is_written_twice_counts_once(url: str) -> None:
    store, batch = open_store(url), Batch("w", 1, 1.0, exchanges=[exchange("a")], usage_hours=[hour(exchanges=1, cost_pico=5)])
    store.writer().write(batch)

    store.writer().write(batch)

    assert [(each["exchanges"], each["cost_pico"]) for each in all_of(store, tables.usage_hours)] == [(1, 5)]


def test_sums_of_batches_add_up_and_names_of_later_ones_stay(url: str) -> None:
    store = open_store(url)
    zeros = {column.name: 0 for column in tables.sessions.columns if column.server_default is not None}
    first = row(
        tables.sessions, **{**zeros, "id": "s", "agent": "codex", "first_at": 5.0, "last_at": 6.0, "exchanges": 2, "last_turn": "1"}
    )
    later = row(tables.sessions, **{**zeros, "id": "s", "client": "ada", "first_at": 4.0, "last_at": 5.5, "exchanges": 3, "last_turn": "2"})

    for number, sessions in enumerate((first, later), 1):
        store.writer().write(Batch("w", number, 1.0, sessions=[sessions], usage_hours=[hour(exchanges=number, total_s=0.5)]))

    (session,) = all_of(store, tables.sessions)
    assert {name: session[name] for name in ("agent", "client", "first_at", "last_at", "exchanges", "last_turn")} == {
        "agent": "codex", "client": "ada", "first_at": 4.0, "last_at": 6.0, "exchanges": 5, "last_turn": "2",
    }  # fmt: skip
    assert [(each["exchanges"], each["total_s"]) for each in all_of(store, tables.usage_hours)] == [(3, 1.0)]


def test_result_of_a_tool_is_told_with_its_call_in_the_same_session_only(url: str) -> None:
    store = open_store(url)
    calls = [row(tables.tools, exchange_id=name, call_id="c", began_at=1.0, session=name, name="shell") for name in ("a", "b")]
    store.writer().write(Batch("w", 1, 1.0, tools=calls))

    store.writer().write(Batch("w", 2, 1.0, results=[("x", True, 900, 300, "c", "b")]))

    found = [(each["exchange_id"], each["result_exchange_id"], each["result_tokens"]) for each in all_of(store, tables.tools)]
    assert found == [("a", None, None), ("b", "x", 300)]


def test_nothing_of_a_batch_is_there_if_a_row_is_refused(url: str) -> None:
    store = open_store(url)

    with pytest.raises(RowRefused):
        store.writer().write(Batch("w", 1, 1.0, exchanges=[exchange("a")], usage_hours=[hour(client="\ud800")]))

    assert all_of(store, tables.exchanges) == []


def test_a_row_that_lacks_what_it_must_have_takes_nothing_of_its_batch_along_and_the_next_one_is_written(url: str) -> None:
    store = open_store(url)
    writer, good = store.writer(), [exchange(f"{number:03}", message=f"m{number}") for number in range(70)]
    writer.write(Batch("w", 1, 1.0, exchanges=good[:1], usage_hours=[hour(exchanges=1)]))

    with pytest.raises(RowRefused):
        writer.write(Batch("w", 2, 1.0, exchanges=[*good, exchange("bad", client=None)], usage_hours=[hour(exchanges=70)]))
    with pytest.raises(RowRefused):
        writer.write(Batch("w", 2, 1.0, exchanges=good, usage_hours=[hour(exchanges=70), hour(exchanges=None)]))
    kept = len(all_of(store, tables.exchanges)), [each["exchanges"] for each in all_of(store, tables.usage_hours)]
    writer.write(Batch("w", 2, 1.0, exchanges=good, usage_hours=[hour(exchanges=69)]))

    assert kept == (1, [1])
    assert [tuple(each.values()) for each in all_of(store, tables.exchanges)] == good
    assert [each["exchanges"] for each in all_of(store, tables.usage_hours)] == [70]


def test_letters_that_are_none_are_replaced_when_rows_are_cleaned(url: str) -> None:
    store = open_store(url)

    odd, plain = (
        exchange("a", message="a\ud800b\x00c", input_tokens=2**70),
        dict(zip(columns(tables.exchanges), exchange("b"), strict=True)),
    )
    told = {name: [value] for name, value in {**plain, "message": "\x00", "input_tokens": -(2**70)}.items()}

    for batch in (Batch("w", 1, 1.0, exchanges=[odd]), Batch("w", 2, 1.0, columns=told)):
        store.writer().write(cleaned(batch))

    said = [(each["message"], each["input_tokens"]) for each in all_of(store, tables.exchanges)]
    assert said == [("a?b\ufffdc", 2**63 - 1), ("\ufffd", -(2**63 - 1))]


def test_batches_can_wait_as_bytes(url: str) -> None:
    store, batch = open_store(url), Batch("w", 1, 1.0, exchanges=[exchange("a")], blobs=[(b"h" * 16, 1, 2, b"\x00\xff")])

    store.writer().write(msgspec.msgpack.decode(msgspec.msgpack.encode(batch), type=Batch))

    assert [(bytes(each["hash"]), bytes(each["data"])) for each in all_of(store, tables.blobs)] == [(b"h" * 16, b"\x00\xff")]


def test_rows_that_an_earlier_release_let_wait_have_nothing_in_later_columns(url: str) -> None:
    store = open_store(url)
    tried = [row(tables.attempts, exchange_id=name, number=1, provider="p", model="m", began_s=0.5) for name in "ab"]
    batch = Batch("w", 1, 1.0, exchanges=[exchange(name)[:-1] for name in "ab"], attempts=tried)

    store.writer().write(msgspec.msgpack.decode(msgspec.msgpack.encode(batch), type=Batch))

    with store.reader() as connection:
        assert [(each["exchange_id"], each["began_s"]) for each in tries_of(connection, ["a", "b"])] == [("a", 0.5), ("b", 0.5)]


def test_a_result_is_looked_for_by_its_call(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/journal.db")

    with store.reader() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {RESULTS.format('?')}", (None,) * 6).all()

    assert [each[-1] for each in plan] == ["SEARCH dragoman_tools USING INDEX dragoman_tools_call (session=? AND call_id=?)"]


def test_piece_that_is_used_again_lives_as_long_as_its_last_use(url: str) -> None:
    store, old = open_store(url), [(b"h" * 16, 1, 2, b"x"), (b"i" * 16, 1, 2, b"y")]
    store.writer().write(Batch("w", 1, 1.0, blobs=old))
    store.writer().write(Batch("w", 2, 1.0, blobs=[(b"h" * 16, 9, 2, b"x")]))

    store.writer().sweep(Old(0.0, 5), 100)

    assert [(bytes(each["hash"]), each["epoch"]) for each in all_of(store, tables.blobs)] == [(b"h" * 16, 9)]


def test_sweep_deletes_what_is_old_with_all_that_belongs_to_it_and_keeps_the_sums(url: str) -> None:
    store = open_store(url)
    names = [("a", 1.0), ("b", 100.0)]
    store.writer().write(
        Batch(
            "w",
            1,
            1.0,
            exchanges=[exchange(name, began_at=at) for name, at in names],
            attempts=[row(tables.attempts, exchange_id=name, number=1, provider="p", model="m", began_s=0.1) for name, _ in names],
            tools=[row(tables.tools, exchange_id=name, call_id="c", began_at=at, name="t") for name, at in names],
            usage_hours=[hour(exchanges=2)],
        )
    )
    writer = store.writer()

    while writer.sweep(Old(50.0, 0), 1):
        pass

    kept = {table.name: len(all_of(store, table)) for table in (tables.exchanges, tables.attempts, tables.tools, tables.usage_hours)}
    assert set(kept.values()) == {1}
    assert all_of(store, tables.exchanges)[0]["id"] == "b"


def test_many_writers_at_once_lose_nothing(url: str) -> None:
    store = open_store(url)
    writers = [store.writer() for _ in range(3)]

    for number in range(1, 5):
        for name, writer in enumerate(writers):
            rows = [hour(exchanges=1, model=model) for model in ("b", "a")]
            writer.write(Batch(f"w{name}", number, 1.0, exchanges=[exchange(f"{name}-{number}")], usage_hours=rows))

    with store.reader() as connection:
        assert connection.execute(select(func.sum(tables.usage_hours.c.exchanges))).scalar() == 24


def test_database_file_that_was_taken_away_is_told_and_not_made_anew(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/journal.db")
    for path in tmp_path.iterdir():
        path.unlink()

    with pytest.raises(StoreAway):
        store.writer()

    assert list(tmp_path.iterdir()) == []
