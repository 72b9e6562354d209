"""What bodies of Chat Completions say at a glance; see `dialects.glance`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dragoman.dialects.glance import (
    Brings,
    Called,
    Calls,
    Fields,
    Glance,
    Growing,
    Places,
    count,
    decode,
    read,
    result,
    role,
    spell,
    typed,
)


def _effort(fields: Fields) -> str | None:
    return read(fields, ("reasoning_effort",), str) or read(fields, ("reasoning", "effort"), str)


def _count_tools(fields: Fields) -> int:
    return count(fields.get("tools")) or count(fields.get("functions"))


# ---- calls ---------------------------------------------------------------------------------------------------------------


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _Piece(msgspec.Struct, gc=False):
    index: int = 0
    id: str | None = None
    function: _Function | None = None
    custom: dict[str, Any] | None = None


class _Said(msgspec.Struct, gc=False):
    tool_calls: list[_Piece] | None = None


class _Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Said | None = None
    message: _Said | None = None


class _Completion(msgspec.Struct, gc=False):
    choices: list[_Choice] = []


def _stream(frames: Iterable[bytes]) -> Iterator[Called]:
    growing: dict[tuple[int, int], Growing] = {}
    for frame in frames:
        chunk = decode(frame, _Completion)
        for choice in [] if chunk is None else chunk.choices:
            for piece in (choice.delta.tool_calls or ()) if choice.delta is not None else ():
                _grow(growing.setdefault((choice.index, piece.index), Growing()), piece)
    yield from (call.called() for call in growing.values())


def _whole(answer: bytes) -> Iterator[Called]:
    found = decode(answer, _Completion)
    for choice in [] if found is None else found.choices:
        for piece in (choice.message.tool_calls or ()) if choice.message is not None else ():
            _grow(growing := Growing(), piece)
            yield growing.called()


def _grow(call: Growing, piece: _Piece) -> None:
    call.id = piece.id or call.id
    if piece.function is not None:
        call.name = piece.function.name or call.name
        call.arguments.append(spell(piece.function.arguments))
    elif piece.custom is not None:
        call.name = str(piece.custom.get("name") or call.name)
        call.arguments.append(spell(piece.custom.get("input")))


# ---- all of it -----------------------------------------------------------------------------------------------------------


GLANCE = Glance(
    Places(
        system="",
        items="messages",
        effort=_effort,
        tools=_count_tools,
        limits=(("max_completion_tokens",), ("max_tokens",)),
        media=(("image", typed(rb"image_url")), ("file", typed(rb"file")), ("audio", typed(rb"input_audio"))),
    ),
    Calls((b'"tool_calls"',), _stream, _whole),
    Brings(
        words=(b'"assistant"',),
        model=role(b"assistant"),
        result_word=b'"tool"',
        results=role(b"tool"),
        read=result("tool_call_id", output="content"),
    ),
    pieces=("content", "reasoning_content", "reasoning", "text", "thinking", "arguments"),
)
