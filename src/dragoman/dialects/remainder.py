"""What the dialects have in common beside their contract: how what a wire object says beyond its neutral form is kept when it is
read and put back when it is written, and how JSON of unknown shape is looked at.

Reading and writing again gives an equal JSON value by construction: the neutral form is written once while reading, compared with
what came, and the difference is kept under `extra[dialect]`.

- A field that the neutral form doesn't know stays under its own name.
- A field that is written differently (or written although it was absent) stays under `$as` as `{"for": written, "was": came}`. It is
  put back only while the neutral form still writes that value, so what somebody rewrote in between wins.
- Other names that start with `$` are marks of the reader for the writer; a client's own fields of that kind stay apart under `$wire`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Extra
from dragoman.wire.not_json import NOT_JSON

JsonObject = dict[str, Any]

_decode = msgspec.json.Decoder().decode

AS = "$as"
"""The fields that are written differently."""
_WIRE = "$wire"
_NONE: JsonObject = {}
_NUMBERS = frozenset({bool, int, float})

_Read = TypeVar("_Read")


class Keeper(msgspec.Struct, frozen=True):
    """Keeps what only the dialect `name` knows in the `extra` of neutral Structs."""

    name: str

    def keep(self, came: JsonObject, written: JsonObject, marks: JsonObject | None = None) -> Extra | None:
        """The difference as the `extra` of a neutral Struct, with the reader's own marks."""
        # Python calls 1 and true equal, JSON does not.
        if marks is None and came == written and _NUMBERS.isdisjoint(map(type, written.values())):
            return None
        rest = difference(came, written)
        return {self.name: {**marks, **rest} if marks else rest} if rest or marks else None

    def own(self, extra: Extra | None) -> JsonObject | None:
        """What this dialect kept in an `extra`."""
        return extra.get(self.name) if extra else None

    def own_fields(self, extra: Extra | None) -> JsonObject:
        """The fields that were kept under their own names."""
        return fields_of(self.own(extra) or {})

    def put_back(self, written: JsonObject, extra: Extra | None) -> JsonObject:
        """Add what was kept in an `extra` to what is written. Changes and returns `written`."""
        rest = extra.get(self.name) if extra else None
        return complete(written, rest) if rest else written

    def mark(self, extra: Extra | None, name: str) -> Any:
        """A mark that the reader left, or None."""
        rest = self.own(extra)
        return rest.get(name) if rest else None

    def unmodelled(self, came: JsonObject, known: frozenset[str]) -> Extra | None:
        """The fields that have no place in the neutral form, whose fields are `known`."""
        rest: JsonObject = {}
        for name, value in came.items():
            if name not in known:
                stow(rest, name, value)
        return {self.name: rest} if rest else None


def difference(came: JsonObject, written: JsonObject) -> JsonObject:
    """What `came` says and `written` doesn't, in a form that `complete` understands."""
    rest: JsonObject = {}
    other: JsonObject = {}
    for name, value in came.items():
        if name not in written:
            stow(rest, name, value)
        elif written[name] is not value and not same(written[name], value):
            other[name] = {"for": written[name], "was": value}
    if not written.keys() <= came.keys():
        other.update({name: {"for": value} for name, value in written.items() if name not in came})
    if other:
        rest[AS] = other
    return rest


def stow(rest: JsonObject, name: str, value: Any) -> None:
    """Keep a field of the wire in `rest`, where it is taken for no mark."""
    if name[:1] == "$":
        rest.setdefault(_WIRE, {})[name] = value
    else:
        rest[name] = value


def fields_of(rest: JsonObject) -> JsonObject:
    """The fields of the wire that `rest` keeps under their own names."""
    fields = {name: value for name, value in rest.items() if name[:1] != "$"}
    return {**fields, **rest[_WIRE]} if _WIRE in rest else fields


