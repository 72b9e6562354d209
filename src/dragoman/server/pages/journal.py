"""Where the pages have exchanges from, as they want it: `app` says it of the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

Fact = Mapping[str, Any]
"""An exchange, by the names of the journal's columns."""


class Found(msgspec.Struct, frozen=True):
    """A page of the list, newest first. cursor: where the next one begins, if there is one."""

    exchanges: Sequence[Fact]
    cursor: str | None = None


class Body(msgspec.Struct, frozen=True):
    """What was sent by one side. whole: its size when it was."""

    headers: tuple[tuple[str, str], ...]
    data: bytes
    whole: int


class Kept(msgspec.Struct, frozen=True):
    """What is on record of an exchange: the fact with `attempts` and `tools` as lists, and what was sent, by side. earlier, later: the ids
    of those before and after it in its session."""

    fact: Fact
    bodies: Mapping[str, Body]
    earlier: str | None = None
    later: str | None = None


def _none_runs() -> Sequence[Fact]:
    return ()


def _none_lately(_: str) -> Fact | None:
    return None


async def _no_sums(_: Mapping[str, Any]) -> Fact | None:
    return None


class Journal(msgspec.Struct, frozen=True):
    """find: by `Question.wanted`. sums: all of what `find` finds on every page added up, as `/api/usage` has it, and `left`: how many their
    client left; None if that would take too long. read: one exchange; None if there is none. They raise GatewayError where it cannot be
    asked. running: what is under way, the newest first. lately: one that is under way, or over (`ended`) and perhaps not written yet."""

    find: Callable[[Mapping[str, Any]], Awaitable[Found]]
    read: Callable[[str], Awaitable[Kept | None]]
    running: Callable[[], Sequence[Fact]] = _none_runs
    lately: Callable[[str], Fact | None] = _none_lately
    sums: Callable[[Mapping[str, Any]], Awaitable[Fact | None]] = _no_sums


def rows(fact: Fact, name: str) -> Sequence[Any]:
    """What the journal tells as a list; empty if it was not told."""
    value = fact.get(name)
    # Only the type checker learns something: what a list of JSON holds is not known to it.
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def fields(fact: Fact, name: str) -> Mapping[str, Any]:
    """What it tells as an object, likewise."""
    value = fact.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
