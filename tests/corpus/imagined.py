"""Exchanges that nobody recorded: values drawn at random from what the official SDKs' own types allow, put together as the APIs demand.

The types say which fields there are; what a field of text may hold (JSON, base64, an address) is said here by its name.
"""

from __future__ import annotations

import base64
import importlib.util
import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from pydantic import TypeAdapter

Json = dict[str, Any]

WORDS = ("Hello", " there", "\n", "naïve – 日本語 🦉", 'a < b && c > "d"', "\\n", '{"a": 1}', "  ", "x", "## Title\n\n- one\n- two")


_SDKS = {"responses": "openai", "chat": "openai", "messages": "anthropic", "generate": "google.genai"}


def may_imagine(dialect: str) -> bool:
    """Whether the SDK of this dialect is installed."""
    try:
        return importlib.util.find_spec(_SDKS[dialect]) is not None
    except ModuleNotFoundError:
        return False


@cache
def schema(place: str) -> Json:
    """The JSON Schema of a type: `module:name`. Raises ModuleNotFoundError where its SDK is not installed."""
    module, _, name = place.partition(":")
    adapter: TypeAdapter[Any] = TypeAdapter(getattr(importlib.import_module(module), name))
    adapter.rebuild(force=True)
    return adapter.json_schema()


class Imagination:
    """Draws values that a schema allows."""

    def __init__(self, place: str, dice: Random) -> None:
        self.root = schema(place)
        self._place = place
        self._defs: Json = self.root.get("$defs", {})
        self.dice = dice

    def resolved(self, told: Json) -> Json:
        """A schema without its reference."""
        return self._defs[told["$ref"].rpartition("/")[2]] if "$ref" in told else told

    def members(self, told: Json) -> list[Json]:
        """The alternatives of a schema, null left out."""
        told = self.resolved(told)
        return [self.resolved(each) for each in told.get("anyOf", told.get("oneOf", [told])) if each.get("type") != "null"]

    def named(self, name: str) -> Json:
        """A type by its name."""
        return self._defs[name]

    def draw(self, told: Json, name: str = "", depth: int = 0) -> Any:
        """A value for the field of this name."""
        told = self.resolved(told)
        if name in _BY_NAME and told.get("const") is None and not told.get("enum"):
            return _BY_NAME[name](self.dice, told)
        if "anyOf" in told or "oneOf" in told:
            return self._of_any(told, name, depth)
        if "const" in told:
            return told["const"]
        if "enum" in told:
            return self.dice.choice(told["enum"])
        draw = _BY_TYPE.get(told.get("type", ""))
        return draw(self, told, name, depth) if draw is not None else _any_json(self.dice)

    def _of_any(self, told: Json, name: str, depth: int) -> Any:
        every = told.get("anyOf", told.get("oneOf", []))
        plain = [each for each in every if self.resolved(each).get("type") not in ("object", "array")]
        return self.draw(self.dice.choice(plain if depth > 5 and plain else every), name, depth + 1)

    def object(self, told: Json, name: str = "", depth: int = 0, *, leave: frozenset[str] = frozenset(), often: float = 0.5) -> Json:
        """All that must be there and some of what may be."""
        fields = told.get("properties")
        if not fields and name == "tools[]":
            return self._named_function()
        if not fields:
            of_each = told.get("additionalProperties")
            free = _any_object(self.dice)
            return {key: self.draw(of_each, "", depth + 1) for key in free} if isinstance(of_each, dict) and of_each else free
        must = told.get("required", ())
        chance = often if depth < 4 else 0.1
        return {
            field: self.draw(each, field, depth + 1)
            for field, each in fields.items()
            if field not in leave and (field in must or self.dice.random() < chance)
        }

    def _named_function(self) -> Json:
        """What a choice among tools names, of which the types say nothing."""
        named = {"name": name_of(self.dice)}
        return {"type": "function", **({"function": named} if ".chat" in self._place else named)}

    def _array(self, told: Json, name: str, depth: int) -> list[Any]:
        items = told.get("items", {})
        least = 1 if items.get("type") == "object" else 0  # what a choice names
        count = self.dice.choice((0, 1, 1, 2) if depth < 4 else (0, 1))
        return [self.draw(items, f"{name}[]", depth + 1) for _ in range(max(least, count))]


