"""Writes to a SQLite file: WAL, so that readers never wait; one transaction for each batch."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Generator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, LargeBinary

from dragoman.store.batch import Batch, Column, Old
from dragoman.store.digest import digest
from dragoman.store.faults import RowRefused, StoreAway, StoreRefused
from dragoman.store.release import no_database
from dragoman.store.search import words_of, words_to_forget
from dragoman.store.writer import KEEP_INDEXED, KEEP_LAST, LAST, RESULTS, WRITTEN, columns_of, insert_into, sweeps

_BUSY_S = 5.0
_CHECKPOINT_PAGES = 4000
_ROWS = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
_AT_ONCE = 32
"""Rows of one statement. Each statement lets the interpreter go and has to wait for it again, beside a busy event loop."""


_MANY = 2 * _AT_ONCE
"""Of fewer rows nothing is looked for that is the same in all: they would want another statement each time."""
_NONE, _SAME, _OWN = range(3)
_INSERT = "INSERT OR ROLLBACK"
"""A row that is refused ends the whole transaction in any case: SQLite need not keep copies of pages by which to take back the statement
alone, a fifth of what it has to do (https://www.sqlite.org/tempfiles.html#statement_journal_files)."""
_TABLES = dict(WRITTEN)
_PLAIN: dict[type, Callable[[Any], Any]] = {LargeBinary: bytearray, Boolean: int}
"""What makes of the values of a column such that the driver takes as they are: of all but whole numbers, fractions, texts and bytearrays it
looks for an adapter first, and takes five times as long for that as for the rest."""
_MADE_PLAIN = {
    field: {column.name: _PLAIN[type(column.type)] for column in table.columns if type(column.type) in _PLAIN and not column.nullable}
    for field, table in WRITTEN
}
# Nothing stays nothing: an adapter that is there is found in half of the time that it takes to find none.
sqlite3.register_adapter(type(None), dict[None, None]().get)


@lru_cache(maxsize=256)
def _statement(field: str, same: tuple[str, ...], none: tuple[str, ...], own: tuple[str, ...], rows: int) -> str:
    """Puts so many rows into a table: columns that have the same in all of them, none that has a value, one of its own in each."""
    # Only what is handed over once has a number: the database looks for each number among all that were before.
    row = ", ".join([*[f"?{number}" for number in range(1, len(same) + 1)], *["NULL" for _ in none], *["?" for _ in own]])
    return insert_into(_TABLES[field], (*same, *none, *own), "VALUES " + ", ".join([f"({row})"] * rows), _INSERT)


def _insert(connection: sqlite3.Connection, field: str, columns: dict[str, Column]) -> None:
    """Put rows into a table. What none of them has is not handed over, and what is the same in all of them once for each statement: the
    driver takes longer for a value than the database does."""
    for name, plain in _MADE_PLAIN[field].items():
        columns = {**columns, name: tuple(map(plain, columns[name]))}
    kinds = {name: _kind(column) for name, column in columns.items()}
    if _OWN not in kinds.values():
        kinds[next(iter(columns))] = _OWN
    same, none, own = [tuple([name for name, kind in kinds.items() if kind == each]) for each in (_SAME, _NONE, _OWN)]
    once, values = [columns[name][0] for name in same], list(zip(*[columns[name] for name in own], strict=True))
    at, size = 0, _AT_ONCE
    while at < len(values):
        # Of the rest the half, and the half of that: so there are few statements, which need not be prepared anew each time.
        while size > len(values) - at:
            size //= 2
        connection.execute(_statement(field, same, none, own, size), [*once, *chain.from_iterable(values[at : at + size])])
        at += size


def _kind(column: Column) -> int:
    first = column[0]
    if first is None:
        return _NONE if column.count(None) == len(column) else _OWN
    is_same = len(column) >= _MANY and first == column[-1] and column.count(first) == len(column)
    return _SAME if is_same else _OWN


def prepare(path: Path) -> None:
    """Make the file (0600, in a folder of 0700) if it is not there, and set what must be set before its first table.

    Raises StoreRefused where that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.closing(sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        raise StoreAway(f"the database `{path}` cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise no_database(path, error) from error
    except OSError as error:
        what = "made" if not _is_there(path) else "opened for writing"
        raise StoreRefused(f"the database `{path}` cannot be {what}: {error.strerror}; name another `database`, or `none`") from error


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


class SqliteWriter:
    """See `store.writer.Writer`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # A file that was taken away is not made anew here: it would have no tables.
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            for setting in (
                "synchronous = NORMAL",
                f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
                "temp_store = MEMORY",
                "cache_size = -8000",
            ):
                self._connection.execute(f"PRAGMA {setting}")
        except sqlite3.Error as error:
            raise self._away(error) from error

    def write(self, batch: Batch) -> None:
        """Write it all, or nothing."""
        with self._transaction() as connection:
            last = connection.execute(LAST.format("?"), (batch.writer,)).fetchone()
            if last is not None and last[0] >= batch.number:
                return
            connection.execute(KEEP_LAST.format("?"), (batch.writer, batch.number, batch.written_at))
            for field, _ in WRITTEN:
                columns = columns_of(batch, field)
                if columns:
                    _insert(connection, field, columns)
            if batch.results:
                connection.executemany(RESULTS.format("?"), batch.results)

    def sweep(self, old: Old, most: int) -> int:
        """Delete some of what has had its time, and give its pages back."""
        deleted = 0
        with self._transaction() as connection:
            self._forget_words(connection, old.epoch_before, most)
            for statement, before in sweeps(old, "?"):
                deleted += connection.execute(statement, (before, most)).rowcount
        if deleted:
            with contextlib.suppress(sqlite3.OperationalError):
                self._connection.execute(f"PRAGMA incremental_vacuum({max(most, 1000)})").fetchall()
        return deleted

    def size_bytes(self) -> int:
        """The pages in use."""
        try:
            count, free, size = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
            )
        except sqlite3.Error as error:
            raise self._away(error) from error
        return (count - free) * size

    def oldest_epoch(self) -> int | None:
        """The oldest epoch that has bodies."""
        try:
            return self._connection.execute("SELECT min(epoch) FROM dragoman_bodies").fetchone()[0]
        except sqlite3.Error as error:
            raise self._away(error) from error

    def index(self, most: int) -> int:
        """Put the words of some bodies into the full-text index."""
        with self._transaction() as connection:
            found = words_of(lambda statement, given: connection.execute(statement, given).fetchall(), "?", most)
            rows = [(each.number, each.text) for each in found.texts]
            connection.executemany("INSERT INTO dragoman_texts (rowid, words) VALUES (?, ?)", rows)
            if found.count:
                connection.execute(KEEP_INDEXED.format("?"), (str(found.last),))
        return found.count

    def digest(self, most: int) -> int:
        """Sum up some exchanges."""
        with self._transaction() as connection:
            return digest(connection, most)

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _forget_words(self, connection: sqlite3.Connection, before: int, most: int) -> None:
        """An index without a copy of its words must be told what to forget."""
        found = words_to_forget(lambda statement, given: connection.execute(statement, given).fetchall(), "?", before, most)
        statement = "INSERT INTO dragoman_texts (dragoman_texts, rowid, words) VALUES ('delete', ?, ?)"
        connection.executemany(statement, [(each.number, each.text) for each in found.texts])

    @contextlib.contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._fault(error) from error
        except (UnicodeError, OverflowError) as error:
            self._roll_back()
            raise RowRefused(str(error)) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def _fault(self, error: sqlite3.Error) -> StoreAway | RowRefused:
        if isinstance(error, _ROWS):
            return RowRefused(str(error))
        return self._away(error)

    def _away(self, error: sqlite3.Error) -> StoreAway:
        return StoreAway(f"the database `{self._path}` cannot be used at the moment: {error}")
