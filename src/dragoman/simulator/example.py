"""Values that satisfy a JSON schema: for tool arguments and structured answers of the simulated model.

Covers what strict structured outputs allow and the usual rest; a `pattern` is met only where a plain sample happens to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from dragoman.simulator.shapes import as_dict, as_list

Schema = dict[str, Any]


def example(schema: Any, hints: Mapping[str, Any] | None = None) -> Any:
    """A value for the schema. `hints` gives words for properties by their name; one that does not fit the schema is passed over."""
    root = as_dict(schema)
    return _Maker(root, hints or {}).make(root, "", 0)


class _Maker:
    def __init__(self, root: Schema, hints: Mapping[str, Any]) -> None:
        self._root = root
        self._hints = hints

    def make(self, given: Any, name: str, depth: int) -> Any:
        """A value for one sub-schema; `name` is the property it stands under."""
        schema = self._resolve(given, depth)
        for key, pick in _FIXED:
            if key in schema:
                return pick(schema[key])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.make(_simplest(schema[key], depth), name, depth + 1)
        kind = _kind(schema)
        maker = _MAKERS.get(kind)
        return maker(self, schema, name, depth) if maker is not None else None

    def object(self, schema: Schema, name: str, depth: int) -> dict[str, Any]:
        """Every required property, and the optional ones too as long as the value stays shallow."""
        properties: Schema = schema.get("properties") or {}
        required: list[str] = schema.get("required") or []
        wanted = [key for key in properties if key in required or (depth < 1 and not required)]
        made = {key: self.make(properties[key], key, depth + 1) for key in wanted}
        for key in required:
            made.setdefault(key, "demo")
        extra = schema.get("additionalProperties")
        for number in range(len(made), int(schema.get("minProperties", 0))):
            made[f"key_{number}"] = self.make(extra, name, depth + 1) if isinstance(extra, dict) else "demo"
        return made

    def array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        """As many items as must be, at least one where the nesting allows it; distinct where that is asked."""
        fixed: list[Any] = schema.get("prefixItems") or []
        made = [self.make(one, name, depth + 1) for one in fixed]
        least = int(schema.get("minItems", 0))
        most = schema.get("maxItems", math.inf)
        size = min(max(least, 1 if depth < 6 and not fixed else 0), most)
        while len(made) < size:
            made.append(self._item(schema, name, depth, len(made)))
        return made

    def _item(self, schema: Schema, name: str, depth: int, index: int) -> Any:
        inner = self._resolve(schema.get("items") or {}, depth)
        if schema.get("uniqueItems") and isinstance(inner.get("enum"), list):
            return inner["enum"][index % len(inner["enum"])]
        value = self.make(inner, name.removesuffix("s"), depth + 1)
        if not schema.get("uniqueItems") or index == 0:
            return value
        return f"{value}{index}" if isinstance(value, str) else value + index if isinstance(value, int) else value

    def string(self, schema: Schema, name: str, _depth: int) -> str:
        """A hint for the name, a sample of the format, or the name itself; cut or filled to the length asked for."""
        sample = _FORMATS.get(str(schema.get("format")))
        if sample is not None:
            return sample
        hint = self._hints.get(name)
        text = hint if isinstance(hint, str) and hint else name.replace("_", " ") or "demo"
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        text = text[:most] if isinstance(most, int) else text
        return text + "." * (least - len(text))

    def number(self, schema: Schema, name: str, _depth: int) -> float | int:
        """The smallest number of its range from 1 up, or the largest where the range ends below."""
        whole = _kind(schema) == "integer"
        step = schema.get("multipleOf") or (1 if whole else 0.5)
        low = max(_bound(schema, "minimum", "exclusiveMinimum", step), -math.inf)
        high = -_bound({key: -value for key, value in schema.items() if _is_number(value)}, "maximum", "exclusiveMaximum", step)
        hint = self._hints.get(name)
        if _is_number(hint) and low <= hint <= high and (not whole or isinstance(hint, int)) and "multipleOf" not in schema:
            return hint
        value = low if low > 1 else min(1.0, high)
        if "multipleOf" in schema:
            value = math.ceil(max(value, low) / step) * step
        return int(value) if whole else value

    def _resolve(self, given: Any, depth: int) -> Schema:
        schema = as_dict(given)
        reference = schema.get("$ref")
        if isinstance(reference, str) and depth < 24:
            return self._resolve(_lookup(self._root, reference), depth + 1)
        merged = dict(schema)
        for part in as_list(schema.get("allOf")):
            merged = _merge(merged, self._resolve(part, depth + 1))
        return merged


def _merge(left: Schema, right: Schema) -> Schema:
    merged = {**left, **right}
    for key in ("properties", "$defs"):
        if key in left and key in right:
            merged[key] = {**left[key], **right[key]}
    if "required" in left and "required" in right:
        merged["required"] = [*left["required"], *right["required"]]
    return merged


def _lookup(root: Schema, reference: str) -> Any:
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        found = as_dict(found).get(key, {}) if key else found
    return found


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    named = next((name for name in as_list(kind) if name != "null"), None)
    return str(named) if named else next((name for key, name in _IMPLIED if key in schema), "string")


def _simplest(options: list[Any], depth: int) -> Any:
    """Prefer something over null while shallow; once deep, null or whatever refers to nothing, so that recursion ends."""

    def weight(option: Any) -> int:
        is_null = as_dict(option).get("type") == "null"
        return int(is_null) if depth < 6 else int("$ref" in as_dict(option)) - int(is_null)

    return min(options, key=weight)


def _bound(schema: Schema, inclusive: str, exclusive: str, step: float) -> float:
    bounds = [-math.inf]
    if _is_number(schema.get(inclusive)):
        bounds.append(schema[inclusive])
    if _is_number(schema.get(exclusive)):
        bounds.append(schema[exclusive] + step)
    return max(bounds)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FIXED: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("const", lambda value: value),
    ("enum", lambda values: values[0] if values else None),
)
_IMPLIED = (("properties", "object"), ("required", "object"), ("items", "array"), ("prefixItems", "array"), ("minimum", "number"))
_MAKERS: dict[str, Callable[[_Maker, Schema, str, int], Any]] = {
    "object": _Maker.object,
    "array": _Maker.array,
    "string": _Maker.string,
    "integer": _Maker.number,
    "number": _Maker.number,
    "boolean": lambda _maker, _schema, _name, _depth: True,
}
_FORMATS = {
    "date": "2026-11-21",
    "time": "12:00:00Z",
    "date-time": "2026-11-21T12:00:00Z",
    "duration": "PT1H",
    "email": "demo@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
