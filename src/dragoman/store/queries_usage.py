"""Sums of exchanges by whatever they are grouped by, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, union_all

from dragoman.store.filter import Filter
from dragoman.store.places import PERIODS_S, SUMMED, Grouping, places
from dragoman.store.queries import Row
from dragoman.store.tables import MEASURES, SUMS_S

__all__ = ["BY", "MEASURES", "PERIODS_S", "Grouping", "Usage", "usage"]

BY = (
    "client", "team", "user", "provider", "model", "agent", "outcome", "session", "run", "kind", "lane", "asked", "routed", "rule",
    "status", "stop_reason", "dialect_in", "dialect_out", "provider_key", "agent_version", "address", "repo", "cwd", "turn",
    "parent_session",
)  # fmt: skip
"""What sums may be grouped by, besides a period of time."""


class Usage(msgspec.Struct, frozen=True):
    """rows: one for each group: its names, `period_at` (Unix seconds) if there is a period, and the sums of `SUMMED`. By time, and within
    it what cost most, and then what was most, first. groups: how many there are in all; total: the sums of all of them."""

    rows: list[Row]
    groups: int
    total: Row


def usage(connection: Connection, wanted: Filter, grouping: Grouping, most: int) -> Usage:
    """At most so many groups of what is wanted."""
    names = grouping.names
    found = [(place, place.groups(grouping)) for place in places(connection, wanted, grouping)]
    every = union_all(*[select(*groups, *place.sums()).where(*place.where).group_by(*groups) for place, groups in found]).subquery()
    sums = {name: func.sum(every.c[name]) for name in SUMMED}
    groups = [every.c[name] for name in names]
    in_turn = [*([every.c.period_at] if grouping.period else []), sums["cost_pico"].desc(), sums["exchanges"].desc(), *groups]
    statement = select(*groups, *sums.values()).group_by(*groups).having(sums["exchanges"] > 0).order_by(*in_turn)
    # Many may be found, of which few are shown: the others are added up as they came.
    rows = [tuple(row) for row in connection.execute(statement)]
    size = len(names)
    total = [sum(column) for column in list(zip(*rows, strict=True))[size:]] if rows else [0] * len(SUMMED)
    return Usage([{**dict(zip(names, row, strict=False)), **_summed(row[size:])} for row in rows[:most]], len(rows), _summed(total))


def _summed(values: Sequence[Any]) -> Row:
    """Sums by name. PostgreSQL's are decimal numbers."""
    return {name: float(value) if name in SUMS_S else int(value) for name, value in zip(SUMMED, values, strict=True)}
