"""Where each dialect says in a request's body what routing may want to know, and how it is read without parsing the whole.

A table by dialect; what a dialect has no place for is not told. Everything takes bodies that are wrong: they are the provider's to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

Fields = Mapping[str, msgspec.Raw]

_Value = TypeVar("_Value")
_CUTS = ((4096, "low"), (16_384, "medium"))
"""Tokens for thinking, in words: https://ai.google.dev/gemini-api/docs/openai#thinking."""


class _Tool(msgspec.Struct):
    """A tool, or a set of them: a namespace, Gemini's declarations."""

    tools: list[msgspec.Raw] | None = None
    declarations: list[msgspec.Raw] | None = msgspec.field(name="functionDeclarations", default=None)


class _Item(msgspec.Struct):
    role: Any = None
    type: Any = None
    tools: list[_Tool] | None = None


class Places(msgspec.Struct, frozen=True):
    """Where things stand in a body. system, items: fields with what comes before and in the conversation; effort: reads it off the
    fields; limits: paths of the longest answer wanted; media: patterns in the items, by what they show."""

    system: str
    items: str
    effort: Callable[[Fields], str | None]
    limits: tuple[tuple[str, ...], ...]
    media: tuple[tuple[str, re.Pattern[bytes]], ...]


def read(fields: Fields, path: tuple[str, ...], kind: type[_Value]) -> _Value | None:
    """The value at a path, if it is of that kind."""
    raw = fields.get(path[0])
    if raw is None:
        return None
    value: Any = _decoded(raw)
    for step in path[1:]:
        value = value.get(step) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value if isinstance(value, kind) and not (kind is int and isinstance(value, bool)) else None  # pyright: ignore[reportUnknownArgumentType]


def count_tools(fields: Fields, places: Places) -> int:
    """The tools that are offered, those within namespaces and declarations each."""
    tools = _as(fields.get("tools"), list[_Tool]) or _as(fields.get("functions"), list[_Tool])
    if tools is None and _INLINE_TOOLS in (items := bytes(fields.get(places.items, b""))):
        found = _as(msgspec.Raw(items), list[_Item]) or []
        tools = [tool for item in found if item.type == "additional_tools" for tool in item.tools or ()]
    return sum(_size(tool) for tool in tools or ())


def modalities(fields: Fields, places: Places) -> frozenset[str]:
    """What the conversation holds besides text."""
    raw = bytes(fields.get(places.items, b""))
    return frozenset({"text", *(kind for kind, pattern in places.media if pattern.search(raw) is not None)})


def media_bytes(fields: Fields, places: Places) -> int:
    """Bytes of pictures and files that stand in the conversation itself."""
    return sum(match.end() - match.start() for match in _BASE64.finditer(bytes(fields.get(places.items, b""))))


def beginning(fields: Fields, places: Places) -> bytes:
    """What tells one conversation from another and is the same in all of its requests: how what comes before it begins and ends, and
    its items up to the first of the user's. However long the conversation is, only these items are looked at."""
    system, items = memoryview(fields.get(places.system, b"")), memoryview(fields.get(places.items, b""))
    return b"\0".join([_ends(system), _ends(items[: _end_of_users_first(items)])])


def last_words(fields: Fields, places: Places) -> bytes:
    """The last item of the user's, as raw JSON; of a conversation that is one text, that."""
    items = fields.get(places.items)
    parts = _as(items, list[msgspec.Raw])
    if parts is None:
        return bytes(items or b"")
    return next((bytes(part) for part in reversed(parts) if _role(part) == "user"), b"")


def text_entries(raw: msgspec.Raw | bytes | None) -> dict[str, str]:
    """The entries of a JSON object that are text, numbers or truth values, as text."""
    value: Any = None if raw is None else _decoded(raw)
    if not isinstance(value, dict):
        return {}
    found: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
    return {name: _plain(entry) for name, entry in found.items() if isinstance(entry, str | int | float)}