def complete(written: JsonObject, rest: JsonObject | None) -> JsonObject:
    """Add what was kept to what is written. Changes and returns `written`."""
    if not rest:
        return written
    if AS in rest:
        as_it_was(written, rest[AS])
    for name, value in rest.items():
        if name[:1] != "$":
            written.setdefault(name, value)
    for name, value in rest.get(_WIRE, _NONE).items():
        written.setdefault(name, value)
    return written


def as_it_was(written: JsonObject, other: dict[str, JsonObject]) -> None:
    """Write the fields as they came that are still written as they were then."""
    for name, kept in other.items():
        if name in written and same(written[name], kept["for"]):
            if "was" in kept:
                written[name] = kept["was"]
            else:
                del written[name]


def wrong(path: str, why: str) -> GatewayError:
    """The error for a request that doesn't keep to the API; `path` is the JSON path of what is wrong."""
    return GatewayError(Kind.INVALID_REQUEST, f"`{path}` {why}", source="client", param=path, type="invalid_request_error")


def read_body(body: bytes) -> JsonObject:
    """The JSON object that a request is."""
    try:
        decoded = _decode(body)
    except NOT_JSON as error:
        raise wrong("body", f"is not JSON: {error}") from error
    return object_at(decoded, "body")


def object_in(data: bytes) -> JsonObject | None:
    """The JSON object in bytes from a server, None where there is none."""
    try:
        value = _decode(data)
    except NOT_JSON:
        return None
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


def object_at(value: Any, path: str) -> JsonObject:
    """A value that must be a JSON object."""
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    raise wrong(path, "must be an object")


def list_at(value: Any, path: str) -> list[Any]:
    """A value that must be a JSON list."""
    if isinstance(value, list):
        return value  # pyright: ignore[reportUnknownVariableType]
    raise wrong(path, "must be a list")


def each(read: Callable[[Any, str], _Read], entries: list[Any], path: str) -> list[_Read]:
    """What `read`, which keeps nothing, makes of each entry of the list at `path`. Where an entry stands is told only once one is wrong:
    spelling it out for each would cost as much as reading them."""
    try:
        return [read(entry, path) for entry in entries]
    except GatewayError:
        return [read(entry, f"{path}[{index}]") for index, entry in enumerate(entries)]


def text_at(came: JsonObject, name: str, path: str) -> str:
    """A field that must be a string."""
    found = came.get(name)
    if isinstance(found, str):
        return found
    raise wrong(f"{path}.{name}", "must be a string" if name in came else "is missing: a string is required")


def objects(value: Any) -> list[JsonObject]:
    """The objects in a list from a server, which may be anything: what isn't one is passed over."""
    entries: list[Any] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
    return [entry for entry in entries if isinstance(entry, dict)]


def object_or_empty(value: Any) -> JsonObject:
    """An object from a server, or an empty one."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def text_or_none(came: JsonObject, name: str) -> str | None:
    """A field that is a string, or nothing that the neutral form knows."""
    found = came.get(name)
    return found if isinstance(found, str) else None


def arguments_object(arguments: str) -> JsonObject:
    """JSON arguments as the object that some APIs want: what is no object is told as `{"input": …}`."""
    value = arguments_value(arguments)
    return value if isinstance(value, dict) else {"input": value}  # pyright: ignore[reportUnknownVariableType]


def arguments_value(arguments: str) -> Any:
    """What arguments spell out, the text itself where that is no JSON. Nothing is an object without fields, and so is an empty list:
    PHP and R write one so. An object that was spelled out twice is the object."""
    value = _decoded(arguments) if arguments.strip() else None
    if isinstance(value, str) and value is not arguments and isinstance(inner := _decoded(value), dict):
        return inner  # pyright: ignore[reportUnknownVariableType]
    return {} if value in ([], None) else value


def _decoded(text: str) -> Any:
    """The JSON value that a text spells out, else the text itself."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def whole_or_none(came: JsonObject, name: str) -> int | None:
    """A field that is a whole number, or nothing that the neutral form knows."""
    found = came.get(name)
    return found if type(found) is int else None


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal as JSON has it."""
    # 1 == True == 1.0 in Python, not in JSON.
    return one is other or (type(one) is type(other) and one == other)
