"""Brings the tables of a database to the state that this release knows: checked before it runs, and all or nothing."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.exc import NoSuchTableError

from dragoman.store.faults import StoreRefused
from dragoman.store.release import VERSION_TABLE, check
from dragoman.store.tables import metadata

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x647261676F6D
"""Of PostgreSQL's advisory locks, ours: two gateways that start at once migrate one after the other."""


def migrate(connection: Connection) -> bool:
    """Make or change our tables, and touch nothing else. Returns whether there was something to do.

    To be called inside a transaction, which the caller ends. Raises StoreRefused where the database is of a newer release, where tables
    named like ours are not ours, and where the outcome is not what this release expects.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    scripts = ScriptDirectory(str(_FOLDER))
    present, newest = version(connection), scripts.get_current_head()
    if present == newest:
        return False
    check(present, inspect(connection).get_table_names())
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    command.upgrade(config, "head")
    _check_after(connection)
    return True


def version(connection: Connection) -> str | None:
    """The step of the migrations that the database stands on; None before the first."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _check_after(connection: Connection) -> None:
    """Whether each table has just the columns that queries will ask for."""
    for table in metadata.sorted_tables:
        lacking = _lacking(connection, table)
        if lacking:
            raise StoreRefused(f"after its migration table `{table.name}` lacks `{'`, `'.join(lacking)}`; nothing was changed")


def _lacking(connection: Connection, table: Table) -> list[str]:
    try:
        present = {column["name"] for column in inspect(connection).get_columns(table.name)}
    except NoSuchTableError:
        present = set[str]()
    return [column.name for column in table.columns if column.name not in present]
