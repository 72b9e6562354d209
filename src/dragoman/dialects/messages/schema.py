"""JSON Schemas as the API takes them for structured output and strict tools.

Every object must be closed, and limits of numbers and lengths are refused; they are told in the description instead.
https://platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON Schema limitations)
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.remainder import JsonObject, object_or_empty, objects

_LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
)
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_IN_LISTS = ("anyOf", "allOf", "prefixItems")
_IN_MAPS = ("properties", "$defs", "definitions")
_MAX_DEPTH = 64
"""Levels that are looked into; nobody means more."""


def fitted(schema: JsonObject) -> JsonObject:
    """The schema with every object closed, and what the API refuses told in words. Returns an equal schema if nothing was to do."""
    return _fitted(schema)


def fits(schema: JsonObject) -> bool:
    """Whether the API takes this schema as it is."""
    return _fitted(schema) == schema


def open_objects(schema: Any, depth: int = 0) -> bool:
    """Whether it has an object with free fields, which would be empty once closed."""
    if isinstance(schema, list):
        return any(open_objects(entry, depth) for entry in schema)  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return False
    came: JsonObject = schema  # pyright: ignore[reportUnknownVariableType]
    if _is_object(came) and not came.get("properties") and came.get("additionalProperties") is not False:
        return True
    return any(open_objects(value, depth + 1) for name, value in came.items() if name not in ("enum", "const", "default", "examples"))


def object_schema(parameters: JsonObject | None) -> JsonObject:
    """The schema of a tool's arguments: always an object, without alternatives at its head, which the API refuses."""
    if parameters is None:
        return {"type": "object", "properties": {}}
    alternatives = [name for name in ("anyOf", "oneOf", "allOf") if name in parameters]
    if parameters.get("type") == "object" and not alternatives:
        return parameters
    written: JsonObject = {"type": "object", **{name: value for name, value in parameters.items() if name not in ("type", *alternatives)}}
    properties = dict(object_or_empty(written.get("properties")))
    for name in alternatives:
        for entry in objects(parameters[name]):
            properties = {**object_or_empty(entry.get("properties")), **properties}
    written["properties"] = properties
    return written


def _fitted(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return value  # pyright: ignore[reportUnknownVariableType]
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    written: JsonObject = {}
    told: JsonObject = {}
    for name, inner in came.items():
        if name in _LIMITS or (name == "format" and not _is_format(inner)) or (name == "minItems" and inner not in (0, 1)):
            told[name] = inner
        else:
            written["anyOf" if name == "oneOf" else name] = _inside(name, inner, depth + 1)
    if _is_object(came):
        written["additionalProperties"] = False
    if told:
        words = msgspec.json.encode(told).decode()
        said = written.get("description")
        written["description"] = f"{said} {words}" if said else words
    return written


def _inside(name: str, inner: Any, depth: int) -> Any:
    if name in _IN_MAPS and isinstance(inner, dict):
        return {key: _fitted(value, depth) for key, value in inner.items()}  # pyright: ignore[reportUnknownVariableType]
    if (name in _IN_LISTS or name == "oneOf") and isinstance(inner, list):
        return [_fitted(entry, depth) for entry in inner]  # pyright: ignore[reportUnknownVariableType]
    return _fitted(inner, depth) if name == "items" else inner


def _is_format(value: Any) -> bool:
    return isinstance(value, str) and value in _FORMATS


def _is_object(came: JsonObject) -> bool:
    kind = came.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or (kind is None and "properties" in came)
