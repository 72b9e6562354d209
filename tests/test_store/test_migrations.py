"""How the tables come to be: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import json
from sqlalchemy import create_engine, inspect, select, text

from dragoman.store.faults import StoreAway, StoreRefused
from dragoman.store.migrate import migrate
from dragoman.store.open import open_store
from dragoman.store.queries import tries_of
from dragoman.store.release import KNOWN, look
from dragoman.store.tables import metadata, usage_times
from dragoman.store.tries import Try


def run(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


_NO_DIGESTS = ("DROP TABLE dragoman_digests", "UPDATE dragoman_version SET version_num = '0003'")
_NO_TRIES = (
    *_NO_DIGESTS,
    "DROP INDEX dragoman_tools_call",
    "CREATE INDEX dragoman_tools_call ON dragoman_tools (call_id)",
    "CREATE INDEX dragoman_tools_session ON dragoman_tools (session)",
    "CREATE INDEX dragoman_tools_began ON dragoman_tools (began_at)",
    "ALTER TABLE dragoman_exchanges DROP COLUMN tries",
    "UPDATE dragoman_version SET version_num = '0002'",
)
_NO_TIMES = (*_NO_TRIES, "DROP TABLE dragoman_usage_times", "UPDATE dragoman_version SET version_num = '0001'")
"""What makes a database one of the step before."""


def tables(url: str) -> set[str]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = set(inspect(connection).get_table_names())
    engine.dispose()
    return found


def test_empty_database_gets_every_table_with_every_column(url: str) -> None:
    store = open_store(url)

    with store.reader() as connection:
        found = {name: {column["name"] for column in inspect(connection).get_columns(name)} for name in metadata.tables}

    assert found == {name: {column.name for column in table.columns} for name, table in metadata.tables.items()}


def test_indexes_are_those_that_the_tables_name(url: str) -> None:
    store = open_store(url)

    with store.reader() as connection:
        found = {index["name"] for name in metadata.tables for index in inspect(connection).get_indexes(name)}

    assert found == {index.name for table in metadata.tables.values() for index in table.indexes}


def test_database_that_is_up_to_date_is_left_alone(url: str) -> None:
    open_store(url)

    assert open_store(url).migrate() is False


def test_times_of_exchanges_that_were_there_before_are_found(url: str) -> None:
    open_store(url)
    run(
        url,
        *_NO_TIMES,
        *[
            "INSERT INTO dragoman_exchanges (id, began_at, client, model, error, total_s, first_token_s) VALUES"
            f" ('{number}', {7200 + 1800 * number}, 'ada', {model}, {error}, {total_s}, {first_s})"
            for number, (model, error, total_s, first_s) in enumerate(
                [("'m'", "NULL", 0.5, 0.25), ("'m'", "NULL", 1.00001, "NULL"), ("NULL", "'cut'", 90_000.0, "NULL")]
            )
        ],
    )

    store = open_store(url)

    with store.reader() as connection:
        found = connection.execute(select(usage_times).order_by(usage_times.c.hour)).all()
    assert [tuple(row) for row in found] == [
        (2, "ada", "", "", "", "m", "", "ok", 0, "0000c350000186a1", "000061a8"),
        (3, "ada", "", "", "", "", "", "cut", 0, "ffffffff", None),
    ]


def test_attempts_of_exchanges_that_were_there_before_are_told_as_those_of_later_ones(url: str) -> None:
    open_store(url)
    tried = (
        "(exchange_id, number, provider, model, provider_key, began_s, connected_s, first_byte_s, ended_s, status, error, input_tokens,"
        " output_tokens, cost_pico) VALUES ('{}', {}, 'p', 'm', 'k', 0.5, 0.75, NULL, 1.5, 200, NULL, 7, 8, 9)"
    )
    run(
        url,
        *_NO_TRIES,
        *[
            f"INSERT INTO dragoman_exchanges (id, began_at, attempts) VALUES ('{name}', 1.0, {count})"
            for name, count in (("a", 0), ("b", 2))
        ],
        *[f"INSERT INTO dragoman_attempts {tried.format('b', number)}" for number in (1, 2)],
    )

    store = open_store(url)
    later = (Try("p", "m", "k", 0.5, 0.75, None, 1.5, 200, None, 7, 8, 9),) * 2
    run(url, f"INSERT INTO dragoman_exchanges (id, began_at, attempts, tries) VALUES ('c', 1.0, 2, '{json.encode(later).decode()}')")

    with store.reader() as connection:
        told = {name: [list(each.items())[1:] for each in tries_of(connection, [name])] for name in "abc"}
    assert told["a"] == []
    assert told["b"] == told["c"]
    assert [dict(each)["number"] for each in told["c"]] == [1, 2]


def test_tables_of_others_are_not_touched(url: str) -> None:
    run(url, "CREATE TABLE orders (id integer)", "INSERT INTO orders VALUES (7)")

    store = open_store(url)

    with store.reader() as connection:
        assert connection.execute(text("SELECT id FROM orders")).all() == [(7,)]


def test_newer_release_is_refused_by_name_and_not_touched(url: str) -> None:
    open_store(url)
    run(url, "UPDATE dragoman_version SET version_num = '9999'")
    before = tables(url)

    with pytest.raises(
        StoreRefused, match=r"written by a newer release \(its tables are of version `9999`, this release knows up to `0004`\)"
    ):
        open_store(url)

    assert tables(url) == before


def test_every_step_of_the_migrations_is_known() -> None:
    folder = Path(migrate.__code__.co_filename).parent / "migrations" / "versions"

    assert list(KNOWN) == sorted(re.findall(r"v(\d{4})_", " ".join(path.name for path in folder.iterdir())))


def test_looking_refuses_what_opening_refuses_and_changes_nothing(tmp_path: Path) -> None:
    newer, strange, broken, fine, empty = (tmp_path / name for name in ("newer.db", "strange.db", "broken.db", "fine.db", "empty.db"))
    for path in (newer, fine):
        open_store(f"sqlite:///{path}").close()
    run(f"sqlite:///{newer}", "UPDATE dragoman_version SET version_num = '9999'")
    run(f"sqlite:///{strange}", "CREATE TABLE dragoman_meta (id integer)")
    run(f"sqlite:///{empty}", "CREATE TABLE orders (id integer)")
    broken.write_text("hello " * 1000)
    before = {path: path.read_bytes() for path in (newer, strange, broken, fine, empty)}

    told: dict[Path, str] = {}
    for path in (newer, strange, broken):
        with pytest.raises(StoreRefused) as looked:
            look(f"sqlite:///{path}")
        told[path] = str(looked.value)
    for path in (fine, empty, tmp_path / "not there.db"):
        look(f"sqlite:///{path}")

    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "not there.db").exists()
    for path, why in told.items():
        with pytest.raises(StoreRefused) as opened:
            open_store(f"sqlite:///{path}")
        assert str(opened.value) == why


def test_tables_named_like_ours_that_are_not_ours_are_refused(url: str) -> None:
    run(url, "CREATE TABLE dragoman_exchanges (id integer)")

    with pytest.raises(StoreRefused, match=r"`dragoman_exchanges`.*but no `dragoman_version`"):
        open_store(url)

    assert tables(url) == {"dragoman_exchanges"}


def test_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    # A name that the migration wants for an index is taken by a table of somebody else.
    run(url, "CREATE TABLE dragoman__x (id integer)", "ALTER TABLE dragoman__x RENAME TO stranger")
    run(url, "CREATE VIEW dragoman_meta AS SELECT 1 AS one")

    with pytest.raises((StoreRefused, StoreAway)):
        open_store(url)

    assert tables(url) == {"stranger"}


def test_gateways_that_start_at_once_migrate_once(url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(lambda _: open_store(url), range(4)))

    assert [store.migrate() for store in stores] == [False] * 4


def test_readers_cannot_write(url: str) -> None:
    store = open_store(url)

    with store.reader() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.execute(text("INSERT INTO dragoman_meta VALUES ('a', 'b')"))


def test_new_file_is_the_users_own(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/deep/er/journal.db")

    assert stat.S_IMODE((tmp_path / "deep/er/journal.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep/er").stat().st_mode) == 0o700


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_text("hello " * 1000)

    with pytest.raises(StoreRefused, match="is no SQLite database"):
        open_store(f"sqlite:///{tmp_path}/journal.db")


def test_a_place_that_is_taken_is_told_from_one_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(StoreRefused, match="cannot be opened for writing: Is a directory"):
        open_store(f"sqlite:///{tmp_path}/journal.db")
    with pytest.raises(StoreRefused, match="cannot be made: "):
        open_store(f"sqlite:///{tmp_path}/file/journal.db")


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "what", "sqlite://"])
def test_unknown_databases_are_refused_without_their_passwords(url: str) -> None:
    with pytest.raises(StoreRefused) as caught:
        open_store(url)

    assert "secret" not in str(caught.value)


def test_server_that_is_not_there_is_away(tmp_path: Path) -> None:
    with pytest.raises(StoreAway) as caught:
        open_store(f"postgresql://me:topsecret@/d?host={tmp_path}")

    assert "topsecret" not in str(caught.value)


def test_file_that_somebody_locks_is_away_and_not_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    writer = open_store(url).writer()
    holder = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    writer._connection.execute("PRAGMA busy_timeout = 1")  # type: ignore[attr-defined]

    with pytest.raises(StoreAway, match="locked"):
        writer.index(1)
