"""A broken rule of a dialect, in the words of OpenAI's own errors, and the checks that both dialects share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from dragoman.simulator.shapes import as_dict, as_list


class Violation(msgspec.Struct, frozen=True):
    """A rule that a request broke."""

    message: str
    param: str | None = None
    code: str | None = None


def missing(param: str) -> Violation:
    """A field that must be there is not."""
    return Violation(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def unknown(param: str) -> Violation:
    """A field that the API does not know."""
    return Violation(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def bad_type(param: str, wanted: str, value: Any) -> Violation:
    """A field of the wrong JSON type."""
    return Violation(f"Invalid type for '{param}': expected {wanted}, but got {_spoken(value)} instead.", param, "invalid_type")


def bad_value(param: str, value: Any, supported: Collection[str]) -> Violation:
    """A value that is none of those listed."""
    listed = [f"'{one}'" for one in supported]
    told = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])}, and {listed[-1]}"
    return Violation(f"Invalid value: '{value}'. Supported values are: {told}.", param, "invalid_value")


def empty_array(param: str) -> Violation:
    """An array that must have items has none."""
    return Violation(
        f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead.", param, "empty_array"
    )


def too_long(param: str, value: str, most: int) -> Iterable[Violation]:
    """A text above its longest."""
    if len(value) > most:
        told = f"string too long. Expected a string with maximum length {most}, but got a string with length {len(value)} instead."
        yield Violation(f"Invalid '{param}': {told}", param, "string_above_max_length")


def check_name(param: str, value: Any, most: int) -> Iterable[Violation]:
    """The name of a tool or a namespace."""
    if not isinstance(value, str):
        yield missing(param) if value is None else bad_type(param, "a string", value)
        return
    yield from too_long(param, value, most)
    if not _NAME.fullmatch(value):
        told = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        yield Violation(f"Invalid '{param}': {told}", param, "invalid_value")


def check_choice(param: str, value: Any, supported: Collection[str]) -> Iterable[Violation]:
    """A field that may be left out or be null, else is one of these words."""
    if value is not None and value not in supported:
        yield bad_value(param, value, supported)


def check_range(param: str, value: Any, low: float, high: float) -> Iterable[Violation]:
    """A number that may be left out or be null, else lies within a range."""
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield bad_type(param, "a decimal", value)
    elif value < low:
        yield _out_of_range(param, "below minimum", f">= {low:g}", value)
    elif value > high:
        yield _out_of_range(param, "above maximum", f"<= {high:g}", value)


def check_schema(param: str, name: str, schema: Any, strict: bool) -> Iterable[Violation]:
    """The parameters of a function or the schema of an answer: an object at the root; closed and complete throughout if strict."""
    form = as_dict(schema)
    where = f"function '{name}'" if param.endswith("parameters") else f"response_format '{name}'"
    code = "invalid_function_parameters" if param.endswith("parameters") else "invalid_json_schema"
    if form and "type" in form and form["type"] != "object":
        told = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{form['type']}\"'."
        yield Violation(f"Invalid schema for {where}: {told}", param, code)
    if strict:
        for path, told in _strict_faults(form, ()):
            context = f"({', '.join(repr(step) for step in path)})"
            yield Violation(f"Invalid schema for {where}: In context={context}, {told}", param, code)


def matches_any(name: str, globs: Iterable[str]) -> bool:
    """Whether a name fits one of the globs."""
    return any(fnmatchcase(name, glob) for glob in globs)


def _strict_faults(schema: dict[str, Any], path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], str]]:
    properties = as_dict(schema.get("properties"))
    if schema.get("type") == "object" or properties:
        if schema.get("additionalProperties") is not False:
            yield path, "'additionalProperties' is required to be supplied and to be false."
        absent = [name for name in properties if name not in as_list(schema.get("required"))]
        if absent:
            told = f"'required' is required to be supplied and to be an array including every key in properties. Missing '{absent[0]}'."
            yield path, told
    for name, inner in properties.items():
        yield from _strict_faults(as_dict(inner), (*path, "properties", name))
    if "items" in schema:
        yield from _strict_faults(as_dict(schema["items"]), (*path, "items"))
    for index, inner in enumerate(as_list(schema.get("anyOf"))):
        yield from _strict_faults(as_dict(inner), (*path, "anyOf", str(index)))


def _out_of_range(param: str, how: str, wanted: str, value: float) -> Violation:
    kind = "integer" if isinstance(value, int) else "decimal"
    code = f"{kind}_{how.replace(' ', '_').replace('minimum', 'min').replace('maximum', 'max')}_value"
    return Violation(f"Invalid '{param}': {kind} {how} value. Expected a value {wanted}, but got {value} instead.", param, code)


def _spoken(value: Any) -> str:
    return next((name for kind, name in _SPOKEN if isinstance(value, kind)), "null")


_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_SPOKEN: tuple[tuple[type, str], ...] = (
    (str, "a string"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (list, "an array"),
    (dict, "an object"),
)
