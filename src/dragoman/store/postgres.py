"""Writes to PostgreSQL: rows go by COPY into a table of the transaction's own, and from there to where they belong."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

import psycopg
from sqlalchemy import Table

from dragoman.store.batch import Batch, Old
from dragoman.store.faults import RowRefused, StoreAway
from dragoman.store.search import words_of
from dragoman.store.writer import KEEP_INDEXED, KEEP_LAST, LAST, RESULTS, WRITTEN, columns, columns_of, insert_into, quoted, sweeps

_CONNECT_S = 5
_STATEMENT_MS = 30_000
_MARK = "%s"
_WORDS = "DELETE FROM dragoman_texts WHERE number IN (SELECT number FROM dragoman_texts WHERE epoch < %s LIMIT %s)"
_ROWS = (psycopg.DataError, psycopg.IntegrityError, UnicodeError)


def _ordered(table: Table) -> str:
    keys = quoted(column.name for column in table.primary_key.columns if column.identity is None)
    return f" ORDER BY {keys}" if keys else ""


_COPIES = tuple(
    (
        field,
        f"CREATE TEMPORARY TABLE IF NOT EXISTS new_{field} ON COMMIT DELETE ROWS AS SELECT "
        + quoted(columns(table))
        + f" FROM {table.name} WITH NO DATA",
        # In the order of their keys: two gateways that write the same rows wait for each other, and never in a circle.
        insert_into(table, columns(table), f"SELECT * FROM new_{field}" + _ordered(table)),
    )
    for field, table in WRITTEN
)


class PostgresWriter:
    """See `store.writer.Writer`."""

    def __init__(self, url: str) -> None:
        self._name = url.rpartition("@")[2]
        try:
            self._connection = psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=_CONNECT_S,
                options=f"-c statement_timeout={_STATEMENT_MS} -c synchronous_commit=off",
                application_name="dragoman journal",
                keepalives_idle=10,
                tcp_user_timeout=15_000,
            )
            with self._connection.cursor() as cursor:
                for _, make, _ in _COPIES:
                    cursor.execute(make.encode())
        except psycopg.Error as error:
            raise self._away(error) from error

    def write(self, batch: Batch) -> None:
        """Write it all, or nothing."""
        with self._transaction() as cursor:
            last = cursor.execute(LAST.format(_MARK).encode(), (batch.writer,)).fetchone()
            if last is not None and last[0] >= batch.number:
                return
            cursor.execute(KEEP_LAST.format(_MARK).encode(), (batch.writer, batch.number, batch.written_at))
            for field, _, insert in _COPIES:
                told = columns_of(batch, field)
                if told:
                    with cursor.copy(f"COPY new_{field} ({quoted(told)}) FROM STDIN".encode()) as copied:
                        for row in zip(*told.values(), strict=True):
                            copied.write_row(row)
                    cursor.execute(insert.encode())
            if batch.results:
                cursor.executemany(RESULTS.format(_MARK).encode(), batch.results)

    def sweep(self, old: Old, most: int) -> int:
        """Delete some of what has had its time."""
        deleted = 0
        with self._transaction() as cursor:
            for statement, before in [
                (_WORDS, old.epoch_before),
                *sweeps(old, _MARK),
            ]:
                deleted += max(0, cursor.execute(statement.encode(), (before, most)).rowcount)
        return deleted

    def size_bytes(self) -> int:
        """What tables, indexes and long values take."""
        # Not of the files: what is deleted in them is free for use again, and does not leave them.
        parts = [f"(SELECT coalesce(sum(pg_column_size(data) + 100), 0) FROM dragoman_{name})" for name in ("blobs", "bodies")]
        rest = "(SELECT coalesce(sum(greatest(reltuples, 0)), 0) * 800 FROM pg_class WHERE relname = 'dragoman_exchanges')"
        statement = f"SELECT ({' + '.join([*parts, rest])})::bigint"
        return int(self._one(statement) or 0)

    def oldest_epoch(self) -> int | None:
        """The oldest epoch that has bodies."""
        return self._one("SELECT min(epoch) FROM dragoman_bodies")

    def index(self, most: int) -> int:
        """Put the words of some bodies into the full-text index."""
        with self._transaction() as cursor:
            found = words_of(lambda statement, given: cursor.execute(statement.encode(), given).fetchall(), _MARK, most)
            cursor.executemany(
                "INSERT INTO dragoman_texts (number, epoch, words) VALUES (%s, %s, to_tsvector('simple', %s))"
                " ON CONFLICT (number) DO NOTHING",
                [(each.number, each.epoch, each.text) for each in found.texts],
            )
            if found.count:
                cursor.execute(KEEP_INDEXED.format(_MARK).encode(), (str(found.last),))
        return found.count

    def digest(self, most: int) -> int:
        """It sums up exchanges by several processes at once, when it is asked."""
        return 0

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _one(self, statement: str) -> int | None:
        with self._transaction() as cursor:
            row = cursor.execute(statement.encode()).fetchone()
        return None if row is None else row[0]

    @contextlib.contextmanager
    def _transaction(self) -> Generator[psycopg.Cursor[Any]]:
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                yield cursor
        except _ROWS as error:
            raise RowRefused(str(error)) from error
        except psycopg.Error as error:
            raise self._away(error) from error

    def _away(self, error: psycopg.Error) -> StoreAway:
        text = str(error).strip()
        return StoreAway(
            f"the database `{self._name}` cannot be used at the moment: {text.splitlines()[0] if text else type(error).__name__}"
        )
