"""What is asked of the database about single exchanges: pages of them, newest first, and one with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Select, and_, or_, select, tuple_

from dragoman.store.filter import Cursor, Filter
from dragoman.store.search import search
from dragoman.store.tables import attempts, exchanges, tools, usage_hours
from dragoman.store.tries import unpack

MOST_FOUND = 1000
"""Exchanges that a search for words finds at most: the newest."""

Row = dict[str, Any]

HOUR_S = 3600
_GAP_H, _TIMES = 6, 300
_SUMMED = frozenset({"team", "user", "provider", "agent"})
"""Columns that the sums by the hour are told apart by, and that have no index."""
_INDEXED = frozenset({"session", "model", "client", "error"})

_WHOLE = tuple(column for column in exchanges.c if column.name != "tries")
LISTED = tuple(column for column in _WHOLE if column.name not in ("decision", "usage_extra"))
"""Columns of a list: all but what is long and of use with one exchange only."""


def page(connection: Connection, wanted: Filter, most: int, after: Cursor | None = None) -> list[Row]:
    """The newest exchanges of those that are wanted, at most so many; `after`: those that come after it in the list."""
    found: list[Row] = []
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


def conditions(connection: Connection, wanted: Filter) -> list[ColumnElement[bool]]:
    """The filter as conditions on `exchanges`. A search for words is done here, and stands in them as the ids that it found."""
    found = list(_when(wanted, exchanges.c.began_at))
    found += [exchanges.c[name].in_(values) for name, values in wanted.equal.items()]
    for name, (least, most) in wanted.within.items():
        column = exchanges.c[name]
        found += [column >= least] if least is not None else []
        found += [column <= most] if most is not None else []
    if wanted.statuses:
        found.append(or_(*[and_(exchanges.c.status >= low, exchanges.c.status < high) for low, high in wanted.statuses]))
    if wanted.failed is not None:
        found.append(exchanges.c.error.is_not(None) if wanted.failed else exchanges.c.error.is_(None))
    if wanted.text:
        found.append(exchanges.c.id.in_(search(connection, wanted.text, MOST_FOUND)))
    return found


def rows(connection: Connection, statement: Select[Any]) -> list[Row]:
    """What a statement finds, by the names of its columns."""
    return [dict(row) for row in connection.execute(statement).mappings()]


def _when_there_are_any(connection: Connection, wanted: Filter) -> Iterator[Filter]:
    """The same filter for the times in which there are such exchanges, the latest first. Whose names no index has are looked for in the
    sums by the hour first: somebody who asks seldom, or never did, is not to be looked for among all exchanges."""
    # A search for words is made once, and finds few.
    if wanted.text or _INDEXED & wanted.equal.keys() or not _SUMMED & wanted.equal.keys():
        yield wanted
        return
    table = usage_hours.c
    named = [table[name].in_(values) for name, values in wanted.equal.items() if name in _SUMMED]
    hours = list(connection.execute(select(table.hour).distinct().where(*named).order_by(table.hour.desc())).scalars())
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


def _when(wanted: Filter, column: ColumnElement[float]) -> Sequence[ColumnElement[bool]]:
    since = [] if wanted.since is None else [column >= wanted.since]
    return since if wanted.until is None else [*since, column < wanted.until]


def _inner(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name != "exchange_id"}
