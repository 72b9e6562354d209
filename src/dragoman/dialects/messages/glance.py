"""What bodies of the Messages API say at a glance; see `dialects.glance`."""

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
    Result,
    budget,
    count,
    decode,
    parts_of,
    read,
    result,
    role,
    spell,
    typed,
)
from dragoman.ir.request import Executor

_USES: dict[str, Executor] = {"tool_use": "client", "server_tool_use": "provider", "mcp_tool_use": "provider"}


def _effort(fields: Fields) -> str | None:
    said = read(fields, ("output_config", "effort"), str)
    if said is not None or read(fields, ("thinking", "type"), str) != "disabled":
        return said or budget(read(fields, ("thinking", "budget_tokens"), int))
    return "none"


def _count_tools(fields: Fields) -> int:
    return count(fields.get("tools"))


# ---- calls ---------------------------------------------------------------------------------------------------------------


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    id: str = ""
    name: str = ""
    input: Any = None


class _Delta(msgspec.Struct, gc=False):
    type: str = ""
    partial_json: str = ""


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    content_block: _Block | None = None
    delta: _Delta | None = None


class _Message(msgspec.Struct, gc=False):
    content: list[_Block] = []


def _stream(frames: Iterable[bytes]) -> Iterator[Called]:
    growing: dict[int, Growing] = {}
    for frame in frames:
        event = decode(frame, _Event)
        if event is None:
            continue
        block = event.content_block
        if block is not None and block.type in _USES:
            growing[event.index] = Growing(block.id, block.name, _USES[block.type])
        elif event.delta is not None and event.index in growing:
            growing[event.index].arguments.append(event.delta.partial_json)
    yield from (call.called() for call in growing.values())


def _whole(answer: bytes) -> Iterator[Called]:
    found = decode(answer, _Message)
    blocks = [] if found is None else found.content
    yield from (Called(block.id, block.name, spell(block.input), _USES[block.type]) for block in blocks if block.type in _USES)


# ---- results -------------------------------------------------------------------------------------------------------------


_result = result("tool_use_id", output="content")


def _results(item: Fields) -> Iterator[Result]:
    for block in parts_of(item, "content"):
        yield from _result(block)


# ---- all of it -----------------------------------------------------------------------------------------------------------


GLANCE = Glance(
    Places(
        system="system",
        items="messages",
        effort=_effort,
        tools=_count_tools,
        limits=(("max_tokens",),),
        media=(("image", typed(rb"image")), ("file", typed(rb"document"))),
    ),
    Calls((b'tool_use"', b'"input_json_delta"'), _stream, _whole),
    Brings(
        words=(b'"assistant"',),
        model=role(b"assistant"),
        result_word=b'tool_result"',
        results=typed(rb"(?:[a-z_]+_)?tool_result"),
        read=_results,
    ),
    pieces=("text", "partial_json", "thinking", "content"),
)
