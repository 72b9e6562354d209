"""What only Gemini's API knows of a request or a reply, under `extra["generate"]`; see `dialects.remainder`.

The API takes every name in camelCase and in snake_case; this code writes the former, unless a request came in the latter. So two marks
come to those of all dialects: `$in`, the differences of nested objects, and `$spelled`, name as written -> name as it came.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from dragoman.dialects.remainder import AS, JsonObject, Keeper, as_it_was, fields_of, list_at, same, stow
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Extra

NAME = "generate"
"""The name of this dialect."""

IN = "$in"
"""The differences of nested objects."""
_SPELLED = "$spelled"
_NESTED = frozenset(
    {
        "generationConfig",
        "thinkingConfig",
        "toolConfig",
        "functionCallingConfig",
        "functionCall",
        "functionResponse",
        "inlineData",
        "fileData",
        "systemInstruction",
    }
)
# Two ways to say one thing, of which the API takes one: what stands on the left is not put back beside what is written on the right.
_INSTEAD = {
    "parameters": "parametersJsonSchema",
    "responseSchema": "responseJsonSchema",
    "responseFormat": "responseMimeType",
    "thinkingBudget": "thinkingLevel",
    "thinkingLevel": "thinkingBudget",
}
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_LINE = re.compile(r"_([a-z0-9])")

_keeper = Keeper(NAME)
own = _keeper.own
mark = _keeper.mark
unmodelled = _keeper.unmodelled


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    """`inlineData` as `inline_data`."""
    return _HUMP.sub(lambda found: "_" + found[1].lower(), name)


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """`inline_data` as `inlineData`."""
    return _LINE.sub(lambda found: found[1].upper(), name)


def field(came: JsonObject, name: str) -> Any:
    """A field in either spelling; None if there is none."""
    found = came.get(name)
    return came.get(snake(name)) if found is None else found


def entries_at(value: Any, path: str) -> list[Any]:
    """A list; the API takes a list of one as the bare object, too."""
    return [value] if isinstance(value, dict) else list_at(value, path)


def difference(came: JsonObject, written: JsonObject) -> JsonObject:
    """What `came` says and `written` doesn't, in a form that `complete` understands."""
    rest: JsonObject = {}
    other: JsonObject = {}
    inner: JsonObject = {}
    spelled: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in came.items():
        known = camel(name)
        if known in seen or (known not in written and not (known in _NESTED and isinstance(value, dict))):
            stow(rest, name, value)
            continue
        seen.add(known)
        if known != name:
            spelled[known] = name
        mine = written.get(known, {})
        if known in _NESTED and isinstance(value, dict) and isinstance(mine, dict):
            sub = difference(value, mine)  # pyright: ignore[reportUnknownArgumentType]
            if sub or known not in written:
                inner[known] = sub
        elif not same(mine, value):
            other[known] = {"for": mine, "was": value}
    other.update({name: {"for": value} for name, value in written.items() if name not in seen})
    rest.update({mark: kept for mark, kept in ((AS, other), (IN, inner), (_SPELLED, spelled)) if kept})
    return rest


def complete(written: JsonObject, rest: JsonObject | None) -> JsonObject:
    """Add what was kept to what is written. Changes and returns `written`."""
    if not rest:
        return written
    as_it_was(written, rest.get(AS) or {})
    inner: dict[str, JsonObject] = rest.get(IN) or {}
    for name, sub in inner.items():
        inside = written.get(name)
        if isinstance(inside, dict):
            complete(inside, sub)  # pyright: ignore[reportUnknownArgumentType]
        elif made := complete({}, sub):
            written[name] = made
        elif not sub:
            written[name] = {}
    for name, value in fields_of(rest).items():
        if _INSTEAD.get(camel(name)) not in written:
            written.setdefault(name, value)
    spelled: dict[str, str] = rest.get(_SPELLED) or {}
    for name, spelling in spelled.items():
        if name in written:
            written[spelling] = written.pop(name)
    return written


def keep(came: JsonObject, written: JsonObject) -> Extra | None:
    """The difference as the `extra` of a neutral Struct. Nothing that is written of one is a number."""
    if came == written:
        return None
    rest = difference(came, written)
    return {NAME: rest} if rest else None


def marked(extra: Extra | None, **marks: Any) -> Extra:
    """An `extra` with further marks (`turn` is `$turn`)."""
    fresh = {f"${name}": value for name, value in marks.items()}
    return {**extra, NAME: {**(own(extra) or {}), **fresh}} if extra else {NAME: fresh}


def wrong(path: str, why: str) -> GatewayError:
    """The error for a request that doesn't keep to the API; `path` is the JSON path of what is wrong."""
    return GatewayError(Kind.INVALID_REQUEST, f"`{path}` {why}", source="client", param=path, type="INVALID_ARGUMENT")


def text_or_none(value: Any) -> str | None:
    """A value that is a string with something in it."""
    return value if isinstance(value, str) and value else None
