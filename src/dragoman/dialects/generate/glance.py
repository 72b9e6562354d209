"""What bodies of generateContent say at a glance; see `dialects.glance`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dragoman.dialects.glance import (
    Brings,
    Called,
    Calls,
    Fields,
    Glance,
    Places,
    Result,
    budget,
    decode,
    parts_of,
    read,
    result,
    role,
    spell,
)

_THINKING = ("generationConfig", "thinkingConfig")
_MIME = rb'"mime_?[tT]ype"\s*:\s*"'


# ---- places --------------------------------------------------------------------------------------------------------------


class _Tool(msgspec.Struct, gc=False, rename="camel"):
    """One of the API's own tools, or a set of functions."""

    function_declarations: list[msgspec.Raw] | None = None


def _effort(fields: Fields) -> str | None:
    level = read(fields, (*_THINKING, "thinkingLevel"), str)
    return level.lower() if level is not None else budget(read(fields, (*_THINKING, "thinkingBudget"), int))


def _count_tools(fields: Fields) -> int:
    tools = decode(fields.get("tools"), list[_Tool]) or ()
    return sum(1 if tool.function_declarations is None else len(tool.function_declarations) for tool in tools)


# ---- calls ---------------------------------------------------------------------------------------------------------------


class _FunctionCall(msgspec.Struct, gc=False):
    name: str = ""
    id: str = ""
    args: Any = None


class _Part(msgspec.Struct, gc=False, rename="camel"):
    function_call: _FunctionCall | None = None


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct, gc=False):
    content: _Content | None = None


class _Generated(msgspec.Struct, gc=False):
    candidates: list[_Candidate] = []


def _stream(frames: Iterable[bytes]) -> Iterator[Called]:
    for frame in frames:
        yield from _whole(frame)


def _whole(answer: bytes) -> Iterator[Called]:
    found = decode(answer, _Generated)
    for candidate in [] if found is None else found.candidates:
        for part in candidate.content.parts if candidate.content is not None else ():
            if part.function_call is not None:
                yield Called(part.function_call.id, part.function_call.name, spell(part.function_call.args))


# ---- results -------------------------------------------------------------------------------------------------------------


_result = result("id", output="response")


def _results(item: Fields) -> Iterator[Result]:
    for part in parts_of(item, "parts"):
        yield from _result(decode(part.get("functionResponse"), dict[str, msgspec.Raw]) or {})


# ---- all of it -----------------------------------------------------------------------------------------------------------


GLANCE = Glance(
    Places(
        system="systemInstruction",
        items="contents",
        effort=_effort,
        tools=_count_tools,
        limits=(("generationConfig", "maxOutputTokens"),),
        media=(
            ("image", re.compile(_MIME + rb"image/")),
            ("file", re.compile(_MIME + rb"(?:application|text|video)/")),
            ("audio", re.compile(_MIME + rb"audio/")),
        ),
    ),
    Calls((b'"functionCall"',), _stream, _whole),
    Brings(
        words=(b'"model"',),
        model=role(b"model"),
        result_word=b'"functionResponse"',
        results=re.compile(rb'"functionResponse"\s*:\s*\{'),
        read=_results,
    ),
    pieces=("text",),
)
