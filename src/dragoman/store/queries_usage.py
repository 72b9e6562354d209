"""Sums of exchanges by whatever they are grouped by, over time: from the sums by the hour where these know it, else from the exchanges.

Percentiles are taken of the single values, never of other percentiles: rank and value are those of `percentile_disc`.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Connection, Float, Integer, Select, Text, case, cast, func, select

from dragoman.store.batch import LONGEST, PER_S
from dragoman.store.filter import Filter
from dragoman.store.queries import HOUR_S, Row, conditions, rows
from dragoman.store.tables import DIMENSIONS, SUMS, SUMS_S, TIMES, exchanges, usage_hours, usage_times

PERIODS_S = {"hour": HOUR_S, "day": 24 * HOUR_S, "week": 7 * 24 * HOUR_S}
_MONDAY_S = -3 * 24 * HOUR_S
"""Weeks begin on Monday; the first of January 1970 was a Thursday."""
QUANTILES = (0.5, 0.9, 0.95, 0.99)
_BESIDE = 20
_MANY, _EVERY = 20_000, 16
BY = (
    "client", "team", "user", "provider", "model", "agent", "outcome", "session", "run", "kind", "lane", "asked", "routed", "rule",
    "status", "stop_reason", "dialect_in", "dialect_out", "provider_key", "agent_version", "address", "repo", "cwd", "turn",
    "parent_session",
)  # fmt: skip
"""What sums may be grouped by, besides a period of time."""
MEASURES = ("total_s", "first_token_s", "generation_s", "own_s", "upstream_first_byte_s", "connect_s", "queue_s")
"""Times of which percentiles are told."""


class Grouping(msgspec.Struct, frozen=True):
    """by: names of `BY`. period: a key of `PERIODS_S`, or empty; it begins at midnight (Monday, full hour) where clocks are so many
    seconds ahead of UTC."""

    by: tuple[str, ...] = ()
    period: str = ""
    ahead_s: int = 0


def usage(connection: Connection, wanted: Filter, grouping: Grouping) -> list[Row]:
    """One row for each group: its names, `period_at` (Unix seconds) if there is a period, and the sums of `SUMS` and `SUMS_S`. By time, and
    within it what cost most, and then what was most, first."""
    if not _is_rolled_up(wanted, grouping):
        return _ordered(rows(connection, _of_exchanges(connection, wanted, grouping)))
    # Hours that are only half within the time asked for are added up from their exchanges.
    inner, edges = _hours(wanted)
    found = [] if inner is None else rows(connection, _of_hours(inner, wanted, grouping))
    for edge in edges:
        found += rows(connection, _of_exchanges(connection, edge, grouping))
    return _ordered(_merged(found, grouping))


def percentiles(
    connection: Connection, wanted: Filter, grouping: Grouping, measure: str, keys: Sequence[tuple[Any, ...]]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """`{p50, p90, p95, p99, count}` of a measure for each group that has any. `keys`: the groups, as `usage` has found them: the values of
    their names and then of their period."""
    if measure in TIMES and _is_rolled_up(wanted, grouping):
        return {key: ranked(values) for key, values in _times(connection, wanted, grouping, measure).items()}
    groups = _groups(grouping, exchanges.c, exchanges.c.began_at)
    column = exchanges.c[measure]
    where = [*conditions(connection, wanted), column.is_not(None)]
    if connection.dialect.name != "sqlite":
        ranks = [func.percentile_disc(q).within_group(column.asc()) for q in QUANTILES]
        found = connection.execute(select(*groups, *ranks, func.count()).where(*where).group_by(*groups))
        size = len(groups)
        return {tuple(row[:size]): _named(row[size:-1], row[-1]) for row in found}
    # One text for each group, and its numbers are sorted here: three times as fast as a row for each.
    text = _told(connection, column)
    if len(keys) <= _BESIDE:
        # All groups in one go over the exchanges: the database would sort them to put them together, which takes longer than all else.
        each = [text.filter(*[group.is_not_distinct_from(value) for group, value in zip(groups, key, strict=True)]) for key in keys]
        gathered = list(zip(keys, connection.execute(select(*each).where(*where)).one(), strict=True)) if each else []
    else:
        gathered = [(tuple(row[:-1]), row[-1]) for row in connection.execute(select(*groups, text).where(*where).group_by(*groups))]
    return {key: ranked(_listed(text)) for key, text in gathered if text}


def _times(connection: Connection, wanted: Filter, grouping: Grouping, measure: str) -> dict[tuple[Any, ...], array[int]]:
    """The single times of each group, from where their sums come from too: a hundredth of the rows that the exchanges are."""
    inner, edges = _hours(wanted)
    gathered: dict[tuple[Any, ...], array[int]] = {}
    if inner is not None:
        for *key, text in connection.execute(_times_of_hours(inner, wanted, grouping, measure)):
            if text:
                gathered[tuple(key)] = _unpacked(text)
    groups = _groups(grouping, exchanges.c, exchanges.c.began_at)
    for edge in edges:
        statement = select(*groups, _told(connection, exchanges.c[measure])).where(*conditions(connection, edge)).group_by(*groups)
        for *key, text in connection.execute(statement):
            if text:
                gathered.setdefault(tuple(key), array("I")).extend(array("I", [min(max(value, 0), LONGEST) for value in _listed(text)]))
    return gathered


def _times_of_hours(hours: _Hours, wanted: Filter, grouping: Grouping, measure: str) -> Select[Any]:
    table = usage_times.c
    groups = _groups(grouping, table, table.hour * HOUR_S)
    text = func.aggregate_strings(table[measure], "")
    return select(*groups, text).where(*_within(hours, wanted, table)).group_by(*groups)


def _told(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The times of exchanges, one by one."""
    if connection.dialect.name == "sqlite":
        # It cuts off where others round, and its `floor` is a function of Python's.
        return func.group_concat(cast(column * PER_S + 0.5, Integer))
    return func.string_agg(cast(cast(column * PER_S, BigInteger), Text), ",")


