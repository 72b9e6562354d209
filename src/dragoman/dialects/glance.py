"""What a dialect's bodies say at a glance, to those who need a word of them and not the whole: routing and the journal.

Each dialect says in its `glance.py` where such things stand. Nothing here parses a body in full, and everything takes bodies that are
wrong: they are the provider's to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from dragoman.ir.request import Executor
from dragoman.wire.not_json import NOT_JSON

Fields = Mapping[str, msgspec.Raw]
"""The top level of a JSON object."""
_Value = TypeVar("_Value")
# To the type checker this is no type.
_ANY = cast(type[Any], Any)
_CUTS = ((4096, "low"), (16_384, "medium"))
"""Tokens for thinking, in words: https://ai.google.dev/gemini-api/docs/openai#thinking."""


class Called(NamedTuple):
    """A call of a tool in an answer; `arguments` as they were written. executor: who runs it."""

    call_id: str
    name: str
    arguments: str
    executor: Executor = "client"


class Result(NamedTuple):
    """The result of a tool in a request: `output` as raw JSON; whether it says itself that it is an error."""

    call_id: str
    output: bytes
    is_error: bool


class Places(msgspec.Struct, frozen=True):
    """Where things stand in a request. system, items: fields with what comes before and in the conversation; effort, tools: read off the
    fields how hard to think, and how many tools are offered, those within others each; limits: paths of the longest answer wanted;
    media: patterns in the items, by what they show."""

    system: str
    items: str
    effort: Callable[[Fields], str | None]
    tools: Callable[[Fields], int]
    limits: tuple[tuple[str, ...], ...]
    media: tuple[tuple[str, re.Pattern[bytes]], ...]


class Calls(msgspec.Struct, frozen=True):
    """Which tools an answer calls. marks: one of these stands in each event that matters; stream, whole: read the calls off the data of
    these events, or off an answer in one piece."""

    marks: tuple[bytes, ...]
    stream: Callable[[Iterable[bytes]], Iterator[Called]]
    whole: Callable[[bytes], Iterator[Called]]


class Brings(msgspec.Struct, frozen=True):
    """What an item of the conversation is. model: what the model's own bear, each ending with one of `words`, of which the last items
    mostly have the first; results: what those with results of tools bear, each with `result_word` in it; read: an item's results."""

    words: tuple[bytes, ...]
    model: re.Pattern[bytes]
    result_word: bytes
    results: re.Pattern[bytes]
    read: Callable[[Fields], Iterator[Result]]


class Glance(msgspec.Struct, frozen=True):
    """places: of what routing wants to know; calls: of tools in an answer; brings: what is new in a request; pieces: names of the fields in
    which a streamed answer says something bit by bit."""

    places: Places
    calls: Calls
    brings: Brings
    pieces: tuple[str, ...]


# ---- what several dialects share -----------------------------------------------------------------------------------------


def decode(raw: bytes | msgspec.Raw | None, kind: type[_Value]) -> _Value | None:
    """The value of some JSON, if it is of that kind."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except NOT_JSON:
        return None


def read(fields: Fields, path: tuple[str, ...], kind: type[_Value]) -> _Value | None:
    """The value at a path, if it is of that kind."""
    raw = fields.get(path[0])
    if raw is None:
        return None
    value: Any = decode(raw, _ANY)
    for step in path[1:]:
        value = value.get(step) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value if isinstance(value, kind) and not (kind is int and isinstance(value, bool)) else None  # pyright: ignore[reportUnknownArgumentType]


def count(raw: msgspec.Raw | None) -> int:
    """The objects of a list."""
    return len(decode(raw, list[_Object]) or ())


class _Object(msgspec.Struct, gc=False):
    """Whatever is in it."""


def budget(tokens: int | None) -> str | None:
    """An effort, told as the tokens that may be thought; below zero, as the model likes."""
    if tokens is None or tokens < 0:
        return None
    return "none" if tokens == 0 else next((word for cut, word in _CUTS if tokens < cut), "high")


def typed(words: bytes) -> re.Pattern[bytes]:
    """An object whose type is one of these words: quotes within a text would be escaped."""
    return re.compile(rb'"type"\s*:\s*"(?:' + words + rb')"')


def role(word: bytes) -> re.Pattern[bytes]:
    """An item of this role: quotes within a text would be escaped."""
    return re.compile(rb'"role"\s*:\s*"' + word + rb'"')


USER = role(b"user")
"""An item of the user's, in every dialect."""


def spell(value: Any) -> str:
    """Arguments as text, whether they came so or as an object."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


class Growing:
    """A call that comes in pieces."""

    def __init__(self, call_id: str = "", name: str = "", executor: Executor = "client") -> None:
        self.id = call_id
        self.name = name
        self.executor: Executor = executor
        self.arguments: list[str] = []

    def called(self) -> Called:
        """What has come of it."""
        return Called(self.id, self.name, "".join(self.arguments), self.executor)


def result(*ids: str, output: str) -> Callable[[Fields], Iterator[Result]]:
    """Reads an item that is the result of one call. ids: fields with the call's id, the first that there is."""

    def reader(item: Fields) -> Iterator[Result]:
        call_id = next((value for name in ids if (value := read(item, (name,), str)) is not None), None)
        if call_id is not None:
            yield Result(call_id, bytes(item.get(output, b"")), read(item, ("is_error",), bool) is True)

    return reader


def parts_of(item: Fields, field: str) -> list[dict[str, msgspec.Raw]]:
    """The objects in a list of an item."""
    return decode(item.get(field), list[dict[str, msgspec.Raw]]) or []
