"""What a wire object of the Messages API says beyond its neutral form, under `extra["messages"]`; see `dialects.remainder`."""

from __future__ import annotations

from dragoman.dialects.remainder import (
    JsonObject,
    Keeper,
    complete,
    difference,
    list_at,
    object_at,
    object_or_empty,
    objects,
    text_at,
    text_or_none,
    wrong,
)

__all__ = [
    "NAME",
    "JsonObject",
    "complete",
    "difference",
    "keep",
    "list_at",
    "mark",
    "object_at",
    "object_or_empty",
    "objects",
    "own",
    "text_at",
    "text_or_none",
    "wrong",
]

NAME = "messages"
"""The name of this dialect."""

_keeper = Keeper(NAME)
keep = _keeper.keep
own = _keeper.own
mark = _keeper.mark
