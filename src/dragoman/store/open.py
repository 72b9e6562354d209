"""Opens the database that a URL names, with its tables as this release wants them: `sqlite:///path` or `postgresql://…`."""

from __future__ import annotations

import contextlib
import importlib
import sqlite3
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from dragoman.store.batch import Writer
from dragoman.store.faults import StoreAway, StoreRefused, StoreSlow
from dragoman.store.migrate import migrate
from dragoman.store.sqlite import SqliteWriter, prepare

_BUSY_S = 5.0
_CONNECT_S = 5
_STATEMENT_MS = 30_000
_STEPS = 100_000
"""Of SQLite's machine between two looks at the clock: a millisecond."""
_ENDED = frozenset({"SQLITE_INTERRUPT", "57014"})
"""How drivers name a question that was ended: https://www.sqlite.org/rescode.html#interrupt,
https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_WRITES = "dragoman_writes"
"""The option of a connection whose transaction is to write."""


class Store:
    """An open database. `reader` may be used from any thread; a writer by one at a time."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self._url = url
        self._engine = engine

    @property
    def name(self) -> str:
        """Where it is, without any password, for messages."""
        return self._url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextlib.contextmanager
    def reader(self, limit_s: float = _STATEMENT_MS / 1000, is_left: Callable[[], bool] = lambda: False) -> Generator[Connection]:
        """A connection that can only read, for the block. limit_s: how long a question may take (SQLite: all of them together). is_left:
        whether nobody wants the answer any more; SQLite asks it now and then. Raises StoreAway, StoreSlow."""
        try:
            with self._engine.connect() as connection:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("PRAGMA query_only = 1")
                    with _watched(connection, limit_s, is_left):
                        yield connection
                else:
                    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(limit_s * 1000)}")
                    yield connection
        except OperationalError as error:
            if _code(error) in _ENDED:
                raise StoreSlow(f"a question took more than {limit_s:g} s") from error
            raise away(self.name, error) from error

    def writer(self) -> Writer:
        """A connection of its own that writes. Raises StoreAway."""
        if self.dialect == "sqlite":
            return SqliteWriter(_path(self._url))
        # Its driver takes a fifth of a second and 9 MB, which who has SQLite need not spend.
        postgres: Any = importlib.import_module("dragoman.store.postgres")
        return postgres.PostgresWriter(self._url.set(drivername="postgresql").render_as_string(hide_password=False))

    def migrate(self) -> bool:
        """Bring the tables up to date; whether there was something to do. Raises StoreRefused, StoreAway."""
        try:
            with self._engine.execution_options(**{_WRITES: True}).begin() as connection:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("PRAGMA query_only = 0")
                return migrate(connection)
        except OperationalError as error:
            raise away(self.name, error) from error
        except DBAPIError as error:
            raise StoreRefused(f"the tables of `{self.name}` cannot be made: {_reason(error)}") from error

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()


def open_store(url: str) -> Store:
    """The database at this URL; a SQLite file is made where there is none, with mode 0600. Raises StoreRefused, StoreAway."""
    parsed = _parse(url)
    if parsed.drivername == "sqlite":
        prepare(_path(parsed))
        store = Store(parsed, _sqlite_engine(parsed))
    else:
        store = Store(parsed, _postgres_engine(parsed))
    store.migrate()
    return store


@contextlib.contextmanager
def _watched(connection: Connection, limit_s: float, is_left: Callable[[], bool]) -> Generator[None]:
    """SQLite has no limit of its own for what a question takes; but it asks now and then whether to go on."""
    until = time.monotonic() + limit_s
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: time.monotonic() > until or is_left(), _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _code(error: OperationalError) -> str:
    return getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or ""


def away(name: str, error: Exception) -> StoreAway:
    """The fault to tell when a driver says that the database cannot be reached just now."""
    return StoreAway(f"the database `{name}` cannot be used at the moment: {_reason(error)}")


def _reason(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreRefused("`database` is no URL; write `sqlite:///path/of/journal.db` or `postgresql://user@host/name`") from error
    if parsed.drivername == "sqlite" and parsed.database:
        return parsed
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise StoreRefused(
        f"`database` names `{parsed.drivername}`, which is not known; write `sqlite:///path` or `postgresql://user@host/name`"
    )


def _path(url: URL) -> Path:
    return Path(url.database or "")


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_S})

    def connected(connection: sqlite3.Connection, _: Any) -> None:
        # BEGIN is sent by ourselves, so that what a migration does to the schema is part of its transaction:
        # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
        connection.isolation_level = None

    def begin(connection: Connection) -> None:
        # Who reads first and writes then is refused at once, without waiting, where somebody else has written in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _WRITES in connection.get_execution_options() else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)
    return engine


def _postgres_engine(url: URL) -> Engine:
    given = {"connect_timeout": _CONNECT_S, "options": f"-c statement_timeout={_STATEMENT_MS}", "application_name": "dragoman"}
    return create_engine(url, pool_size=2, max_overflow=4, pool_pre_ping=True, connect_args=given)
