"""Sums of exchanges by whatever they are grouped by, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, union_all

from dragoman.store.filter import Filter
from dragoman.store.places import PERIODS_S, SUMMED, Grouping, Place, places
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
    statement = _grouped(places(connection, wanted, grouping), grouping)
    # Many may be found, of which few are shown: the others are added up as they came.
    rows = [tuple(row) for row in connection.execute(statement)]
    size = len(names)
    total = [sum(column) for column in list(zip(*rows, strict=True))[size:]] if rows else [0] * len(SUMMED)
    return Usage([{**dict(zip(names, row, strict=False)), **_summed(row[size:])} for row in rows[:most]], len(rows), _summed(total))


def _grouped(found: Sequence[Place], grouping: Grouping) -> Select[Any]:
    """The groups in their order, each with `SUMMED`."""
    if len(found) == 1:
        groups, sums = found[0].groups(grouping), found[0].sums()
        chosen = select(*groups, *sums).where(*found[0].where).group_by(*groups)
    else:
        parts = [(place, place.groups(grouping)) for place in found]
        every = union_all(*[select(*by, *place.sums()).where(*place.where).group_by(*by) for place, by in parts]).subquery()
        groups, sums = [every.c[name] for name in grouping.names], [func.sum(every.c[name]).label(name) for name in SUMMED]
        chosen = select(*groups, *sums).group_by(*groups)
    by_name = dict(zip(SUMMED, sums, strict=True))
    in_turn = [*groups[len(grouping.by) :], by_name["cost_pico"].desc(), by_name["exchanges"].desc(), *groups]
    return chosen.having(by_name["exchanges"] > 0).order_by(*in_turn)


def _summed(values: Sequence[Any]) -> Row:
    """Sums by name. PostgreSQL's are decimal numbers."""
    return {name: float(value) if name in SUMS_S else int(value) for name, value in zip(SUMMED, values, strict=True)}
