"""Schemas: the API's own form (OpenAPI, upper-case types) to JSON Schema, which it takes too and which is what is written.

https://ai.google.dev/api/caching#Schema
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dragoman.dialects.generate.enums import TYPE
from dragoman.dialects.generate.remainder import camel
from dragoman.dialects.remainder import JsonObject

_MAX_DEPTH = 64
_WHOLE = re.compile(r"\d{1,19}", re.ASCII)


def to_json_schema(value: Any, depth: int = 0) -> Any:
    """A schema of the API's own form as JSON Schema. What is no schema is returned as it is."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return value  # pyright: ignore[reportUnknownVariableType]
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    found: JsonObject = {}
    for name, field in came.items():
        known = camel(name)
        found[known] = _INSIDE[known](field, depth + 1) if known in _INSIDE else field
    kind = found.get("type")
    kind = TYPE.get(kind) if type(kind) is int else kind
    if isinstance(kind, str):
        found["type"] = kind.lower()
        if found.get("nullable") is True:
            found["type"] = [kind.lower(), "null"]
    found.pop("nullable", None)
    for name in ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"):
        if isinstance(found.get(name), str) and _WHOLE.fullmatch(found[name]):
            # 64-bit numbers are strings in the JSON form of the API.
            found[name] = int(found[name])
    return found


def _each(value: Any, depth: int) -> Any:
    entries: Any = value
    return [to_json_schema(entry, depth) for entry in entries] if isinstance(value, list) else value


def _named(value: Any, depth: int) -> Any:
    entries: Any = value
    return {name: to_json_schema(entry, depth) for name, entry in entries.items()} if isinstance(value, dict) else value


_INSIDE: dict[str, Callable[[Any, int], Any]] = {
    "items": to_json_schema,
    "additionalProperties": to_json_schema,
    "properties": _named,
    "$defs": _named,
    "anyOf": _each,
    "prefixItems": _each,
}


def arguments_schema(parameters: JsonObject) -> JsonObject:
    """The schema of a tool's arguments as the API takes it: of an object, which is said where the client left it out."""
    return parameters if "type" in parameters or "$ref" in parameters or "anyOf" in parameters else {"type": "object", **parameters}
