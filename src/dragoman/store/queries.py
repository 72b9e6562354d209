"""What is asked of the database about single exchanges: pages of them, newest first, and one with all that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Integer, Select, cast, select, tuple_, union

from dragoman.store.conditions import HOUR_S, conditions
from dragoman.store.filter import Cursor, Filter
from dragoman.store.places import after, digested
from dragoman.store.tables import APART, attempts, digests, exchanges, tools, usage_hours
from dragoman.store.tries import unpack

Row = dict[str, Any]

_GAP_H, _TIMES = 6, 300
_SUMMED = frozenset({"team", "user", "provider", "agent"})
"""Columns that the sums by the hour are told apart by, and that have no index."""
_TOLD_APART = frozenset((*_SUMMED, *APART)) - {"session"}
_INDEXED = frozenset({"session", "model", "client", "error"})

_WHOLE = tuple(column for column in exchanges.c if column.name != "tries")
LISTED = tuple(column for column in _WHOLE if column.name not in ("decision", "usage_extra"))
"""Columns of a list: all but what is long and of use with one exchange only."""


def page(connection: Connection, wanted: Filter, most: int, after: Cursor | None = None) -> list[Row]:
    """The newest exchanges of those that are wanted, at most so many; `after`: those that come after it in the list."""
    found: list[Row] = []
    if after is not None:
        # The database begins to look where the time ends, not at the cursor.
        last = math.nextafter(after.at, math.inf)
        wanted = msgspec.structs.replace(wanted, until=last if wanted.until is None else min(last, wanted.until))
    for each in _when_there_are_any(connection, wanted):
        statement = select(*LISTED).where(*conditions(connection, each))
        if after is not None:
            statement = statement.where(tuple_(exchanges.c.began_at, exchanges.c.id) < tuple_(after.at, after.id))
        newest_first = statement.order_by(exchanges.c.began_at.desc(), exchanges.c.id.desc())
        found += rows(connection, newest_first.limit(most - len(found)))
        if len(found) == most:
            break
    return found


def named(connection: Connection, ids: Column[str], name: str) -> list[str]:
    """The id of this name, or else those that begin with it: two of them, if there are more."""
    found = list(connection.execute(select(ids).where(ids == name)).scalars())
    if not found and name:
        found = list(connection.execute(select(ids).where(ids >= name, ids < name + "\U0010ffff").limit(2)).scalars())
    return found


def exchanges_named(connection: Connection, name: str) -> list[str]:
    """The exchanges that may be meant, likewise."""
    return named(connection, exchanges.c.id, name)


def one(connection: Connection, key: str) -> Row:
    """The exchange of this id with all its columns, and `attempts` and `tools` as lists."""
    found = rows(connection, select(*_WHOLE).where(exchanges.c.id == key))
    tried = tries_of(connection, [key])
    called = rows(connection, select(tools).where(tools.c.exchange_id == key).order_by(tools.c.began_at))
    return {**found[0], "attempts": [_inner(row) for row in tried], "tools": [_inner(row) for row in called]}


def tries_of(connection: Connection, ids: Sequence[str]) -> list[Row]:
    """The attempts of these exchanges, of each in their order."""
    wanted = select(exchanges.c.id, exchanges.c.tries).where(exchanges.c.id.in_(ids), exchanges.c.attempts > 0)
    told = {row[0]: row[1] for row in connection.execute(wanted)}
    found = [
        {"exchange_id": key, "number": number, **msgspec.structs.asdict(each)}
        for key, tries in told.items()
        if tries is not None
        for number, each in enumerate(unpack(tries), 1)
    ]
    earlier = [key for key, tries in told.items() if tries is None]
    if earlier:
        ordered = select(attempts).where(attempts.c.exchange_id.in_(earlier)).order_by(attempts.c.exchange_id, attempts.c.number)
        found += rows(connection, ordered)
    return found


def beside(connection: Connection, session: str, at: float, key: str) -> tuple[str | None, str | None]:
    """Of a session the exchanges before and after the one of this id that began at this moment; None: there is none."""
    place, here = tuple_(exchanges.c.began_at, exchanges.c.id), tuple_(at, key)
    within = select(exchanges.c.id).where(exchanges.c.session == session).limit(1)
    before = within.where(place < here).order_by(exchanges.c.began_at.desc(), exchanges.c.id.desc())
    after = within.where(place > here).order_by(exchanges.c.began_at, exchanges.c.id)
    return connection.execute(before).scalar(), connection.execute(after).scalar()


def rows(connection: Connection, statement: Select[Any]) -> list[Row]:
    """What a statement finds, by the names of its columns."""
    return [dict(row) for row in connection.execute(statement).mappings()]


def _when_there_are_any(connection: Connection, wanted: Filter) -> Iterator[Filter]:
    """The same filter for the times in which there are such exchanges, the latest first. Whose names no index has are looked for in sums
    first: what is seldom, or never was, is not to be looked for among all exchanges."""
    # A search for words is made once, and finds few.
    hours = None if wanted.text or _INDEXED & wanted.equal.keys() else _hours_of(connection, wanted)
    if hours is None:
        yield wanted
        return
    # Some more at once where they stretch over years: each time is a question of its own.
    gap = max(_GAP_H, (hours[0] - hours[-1]) // _TIMES) if hours else 0
    begins = [at for at in range(len(hours)) if at == 0 or hours[at - 1] - hours[at] > gap]
    for first, stop in pairwise([*begins, len(hours)]):
        since, until = hours[stop - 1] * HOUR_S, (hours[first] + 1) * HOUR_S
        yield msgspec.structs.replace(
            wanted,
            since=since if wanted.since is None else max(since, wanted.since),
            until=until if wanted.until is None else min(until, wanted.until),
        )


def _hours_of(connection: Connection, wanted: Filter) -> Sequence[int] | None:
    """The hours that have any of these names, the latest first; None: no sums know them."""
    names = _TOLD_APART & wanted.equal.keys()
    last = digested(connection) if names else None
    if last is not None:
        of_digests = select(digests.c.hour).where(*_around(wanted), *[digests.c[name].in_(wanted.equal[name]) for name in names])
        hour = cast(exchanges.c.began_at / HOUR_S, Integer).label("hour")
        of_others = select(hour).where(after(last), *[exchanges.c[name].in_(wanted.equal[name]) for name in names])
        return sorted(connection.execute(union(of_digests, of_others)).scalars(), reverse=True)
    if not _SUMMED & names:
        return None
    table = usage_hours.c
    named = [table[name].in_(wanted.equal[name]) for name in _SUMMED & names]
    return list(connection.execute(select(table.hour).distinct().where(*named).order_by(table.hour.desc())).scalars())


def _around(wanted: Filter) -> list[ColumnElement[bool]]:
    """The hours of digests that have any of the time that is wanted."""
    hour = digests.c.hour
    since = [] if wanted.since is None else [hour >= wanted.since // HOUR_S]
    return since if wanted.until is None else [*since, hour <= wanted.until // HOUR_S]


def _inner(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name != "exchange_id"}
