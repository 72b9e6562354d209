"""What is asked of the database about sessions: a list of them, and all that a tree of one is grown from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy import Connection, Select, func, select, tuple_

from dragoman.store.filter import Cursor
from dragoman.store.queries import LISTED, Row, named, rows, tries_of
from dragoman.store.tables import exchanges, session_models, sessions, tools

_AT_ONCE = 500
_DEEPEST = 20
_T = TypeVar("_T")
FILTERED = ("agent", "client", "parent", "repo")
"""Columns of sessions that may be asked for."""


class Grown(msgspec.Struct, frozen=True):
    """A session and those of its sub-agents, theirs too: `sessions` (the asked one first), their exchanges in the order of time with
    those at deployments (`attempts`), what tools were called and what their results took. is_whole: nothing was left out for its number."""

    sessions: Sequence[Row]
    exchanges: Sequence[Row]
    attempts: Sequence[Row]
    commands: Sequence[Row]
    is_whole: bool = True


def recent(
    connection: Connection, equal: Mapping[str, tuple[str, ...]], since: float | None, until: float | None, most: int, after: Cursor | None
) -> list[Row]:
    """Sessions, the one used last first, each with `models`."""
    statement = select(sessions).where(*[sessions.c[name].in_(values) for name, values in equal.items()])
    if since is not None:
        statement = statement.where(sessions.c.last_at >= since)
    if until is not None:
        statement = statement.where(sessions.c.first_at < until)
    if after is not None:
        statement = statement.where(tuple_(sessions.c.last_at, sessions.c.id) < tuple_(after.at, after.id))
    return _with_models(connection, rows(connection, statement.order_by(sessions.c.last_at.desc(), sessions.c.id.desc()).limit(most)))


def sessions_named(connection: Connection, name: str) -> list[str]:
    """The sessions that may be meant: see `named`."""
    return named(connection, sessions.c.id, name)


def grown(connection: Connection, key: str, most: int) -> Grown:
    """All that belongs to the session of this id, of at most so many exchanges."""
    found = _family(connection, key)
    names = [row["id"] for row in found]
    listed = [row for some in _portions(names) for row in _exchanges(connection, some, most + 1)]
    listed.sort(key=lambda row: (row["began_at"], row["id"]))
    kept = listed[:most]
    tried = [row for some in _portions([row["id"] for row in kept]) for row in tries_of(connection, some)]
    return Grown(_with_models(connection, found), kept, tried, _commands(connection, names), len(kept) == len(listed))


def _family(connection: Connection, name: str) -> list[Row]:
    found = rows(connection, select(sessions).where(sessions.c.id == name))
    known, youngest = {name}, [name] if found else []
    for _ in range(_DEEPEST):
        if not youngest:
            break
        children = rows(connection, select(sessions).where(sessions.c.parent.in_(youngest[:_AT_ONCE])).order_by(sessions.c.first_at))
        children = [row for row in children if row["id"] not in known]
        youngest = [row["id"] for row in children]
        known.update(youngest)
        found += children
    return found


def _exchanges(connection: Connection, names: Sequence[str], most: int) -> list[Row]:
    return rows(
        connection, select(*LISTED).where(exchanges.c.session.in_(names)).order_by(exchanges.c.began_at, exchanges.c.id).limit(most)
    )


def _commands(connection: Connection, names: Sequence[str]) -> list[Row]:
    """By tool and command: how often it was called, and what its results added to the conversation; the dearest first."""
    command = func.coalesce(tools.c.command, "")
    tokens = func.coalesce(func.sum(tools.c.result_tokens), 0)
    found: list[Row] = []
    for some in _portions(names):
        statement = select(
            tools.c.name,
            command.label("command"),
            func.count().label("calls"),
            tokens.label("result_tokens"),
            func.coalesce(func.sum(tools.c.result_bytes), 0).label("result_bytes"),
        ).where(tools.c.session.in_(some))
        statement = statement.group_by(tools.c.name, command).order_by(tokens.desc(), tools.c.name).limit(_AT_ONCE)
        # How many columns it has is of no interest here.
        found += rows(connection, cast("Select[Any]", statement))
    return [{**row, "result_tokens": int(row["result_tokens"]), "result_bytes": int(row["result_bytes"])} for row in found]


def _with_models(connection: Connection, found: list[Row]) -> list[Row]:
    models: dict[str, dict[str, int]] = {}
    for some in _portions([row["id"] for row in found]):
        for row in connection.execute(select(session_models).where(session_models.c.session.in_(some))).mappings():
            models.setdefault(row["session"], {})[f"{row['provider']}/{row['model']}"] = row["exchanges"]
    return [{**row, "models": models.get(row["id"], {})} for row in found]


def _portions(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    yield from (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))
