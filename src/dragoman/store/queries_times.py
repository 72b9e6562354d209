"""Percentiles of times by whatever they are grouped by: taken of the single values, never of other percentiles. Rank and value are those of
`percentile_disc`.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, Text, cast, func, select

from dragoman.store.batch import PER_S
from dragoman.store.filter import Filter
from dragoman.store.places import Grouping, Place, places
from dragoman.store.tables import TIMES, digests, exchanges, usage_times

QUANTILES = (0.5, 0.9, 0.95, 0.99)
_BESIDE = 20
_MANY, _EVERY = 20_000, 16
Key = tuple[Any, ...]
"""A group: the values of its names, and then of its period."""


def percentiles(
    connection: Connection, wanted: Filter, grouping: Grouping, measure: str, keys: Sequence[Key]
) -> Mapping[Key, dict[str, Any]]:
    """`{p50, p90, p95, p99, count}` of one of `MEASURES` for each of these groups that has any. keys: groups, as `usage` has found them."""
    found = places(connection, wanted, grouping, usage_times if measure in TIMES else None)
    if [place.table for place in found] == [exchanges]:
        return _of_exchanges(connection, found[0], grouping, measure, keys)
    gathered: dict[Key, array[int]] = {key: array("q") for key in keys}
    for place in found:
        texts = _texts(connection, place, measure)
        groups = place.groups(grouping)
        for *key, text in connection.execute(select(*groups, texts).where(*place.where).group_by(*groups)):
            values = gathered.get(tuple(key)) if text else None
            if values is not None:
                values.extend(array("q", _unpacked(text) if place.table is usage_times else _listed(text)))
    return {key: ranked(values) for key, values in gathered.items() if values}


def _of_exchanges(connection: Connection, place: Place, grouping: Grouping, measure: str, keys: Sequence[Key]) -> dict[Key, dict[str, Any]]:
    groups = place.groups(grouping)
    column = exchanges.c[measure]
    where = [*place.where, column.is_not(None)]
    if connection.dialect.name != "sqlite":
        ranks = [func.percentile_disc(q).within_group(column.asc()) for q in QUANTILES]
        found = connection.execute(select(*groups, *ranks, func.count()).where(*where).group_by(*groups))
        size = len(groups)
        return {tuple(row[:size]): _named(row[size:-1], row[-1]) for row in found}
    # One text for each group, and its numbers are sorted here: three times as fast as a row for each.
    text = _texts(connection, place, measure)
    if len(keys) <= _BESIDE:
        # All groups in one go over the exchanges: the database would sort them to put them together, which takes longer than all else.
        each = [text.filter(*[group.is_not_distinct_from(value) for group, value in zip(groups, key, strict=True)]) for key in keys]
        gathered = list(zip(keys, connection.execute(select(*each).where(*where)).one(), strict=True)) if each else []
    else:
        gathered = [(tuple(row[:-1]), row[-1]) for row in connection.execute(select(*groups, text).where(*where).group_by(*groups))]
    wanted = set(keys)
    return {key: ranked(_listed(text)) for key, text in gathered if text and key in wanted}


def _texts(connection: Connection, place: Place, measure: str) -> Any:
    """The single times of a group as one text: digits of eight letters of the sums by the hour, else with commas between."""
    if place.table is usage_times:
        return func.aggregate_strings(usage_times.c[measure], "")
    if place.table is digests:
        return func.group_concat(digests.c[f"each_{measure}"])
    column: ColumnElement[Any] = exchanges.c[measure]
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
