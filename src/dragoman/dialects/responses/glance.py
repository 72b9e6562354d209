"""What bodies of the Responses API say at a glance; see `dialects.glance`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dragoman.dialects.glance import Brings, Called, Calls, Fields, Glance, Places, decode, read, result, spell, typed
from dragoman.dialects.responses.forms import RUN_THERE
from dragoman.ir.request import Executor

_DONE = b"output_item.done"
_INLINE_TOOLS = b'"additional_tools"'
_OF_CLIENTS = frozenset(
    f"{name}_call" for name in ("function", "custom_tool", "tool_search", "local_shell", "shell", "apply_patch", "computer")
)
"""Calls that clients run; all others are told when they are over."""


# ---- places --------------------------------------------------------------------------------------------------------------


class _Tool(msgspec.Struct, gc=False):
    """A tool, or a namespace of them."""

    tools: list[msgspec.Raw] | None = None


class _Asked(msgspec.Struct, gc=False):
    type: Any = None
    tools: list[_Tool] | None = None


def _effort(fields: Fields) -> str | None:
    return read(fields, ("reasoning", "effort"), str)


def _count_tools(fields: Fields) -> int:
    tools = decode(fields.get("tools"), list[_Tool])
    if not tools and _INLINE_TOOLS in (items := bytes(fields.get("input", b""))):
        found = decode(items, list[_Asked]) or []
        tools = [tool for item in found if item.type == "additional_tools" for tool in item.tools or ()]
    return sum(1 if tool.tools is None else len(tool.tools) for tool in tools or ())


# ---- calls ---------------------------------------------------------------------------------------------------------------


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    name: str | None = None
    namespace: str | None = None
    call_id: str | None = None
    id: str | None = None
    arguments: Any = None
    input: Any = None
    action: Any = None
    execution: Any = None


class _Done(msgspec.Struct, gc=False):
    type: str = ""
    item: _Item | None = None


class _Response(msgspec.Struct, gc=False):
    output: list[_Item] = []


def _stream(frames: Iterable[bytes]) -> Iterator[Called]:
    for frame in frames:
        # The others with a call are those that begin it, and the last one, which tells the whole answer again.
        done = decode(frame, _Done) if _DONE in frame else None
        if done is not None and done.type == "response.output_item.done" and done.item is not None:
            yield from _calls([done.item])


def _whole(answer: bytes) -> Iterator[Called]:
    found = decode(answer, _Response)
    yield from _calls([] if found is None else found.output)


def _calls(items: Iterable[_Item]) -> Iterator[Called]:
    for item in items:
        if item.type.endswith("_call"):
            name = item.name or item.type.removesuffix("_call")
            said = next((value for value in (item.arguments, item.input, item.action) if value is not None), None)
            spelt = f"{item.namespace}.{name}" if item.namespace else name
            yield Called(item.call_id or item.id or "", spelt, spell(said), _executor(item))


def _executor(item: _Item) -> Executor:
    is_run_there = item.type not in _OF_CLIENTS or item.execution == "server" or (item.call_id or "").startswith(RUN_THERE)
    return "provider" if is_run_there else "client"


# ---- all of it -----------------------------------------------------------------------------------------------------------


GLANCE = Glance(
    Places(
        system="instructions",
        items="input",
        effort=_effort,
        tools=_count_tools,
        limits=(("max_output_tokens",),),
        media=(("image", typed(rb"input_image")), ("file", typed(rb"input_file")), ("audio", typed(rb"input_audio"))),
    ),
    Calls((b'_call"',), _stream, _whole),
    Brings(
        words=(b'_call"', b'"reasoning"', b'"assistant"'),
        model=re.compile(rb'"role"\s*:\s*"assistant"|"type"\s*:\s*"(?:[a-z_]+_call|reasoning)"'),
        result_word=b'_call_output"',
        results=typed(rb"[a-z_]+_call_output"),
        read=result("call_id", "id", output="output"),
    ),
    pieces=("delta",),
)