def _plain(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ends(text: memoryview) -> bytes:
    """A long text by its two ends and its length: a prompt differs from another there, if anywhere."""
    size = len(text)
    return bytes(text) if size <= 2 * _END_BYTES else b"%b%d%b" % (text[:_END_BYTES], size, text[size - _END_BYTES :])


def _end_of_users_first(items: memoryview) -> int:
    """Where the first item of the user's ends in a JSON list (without one: the first item; of one text: all of it). Found by its role,
    which inside a text would have its quotes escaped; from there to where its braces close."""
    role = _USER.search(items)
    if role is None and bytes(items[:1]) != b"[":
        return len(items)
    depth, outside = 0, 0 if role is None else -1
    for token in _TOKEN.finditer(items, 0 if role is None else role.end()):
        mark = token[0]
        if mark == b"{":
            depth += 1
        elif mark == b"}":
            depth -= 1
            if depth == outside:
                return token.end()
    return len(items)


def _role(part: msgspec.Raw) -> Any:
    item = _as(part, _Item)
    return None if item is None else item.role


def _size(tool: _Tool) -> int:
    inner = tool.tools if tool.tools is not None else tool.declarations
    return 1 if inner is None else len(inner)


def _decoded(raw: msgspec.Raw | bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _as(raw: msgspec.Raw | None, kind: type[_Value]) -> _Value | None:
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


# ---- the dialects --------------------------------------------------------------------------------------------------------


def _budget(tokens: int | None) -> str | None:
    if tokens is None or tokens < 0:
        return None
    return "none" if tokens == 0 else next((word for cut, word in _CUTS if tokens < cut), "high")


def _responses_effort(fields: Fields) -> str | None:
    return read(fields, ("reasoning", "effort"), str)


def _chat_effort(fields: Fields) -> str | None:
    return read(fields, ("reasoning_effort",), str) or read(fields, ("reasoning", "effort"), str)


def _messages_effort(fields: Fields) -> str | None:
    said = read(fields, ("output_config", "effort"), str)
    if said is not None or read(fields, ("thinking", "type"), str) != "disabled":
        return said or _budget(read(fields, ("thinking", "budget_tokens"), int))
    return "none"


def _generate_effort(fields: Fields) -> str | None:
    thinking = ("generationConfig", "thinkingConfig")
    level = read(fields, (*thinking, "thinkingLevel"), str)
    return level.lower() if level is not None else _budget(read(fields, (*thinking, "thinkingBudget"), int))


def _typed(words: bytes) -> re.Pattern[bytes]:
    """A part whose type is one of these words: quotes within a text would be escaped."""
    return re.compile(rb'"type"\s*:\s*"(?:' + words + rb')"')


_END_BYTES = 1024
_USER = re.compile(rb'"role"\s*:\s*"user"')
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}]', re.DOTALL)
_INLINE_TOOLS = b'"additional_tools"'
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]{2048,}")
_MIME = rb'"mime_?[tT]ype"\s*:\s*"'

PLACES: dict[str, Places] = {
    "responses": Places(
        "instructions",
        "input",
        _responses_effort,
        (("max_output_tokens",),),
        (("image", _typed(rb"input_image")), ("file", _typed(rb"input_file")), ("audio", _typed(rb"input_audio"))),
    ),
    "chat": Places(
        "",
        "messages",
        _chat_effort,
        (("max_completion_tokens",), ("max_tokens",)),
        (("image", _typed(rb"image_url")), ("file", _typed(rb"file")), ("audio", _typed(rb"input_audio"))),
    ),
    "messages": Places(
        "system",
        "messages",
        _messages_effort,
        (("max_tokens",),),
        (("image", _typed(rb"image")), ("file", _typed(rb"document"))),
    ),
    "generate": Places(
        "systemInstruction",
        "contents",
        _generate_effort,
        (("generationConfig", "maxOutputTokens"),),
        (
            ("image", re.compile(_MIME + rb"image/")),
            ("file", re.compile(_MIME + rb"(?:application|text|video)/")),
            ("audio", re.compile(_MIME + rb"audio/")),
        ),
    ),
}
"""By the name of the dialect."""
