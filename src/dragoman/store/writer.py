"""The statements that write a batch: the same for every database but for the mark of a parameter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Table

from dragoman.store import tables
from dragoman.store.batch import Batch, Column, Old

WRITTEN: tuple[tuple[str, Table], ...] = (
    ("exchanges", tables.exchanges),
    ("attempts", tables.attempts),
    ("tools", tables.tools),
    ("blobs", tables.blobs),
    ("bodies", tables.bodies),
    ("sessions", tables.sessions),
    ("session_models", tables.session_models),
    ("usage_hours", tables.usage_hours),
    ("usage_times", tables.usage_times),
)
"""Fields of Batch and their tables."""


def columns(table: Table) -> list[str]:
    """The names of the columns that are written: bodies count themselves."""
    return [column.name for column in table.columns if column.identity is None]


_NAMES = {field: columns(table) for field, table in WRITTEN}


def columns_of(batch: Batch, field: str) -> dict[str, Column]:
    """What is put into a table, by the names of its columns; nothing where it gets no rows. Rows that a release before let wait on disk may
    lack its last columns."""
    names = _NAMES[field]
    if field == "exchanges" and batch.columns:
        return {name: batch.columns[name] for name in names if name in batch.columns}
    return dict(zip(names, zip(*getattr(batch, field), strict=True), strict=False))


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
    (
        "epoch_before",
        # Not before every body that may need them is gone: what the index is to forget is made from both.
        "DELETE FROM dragoman_blobs WHERE hash IN (SELECT hash FROM dragoman_blobs WHERE epoch < {0}"
        " AND epoch < coalesce((SELECT min(epoch) FROM dragoman_bodies), 2147483647) LIMIT {0})",
    ),
    ("exchanges_before", f"DELETE FROM dragoman_attempts WHERE exchange_id IN ({_OLD_EXCHANGES})"),
    ("exchanges_before", f"DELETE FROM dragoman_tools WHERE exchange_id IN ({_OLD_EXCHANGES})"),
    ("exchanges_before", f"DELETE FROM dragoman_exchanges WHERE id IN ({_OLD_EXCHANGES})"),
    (
        "exchanges_before",
        # Of whole hours: those before the one in which the oldest exchange is that stays.
        "DELETE FROM dragoman_usage_times WHERE hour IN (SELECT hour FROM dragoman_usage_times WHERE hour + 1 <= {0} / 3600.0 LIMIT {0})",
    ),
    (
        "exchanges_before",
        "DELETE FROM dragoman_digests WHERE hour IN (SELECT hour FROM dragoman_digests WHERE hour + 1 <= {0} / 3600.0 LIMIT {0})",
    ),
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


def insert_into(table: Table, names: Iterable[str], source: str, verb: str = "INSERT") -> str:
    """The statement that puts `source` (VALUES or SELECT) into these columns of a table: what is there already stays, or is added to."""
    conflict = _conflict(table)
    return f"{verb} INTO {table.name} ({quoted(names)}) {source}" + (f" ON CONFLICT {conflict}" if conflict else "")


def quoted(names: Iterable[str]) -> str:
    """Names of columns, as SQL."""
    return ", ".join([f'"{name}"' for name in names])


def _conflict(table: Table) -> str:
    if table in _ON_CONFLICT:
        return _ON_CONFLICT[table]
    key = quoted(column.name for column in table.primary_key.columns)
    changes = (
        ", ".join(_changes(table)) if table in (tables.sessions, tables.session_models, tables.usage_hours, tables.usage_times) else ""
    )
    return f"({key}) DO UPDATE SET {changes}" if changes else f"({key}) DO NOTHING"


def _changes(table: Table) -> Iterator[str]:
    """How a sum that is there takes up a new one."""
    special = {"first_at": "least", "last_at": "greatest"}
    for column in table.columns:
        name = f'"{column.name}"'
        old, new = f"{table.name}.{name}", f"excluded.{name}"
        if column.primary_key:
            continue
        if table is tables.usage_times:
            yield f"{name} = coalesce({old} || {new}, {old}, {new})"
        elif column.name in _LATER:
            yield f"{name} = coalesce({new}, {old})"
        elif column.name in special:
            sign = "<" if special[column.name] == "least" else ">"
            yield f"{name} = CASE WHEN {new} {sign} {old} THEN {new} ELSE {old} END"
        else:
            yield f"{name} = {old} + {new}"
