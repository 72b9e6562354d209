"""What is written to the database at once, and the contract of those who write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import Table

from dragoman.store import tables

Row = Sequence[Any]


class Batch(msgspec.Struct):
    """Rows for each table (their values in the order of its columns), written in one transaction. A writer counts its
    batches (`number`), which keeps one that is written twice from counting twice.

    bodies: without their `number`. results: of tools, as (result_exchange_id, is_error, result_bytes, result_tokens, call_id, session).
    """

    writer: str
    number: int
    written_at: float
    exchanges: list[Row] = []
    attempts: list[Row] = []
    tools: list[Row] = []
    results: list[Row] = []
    blobs: list[Row] = []
    bodies: list[Row] = []
    sessions: list[Row] = []
    session_models: list[Row] = []
    usage_hours: list[Row] = []


class Old(msgspec.Struct, frozen=True):
    """What has had its time: exchanges (Unix seconds) and bodies (epochs) before these."""

    exchanges_before: float
    epoch_before: int


class Writer(Protocol):
    """A connection that writes. All of it raises StoreAway where the database is away; then the writer is to be closed and made anew."""

    def write(self, batch: Batch) -> None:
        """Write it all, or nothing. What was written before is not written again."""
        ...

    def sweep(self, old: Old, most: int) -> int:
        """Delete some of what has had its time, `most` rows of each table. Returns how many rows were deleted: 0 when nothing is left."""
        ...

    def size_bytes(self) -> int:
        """What the tables take on disk, without what is free for use again."""
        ...

    def oldest_epoch(self) -> int | None:
        """The oldest epoch that has bodies; None without any."""
        ...

    def index(self, most: int) -> int:
        """Put the words of some bodies into the full-text index, at most so many. Returns of how many; 0 when all are."""
        ...

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        ...


WRITTEN: tuple[tuple[str, Table], ...] = (
    ("exchanges", tables.exchanges),
    ("attempts", tables.attempts),
    ("tools", tables.tools),
    ("blobs", tables.blobs),
    ("bodies", tables.bodies),
    ("sessions", tables.sessions),
    ("session_models", tables.session_models),
    ("usage_hours", tables.usage_hours),
)
"""Fields of Batch and their tables."""

LAST = "SELECT last FROM dragoman_writers WHERE id = {}"
KEEP_LAST = (
    "INSERT INTO dragoman_writers (id, last, written_at) VALUES ({0}, {0}, {0})"
    " ON CONFLICT (id) DO UPDATE SET last = excluded.last, written_at = excluded.written_at"
)
KEEP_INDEXED = "INSERT INTO dragoman_meta (name, value) VALUES ('indexed', {}) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
RESULTS = (
    "UPDATE dragoman_tools SET result_exchange_id = {0}, is_error = {0}, result_bytes = {0}, result_tokens = {0}"
    " WHERE call_id = {0} AND session = {0} AND result_exchange_id IS NULL"
)
_OLD_EXCHANGES = "SELECT id FROM dragoman_exchanges WHERE began_at < {0} ORDER BY began_at LIMIT {0}"
_OLD_SESSIONS = "SELECT id FROM dragoman_sessions WHERE last_at < {0} ORDER BY last_at LIMIT {0}"
# What belongs to exchanges and sessions goes before them.
_SWEEPS = (
    ("epoch_before", "DELETE FROM dragoman_bodies WHERE number IN (SELECT number FROM dragoman_bodies WHERE epoch < {0} LIMIT {0})"),
    ("epoch_before", "DELETE FROM dragoman_blobs WHERE hash IN (SELECT hash FROM dragoman_blobs WHERE epoch < {0} LIMIT {0})"),
    ("exchanges_before", f"DELETE FROM dragoman_attempts WHERE exchange_id IN ({_OLD_EXCHANGES})"),
    ("exchanges_before", f"DELETE FROM dragoman_tools WHERE exchange_id IN ({_OLD_EXCHANGES})"),
    ("exchanges_before", f"DELETE FROM dragoman_exchanges WHERE id IN ({_OLD_EXCHANGES})"),
    ("exchanges_before", f"DELETE FROM dragoman_session_models WHERE session IN ({_OLD_SESSIONS})"),
    ("exchanges_before", f"DELETE FROM dragoman_sessions WHERE id IN ({_OLD_SESSIONS})"),
)


def sweeps(old: Old, mark: str) -> Iterator[tuple[str, float]]:
    """Statements that delete what has had its time, each with the value of its first parameter; the second is how many rows."""
    for before, statement in _SWEEPS:
        yield statement.format(mark), getattr(old, before)


_LATER = ("parent", "agent", "client", "cwd", "repo", "last_turn")
_ON_CONFLICT: dict[Table, str] = {
    tables.bodies: "",
    tables.blobs: "(hash) DO UPDATE SET epoch = excluded.epoch WHERE dragoman_blobs.epoch < excluded.epoch",
}


def columns(table: Table) -> list[str]:
    """The columns that are written: bodies count themselves."""
    return [column.name for column in table.columns if column.identity is None]


def insert_into(table: Table, source: str) -> str:
    """The statement that puts `source` (VALUES or SELECT) into a table: what is there already stays, or is added to."""
    names = ", ".join(f'"{name}"' for name in columns(table))
    conflict = _conflict(table)
    return f"INSERT INTO {table.name} ({names}) {source}" + (f" ON CONFLICT {conflict}" if conflict else "")


def _conflict(table: Table) -> str:
    if table in _ON_CONFLICT:
        return _ON_CONFLICT[table]
    key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    changes = ", ".join(_changes(table)) if table in (tables.sessions, tables.session_models, tables.usage_hours) else ""
    return f"({key}) DO UPDATE SET {changes}" if changes else f"({key}) DO NOTHING"


def _changes(table: Table) -> Iterator[str]:
    """How a sum that is there takes up a new one."""
    special = {"first_at": "least", "last_at": "greatest"}
    for column in table.columns:
        name = f'"{column.name}"'
        old, new = f"{table.name}.{name}", f"excluded.{name}"
        if column.primary_key:
            continue
        if column.name in _LATER:
            yield f"{name} = coalesce({new}, {old})"
        elif column.name in special:
            sign = "<" if special[column.name] == "least" else ">"
            yield f"{name} = CASE WHEN {new} {sign} {old} THEN {new} ELSE {old} END"
        else:
            yield f"{name} = {old} + {new}"