def _listed(text: str) -> list[int]:
    return msgspec.json.decode(f"[{text}]", type=list[int])


def _unpacked(text: str) -> array[int]:
    values = array("I", bytes.fromhex(text))
    if sys.byteorder == "little":
        values.byteswap()
    return values


def ranked(values: Sequence[int]) -> dict[str, Any]:
    """`{p50, p90, p95, p99, count}` of these times (see `store.batch.PER_S`), in any order."""
    count = len(values)
    # The smallest value that this share of all does not exceed.
    places = [max(0, -int(-q * count // 1) - 1) for q in QUANTILES]
    return _named([value / PER_S for value in _at(values, places)], count)


def _at(values: Sequence[int], places: list[int]) -> list[int]:
    """What would stand at these places, were the values sorted. Of many only those near the places are: to sort a million would keep the
    interpreter from everybody else for a third of a second."""
    count = len(values)
    if count > _MANY:
        sample = sorted(values[::_EVERY])
        middle, *others = places
        low, high = _around(sample, middle / count)
        from_here = _around(sample, others[0] / count)[0]
        rest = [value for value in values if value >= low]
        near = sorted([value for value in rest if value <= high])
        last = sorted([value for value in rest if value >= from_here])
        at = middle - count + len(rest)
        if 0 <= at < len(near) and len(last) >= count - others[0]:
            return [near[at], *[last[place - count] for place in others]]
    ordered = sorted(values)
    return [ordered[place] for place in places]


def _around(sample: list[int], share: float) -> tuple[int, int]:
    """Between which values of a sorted sample lies what is greater than this share of all: nearly surely, by four times how far samples
    stray."""
    count = len(sample)
    stray = 4 * math.sqrt(count * share * (1 - share)) + 1
    return sample[max(0, int(count * share - stray))], sample[min(count - 1, int(count * share + stray))]


def _named(values: Sequence[float], count: int) -> dict[str, Any]:
    return {**{f"p{round(q * 100)}": value for q, value in zip(QUANTILES, values, strict=True)}, "count": count}


# ---- where sums come from ----------------------------------------------------------------------------------------------------


def _is_rolled_up(wanted: Filter, grouping: Grouping) -> bool:
    known = set(DIMENSIONS)
    plain = not (wanted.within or wanted.statuses or wanted.text)
    return plain and known.issuperset((*map(_rolled, wanted.equal), *grouping.by)) and grouping.ahead_s % HOUR_S == 0


def _rolled(name: str) -> str:
    return "outcome" if name == "error" else name


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


def _of_hours(hours: _Hours, wanted: Filter, grouping: Grouping) -> Select[Any]:
    table = usage_hours.c
    groups = _groups(grouping, table, table.hour * HOUR_S)
    sums = [func.sum(table[name]).label(name) for name in (*SUMS, *SUMS_S)]
    return select(*groups, *sums).where(*_within(hours, wanted, table)).group_by(*groups)


def _within(hours: _Hours, wanted: Filter, table: Any) -> list[ColumnElement[bool]]:
    """The filter as conditions on a table that is kept by the hour."""
    first, last = hours
    found: list[ColumnElement[bool]] = [table[_rolled(name)].in_(values) for name, values in wanted.equal.items()]
    found += [] if first is None else [table.hour >= first]
    found += [] if last is None else [table.hour < last]
    if wanted.failed is not None:
        found.append((table.outcome != "ok") if wanted.failed else (table.outcome == "ok"))
    return found


def _of_exchanges(connection: Connection, wanted: Filter, grouping: Grouping) -> Select[Any]:
    groups = _groups(grouping, exchanges.c, exchanges.c.began_at)
    sums = [expression.label(name) for name, expression in _SUMS.items()]
    return select(*groups, *sums).where(*conditions(connection, wanted)).group_by(*groups)


def _groups(grouping: Grouping, table: Any, at: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = [_group(name, table).label(name) for name in grouping.by]
    if grouping.period:
        length_s = PERIODS_S[grouping.period]
        shift_s = grouping.ahead_s - (_MONDAY_S if grouping.period == "week" else 0)
        # Whole numbers are divided down to whole numbers in both databases; times are never before 1970.
        number = cast(func.floor(at), Integer) if table is exchanges.c else at
        found.append(((number + shift_s) - (number + shift_s) % length_s - shift_s).label("period_at"))
    return found


def _group(name: str, table: Any) -> ColumnElement[Any]:
    if name == "outcome" and table is exchanges.c:
        return _OUTCOME
    column: ColumnElement[Any] = table[name]
    return func.coalesce(column, "") if name in DIMENSIONS else column


_OUTCOME = func.coalesce(exchanges.c.error, "ok")


def _total(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(column), 0)


def _counted(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return _total(case((condition, 1), else_=0))


_SUMS: Mapping[str, ColumnElement[Any]] = {
    "exchanges": func.count(),
    "failed": _counted(exchanges.c.error.is_not(None)),
    "unpriced": _counted(exchanges.c.input_tokens.is_not(None) & exchanges.c.cost_pico.is_(None)),
    **{
        name: _total(exchanges.c[name])
        for name in (
            "attempts", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_pico",
            "tool_calls", "bytes_in", "bytes_out",
        )
    },
    "first_tokens": func.count(exchanges.c.first_token_s),
    **{name: _total(cast(exchanges.c[name], Float)) for name in SUMS_S},
}  # fmt: skip
"""The sums that `usage_hours` keeps, as they are made of exchanges."""


# ---- putting them together ---------------------------------------------------------------------------------------------------


def _merged(found: Iterable[Row], grouping: Grouping) -> list[Row]:
    """Rows of the same group added up."""
    keys = (*grouping.by, "period_at") if grouping.period else grouping.by
    merged: dict[tuple[Any, ...], Row] = {}
    for row in found:
        key = tuple(row[name] for name in keys)
        known = merged.get(key)
        if known is None:
            # A sum over nothing is NULL.
            merged[key] = {name: value if name in keys else value or 0 for name, value in row.items()}
        else:
            for name in (*SUMS, *SUMS_S):
                known[name] += row[name] or 0
    return list(merged.values())


_KINDS: tuple[tuple[type, tuple[str, ...]], ...] = ((int, SUMS), (float, SUMS_S))
"""PostgreSQL's sums are decimal numbers."""


def _ordered(found: list[Row]) -> list[Row]:
    found = [{**row, **{name: kind(row[name]) for kind, names in _KINDS for name in names}} for row in found if row["exchanges"]]
    found.sort(key=lambda row: (row.get("period_at") or 0, -row["cost_pico"], -row["exchanges"]))
    return found
