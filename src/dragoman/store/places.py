"""Where sums of exchanges come from: the sums by the hour where these know what is asked, else the digests, else the exchanges themselves.

Hours that are only half within the time asked for, and what is in no digest yet, are added from their exchanges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Integer, Table, case, cast, func, literal_column, text

from dragoman.ir.errors import Kind
from dragoman.store.conditions import HOUR_S, conditions, in_ranges
from dragoman.store.digest import IS_THERE, LAST, read_last
from dragoman.store.filter import Filter
from dragoman.store.tables import APART, DIMENSIONS, SUMS, SUMS_S, digests, exchanges, usage_hours

PERIODS_S = {"hour": HOUR_S, "day": 24 * HOUR_S, "week": 7 * 24 * HOUR_S}
_MONDAY_S = -3 * 24 * HOUR_S
"""Weeks begin on Monday; the first of January 1970 was a Thursday."""
_NAMED = frozenset(DIMENSIONS)
_APART = frozenset((*DIMENSIONS, *APART, "status"))
_ROWID = literal_column(f"{exchanges.name}.rowid", Integer)


class Grouping(msgspec.Struct, frozen=True):
    """by: names of `queries_usage.BY`. period: a key of `PERIODS_S`, or empty; it begins at midnight (Monday, full hour) where clocks are
    so many seconds ahead of UTC."""

    by: tuple[str, ...] = ()
    period: str = ""
    ahead_s: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """What its groups are told apart by."""
        return (*self.by, "period_at") if self.period else self.by


class Place(msgspec.Struct, frozen=True):
    """A table that sums may come from, and which rows of it are wanted."""

    table: Table
    where: Sequence[ColumnElement[bool]]

    def groups(self, grouping: Grouping) -> list[ColumnElement[Any]]:
        """What its rows are grouped by, by the names of the grouping."""
        columns = self.table.c
        found: list[ColumnElement[Any]] = [self._group(name).label(name) for name in grouping.by]
        if grouping.period:
            length_s = PERIODS_S[grouping.period]
            shift_s = grouping.ahead_s - (_MONDAY_S if grouping.period == "week" else 0)
            # Whole numbers are divided down to whole numbers in both databases; times are never before 1970.
            number = cast(func.floor(columns.began_at), Integer) if self.table is exchanges else columns.hour * HOUR_S
            found.append(((number + shift_s) - (number + shift_s) % length_s - shift_s).label("period_at"))
        return found

    def sums(self) -> list[ColumnElement[Any]]:
        """`SUMMED`, by their names."""
        columns = self.table.c
        if self.table is exchanges:
            return [expression.label(name) for name, expression in _SUMS.items()]
        left = func.sum(case((columns.outcome == Kind.CLIENT_GONE.value, columns.exchanges), else_=0))
        return [*[func.sum(columns[name]).label(name) for name in (*SUMS, *SUMS_S)], left.label("left")]

    def _group(self, name: str) -> ColumnElement[Any]:
        column: ColumnElement[Any] = self.table.c[_of_exchanges(name) if self.table is exchanges else name]
        empty = "ok" if name == "outcome" else ""
        return func.coalesce(column, empty) if self.table is exchanges and name in _NAMED else column


def places(connection: Connection, wanted: Filter, grouping: Grouping, by_hour: Table | None = usage_hours) -> list[Place]:
    """Where to find what is wanted: each exchange is in one of them. by_hour: the table that is kept by the hour; None: none of these."""
    table = _table(wanted, grouping, by_hour)
    last = digested(connection) if table is digests else 0
    if table is None or last is None:
        return [Place(exchanges, conditions(connection, wanted))]
    hours, edges = _hours(wanted)
    found = [Place(exchanges, conditions(connection, edge)) for edge in edges]
    if hours is not None:
        found.append(Place(table, _within(hours, wanted, table)))
    if hours is not None and table is digests:
        found.append(Place(exchanges, [after(last), *conditions(connection, _of_whole(hours, wanted))]))
    return found


def digested(connection: Connection) -> int | None:
    """The number of the last exchange that is in a digest; None: there are no digests that hold."""
    if connection.dialect.name != "sqlite":
        return None
    known = connection.execute(text(LAST)).scalar()
    return None if known is None else read_last(known, connection.exec_driver_sql(IS_THERE, (known.partition(" ")[0],)).scalar())


def after(last: int) -> ColumnElement[bool]:
    """The exchanges that are in no digest."""
    # There are few of them, which the database does not know: it would look through all that have a name first.
    return func.likelihood(last < _ROWID, literal_column("0.000001"))


def _table(wanted: Filter, grouping: Grouping, by_hour: Table | None) -> Table | None:
    names = (*map(_of_sums, wanted.equal), *grouping.by)
    if wanted.within or wanted.text or grouping.ahead_s % HOUR_S or not _APART.issuperset(names):
        return None
    return by_hour if by_hour is not None and not wanted.statuses and _NAMED.issuperset(names) else digests


def _of_sums(name: str) -> str:
    return "outcome" if name == "error" else name


def _of_exchanges(name: str) -> str:
    return "error" if name == "outcome" else name


# ---- time --------------------------------------------------------------------------------------------------------------------


_Hours = tuple[int | None, int | None]
"""The first one, and the one after the last; None: no bound."""


def _hours(wanted: Filter) -> tuple[_Hours | None, list[Filter]]:
    """The whole hours within the time asked for (None: there is none), and what is left of it."""
    first = None if wanted.since is None else -int(-wanted.since // HOUR_S)
    last = None if wanted.until is None else int(wanted.until // HOUR_S)
    if first is not None and last is not None and first >= last:
        return None, [wanted]
    edges: list[Filter] = []
    if first is not None and wanted.since != first * HOUR_S:
        edges.append(msgspec.structs.replace(wanted, until=float(first * HOUR_S)))
    if last is not None and wanted.until != last * HOUR_S:
        edges.append(msgspec.structs.replace(wanted, since=float(last * HOUR_S)))
    return (first, last), edges


def _of_whole(hours: _Hours, wanted: Filter) -> Filter:
    since, until = (None if hour is None else float(hour * HOUR_S) for hour in hours)
    return msgspec.structs.replace(wanted, since=since, until=until)


def _within(hours: _Hours, wanted: Filter, table: Table) -> list[ColumnElement[bool]]:
    """The filter as conditions on a table that is kept by the hour."""
    first, last = hours
    columns = table.c
    found: list[ColumnElement[bool]] = [columns[_of_sums(name)].in_(values) for name, values in wanted.equal.items()]
    found += [] if first is None else [columns.hour >= first]
    found += [] if last is None else [columns.hour < last]
    if wanted.statuses:
        found.append(in_ranges(columns.status, wanted.statuses))
    if wanted.failed is not None:
        found.append((columns.outcome != "ok") if wanted.failed else (columns.outcome == "ok"))
    return found


# ---- sums --------------------------------------------------------------------------------------------------------------------


def _total(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(column), 0)


_SUMS: Mapping[str, ColumnElement[Any]] = {
    "exchanges": func.count(),
    "failed": func.count(exchanges.c.error),
    "unpriced": func.count(case((exchanges.c.cost_pico.is_(None), exchanges.c.input_tokens))),
    **{
        name: _total(exchanges.c[name])
        for name in (
            "attempts", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_pico",
            "tool_calls", "bytes_in", "bytes_out",
        )
    },
    "first_tokens": func.count(exchanges.c.first_token_s),
    **{name: _total(exchanges.c[name]) for name in SUMS_S},
    "left": func.count(case((exchanges.c.error == Kind.CLIENT_GONE.value, 1))),
}  # fmt: skip
"""The sums that are kept by the hour, as they are made of exchanges."""
SUMMED = tuple(_SUMS)
"""The names of sums: `SUMS`, `SUMS_S`, and `left` (of those that failed, how many their clients left)."""