def words(dice: Random) -> str:
    """Something said."""
    return "".join(dice.choice(WORDS) for _ in range(dice.randint(1, 4)))


def _any_json(dice: Random) -> Any:
    return dice.choice((None, True, 0, 1.5, "text", [], {}, {"a": [1, {"b": None}]}, ["x", 2]))


def _any_object(dice: Random) -> Json:
    return {key: _any_json(dice) for key in dice.sample(("a", "b", "query", "path", "naïve"), dice.randint(0, 3))}


def _string(of: Imagination, told: Json, name: str, depth: int) -> str:
    return words(of.dice)


_BY_TYPE: dict[str, Callable[[Imagination, Json, str, int], Any]] = {
    "object": lambda of, told, name, depth: of.object(told, name, depth),
    "array": lambda of, told, name, depth: of._array(told, name, depth),
    "string": _string,
    "integer": lambda of, told, name, depth: of.dice.randint(1, 9000),
    "number": lambda of, told, name, depth: of.dice.choice((0, 0.5, 1, 12.25)),
    "boolean": lambda of, told, name, depth: of.dice.random() < 0.5,
    "null": lambda of, told, name, depth: None,
}


def name_of(dice: Random) -> str:
    """A name that every API takes."""
    return dice.choice(("read_file", "exec", "get_weather", "a", "find-it"))


def _id(dice: Random) -> str:
    return f"id_{dice.randrange(10**6)}"


def _data(dice: Random) -> str:
    return base64.b64encode(dice.randbytes(dice.randint(1, 12))).decode()


def _object_text(dice: Random) -> str:
    return json.dumps(_any_object(dice), ensure_ascii=dice.random() < 0.5, separators=dice.choice(((",", ":"), (", ", ": "))))


def _schema_value(dice: Random) -> Json:
    inner = dice.choice(({"type": "string"}, {"type": "integer", "minimum": 1}, {"type": "array", "items": {"type": "string"}}))
    return {"type": "object", "properties": {"a": inner}, "required": ["a"], "additionalProperties": False}


def _image_url(dice: Random, told: Json) -> Any:
    url = dice.choice(("https://example.com/a.png", f"data:image/png;base64,{_data(dice)}"))
    return url if told.get("type") == "string" or "anyOf" in told else {"url": url}


_BY_NAME: dict[str, Callable[[Random, Json], Any]] = {
    "arguments": lambda dice, told: _object_text(dice) if told.get("type") == "string" else _any_object(dice),
    "args": lambda dice, told: _any_object(dice),
    "call_id": lambda dice, told: _id(dice),
    "id": lambda dice, told: _id(dice),
    "tool_use_id": lambda dice, told: _id(dice),
    "tool_call_id": lambda dice, told: _id(dice),
    "parameters": lambda dice, told: _schema_value(dice),
    "input_schema": lambda dice, told: _schema_value(dice),
    "responseMimeType": lambda dice, told: dice.choice(("application/json", "text/plain")),
    "responseSchema": lambda dice, told: {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}},
    "responseJsonSchema": lambda dice, told: _schema_value(dice),
    "schema": lambda dice, told: _schema_value(dice),
    "encrypted_content": lambda dice, told: _data(dice),
    "signature": lambda dice, told: _data(dice),
    "thoughtSignature": lambda dice, told: _data(dice),
    "data": lambda dice, told: _data(dice),
    "file_data": lambda dice, told: f"data:application/pdf;base64,{_data(dice)}",
    "file_url": lambda dice, told: "https://example.com/a.pdf",
    "fileUri": lambda dice, told: "https://example.com/a.pdf",
    "url": lambda dice, told: "https://example.com/a",
    "mimeType": lambda dice, told: dice.choice(("image/png", "application/pdf", "audio/wav", "text/plain")),
}
