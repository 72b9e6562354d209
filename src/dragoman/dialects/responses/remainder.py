"""What a wire object says beyond its neutral form: taken when it is read, put back when it is written by this dialect.

One rule for items, parts, tools and the request itself, so that reading and writing again gives an equal JSON value by
construction: write the neutral form, compare it with what came in, and keep the difference under `extra["responses"]`.

- A field that the neutral form doesn't know stays under its own name.
- A field that it writes differently (or writes although it was absent) stays under `$as` as `{"for": written, "was": came}`. It is
  put back only while the neutral form still writes that same value: what somebody rewrote in between wins.
- Names that begin with `$` are our marks; a client's own fields of that kind stay apart under `$wire`.
"""

from __future__ import annotations

from typing import Any

from dragoman.ir.request import Extra

NAME = "responses"
"""The name of this dialect."""

AS = "$as"
"""Holds the fields whose wire form differs from the one written by default."""

_WIRE = "$wire"

JsonObject = dict[str, Any]


def keep(came: JsonObject, written: JsonObject, marks: JsonObject | None = None) -> Extra | None:
    """The difference between what came and what would be written, and the caller's own marks (names that start with `$`)."""
    rest: JsonObject = dict(marks) if marks else {}
    other: JsonObject = {}
    for name, value in came.items():
        if name not in written:
            _stow(rest, name, value)
        elif not _same(written[name], value):
            other[name] = {"for": written[name], "was": value}
    for name, value in written.items():
        if name not in came:
            other[name] = {"for": value}
    if other:
        rest[AS] = other
    return {NAME: rest} if rest else None


def put_back(written: JsonObject, extra: Extra | None) -> JsonObject:
    """Complete what is written with what was kept. May change `written`, and returns it completed."""
    rest = extra.get(NAME) if extra else None
    if not rest:
        return written
    other: dict[str, JsonObject] = rest.get(AS) or {}
    for name, kept in other.items():
        if name in written and _same(written[name], kept["for"]):
            if "was" in kept:
                written[name] = kept["was"]
            else:
                del written[name]
    for name, value in rest.items():
        if name[:1] != "$":
            written.setdefault(name, value)
    return {**rest[_WIRE], **written} if _WIRE in rest else written


def own_fields(extra: Extra | None) -> JsonObject:
    """The fields that were kept under their own names."""
    rest = extra.get(NAME) if extra else None
    if not rest:
        return {}
    return {**rest.get(_WIRE, {}), **{name: value for name, value in rest.items() if name[:1] != "$"}}


def mark(extra: Extra | None, name: str) -> Any:
    """A mark that the reader left (`$instructions`), or None."""
    rest = extra.get(NAME) if extra else None
    return rest.get(name) if rest else None


def unmodelled(came: JsonObject, known: frozenset[str]) -> Extra | None:
    """The fields of a finished wire object that have no place in the neutral events."""
    rest: JsonObject = {}
    for name, value in came.items():
        if name not in known:
            _stow(rest, name, value)
    return {NAME: rest} if rest else None


def _stow(rest: JsonObject, name: str, value: Any) -> None:
    if name[:1] == "$":
        rest.setdefault(_WIRE, {})[name] = value
    else:
        rest[name] = value


def _same(one: Any, other: Any) -> bool:
    # 1 == True == 1.0 in Python, not in JSON.
    return one is other or (type(one) is type(other) and one == other)
