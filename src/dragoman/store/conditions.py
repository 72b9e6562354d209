"""A filter as conditions on the table of exchanges."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, or_

from dragoman.store.filter import Filter
from dragoman.store.search import search
from dragoman.store.tables import exchanges

HOUR_S = 3600
MOST_FOUND = 1000
"""Exchanges that a search for words finds at most: the newest."""


def conditions(connection: Connection, wanted: Filter) -> list[ColumnElement[bool]]:
    """What is wanted. A search for words is done here, and stands in them as the ids that it found."""
    found = list(_when(wanted, exchanges.c.began_at))
    found += [exchanges.c[name].in_(values) for name, values in wanted.equal.items()]
    for name, (least, most) in wanted.within.items():
        column = exchanges.c[name]
        found += [column >= least] if least is not None else []
        found += [column <= most] if most is not None else []
    if wanted.statuses:
        found.append(in_ranges(exchanges.c.status, wanted.statuses))
    if wanted.failed is not None:
        found.append(exchanges.c.error.is_not(None) if wanted.failed else exchanges.c.error.is_(None))
    if wanted.text:
        found.append(exchanges.c.id.in_(search(connection, wanted.text, MOST_FOUND)))
    return found


def in_ranges(column: ColumnElement[int], ranges: Sequence[tuple[int, int]]) -> ColumnElement[bool]:
    """Whether a number is in one of these, the last of each not included."""
    return or_(*[and_(column >= low, column < high) for low, high in ranges])


def _when(wanted: Filter, column: ColumnElement[float]) -> Sequence[ColumnElement[bool]]:
    since = [] if wanted.since is None else [column >= wanted.since]
    return since if wanted.until is None else [*since, column < wanted.until]
