"""Which exchanges are asked for: conditions by column, in words that need no database to be said."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Bounds = tuple[float | None, float | None]
"""At least, at most; None: no bound."""


class Filter(msgspec.Struct, frozen=True):
    """since, until: Unix seconds, the first included, the last not. equal: columns with the values of which one must be there.
    within: columns with their bounds; what is not known is within none. statuses: ranges of HTTP statuses, the last not included.
    failed: with an error, or without. text: words that were new in it."""

    since: float | None = None
    until: float | None = None
    equal: Mapping[str, tuple[str, ...]] = {}
    within: Mapping[str, Bounds] = {}
    statuses: tuple[tuple[int, int], ...] = ()
    failed: bool | None = None
    text: str = ""


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the moment and the id of its last row."""

    at: float
    id: str


EVERYTHING = Filter()
