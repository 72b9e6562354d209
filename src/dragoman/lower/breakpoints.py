"""Marks of the prompt cache (`cache_control`) that a client set: carried to a target that takes them, from whichever API they came.

Chat has them as some routers do (https://openrouter.ai/docs/features/prompt-caching), Messages as its own
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching), in the same form. At most four count; the last ones are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dragoman.ir.request import Call, CustomTool, Extra, FunctionTool, HostedTool, Item, Message, OpaquePart, Part, Request, Result, Tool
from dragoman.lower.fitting import Fitting

replace = msgspec.structs.replace

FIELD = "cache_control"
_TAKEN = frozenset({"messages"})
"""APIs that have such marks."""
_BY_ITSELF = frozenset({"responses", "generate"})
"""APIs whose cache needs none for what a plain mark asks for."""
_MOST = 4
_PLAIN: tuple[Any, ...] = ({"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"})


def carry(request: Request, fitting: Fitting) -> Request:
    """The marks of other APIs as those of the target's; a warning where it takes none."""
    caps = fitting.caps
    found = [mark for extra in _extras(request) if (mark := _mark(extra, caps.dialect)) is not None]
    if not found:
        return request
    if caps.dialect not in _TAKEN and not caps.cache_marks:
        if caps.dialect not in _BY_ITSELF or any(mark not in _PLAIN for mark in found):
            fitting.warn(FIELD, "the target is not known to take marks of its prompt cache")
        return request
    if len(found) > _MOST:
        fitting.warn(FIELD, f"the last {_MOST} of {len(found)} marks are kept, the most that count")
    if caps.dialect not in _TAKEN and any(isinstance(item, Call) and _mark(item.extra, caps.dialect) is not None for item in request.items):
        fitting.warn(FIELD, "the target's API has no place for a mark at a call")
    moving = _Moving(caps.dialect)
    # From the end, since the last ones are kept.
    items = [moving.item(item) for item in reversed(request.items)]
    tools = [moving.tool(tool) for tool in reversed(request.tools)]
    return replace(request, items=tuple(reversed(items)), tools=tuple(reversed(tools)))


class _Moving:
    """Moves the last marks to where the dialect `here` reads them."""

    def __init__(self, here: str) -> None:
        self._here = here
        self._left = _MOST

    def item(self, item: Item) -> Item:
        """A message or result with its marks on its parts, where its own goes on the last, and a call with its own; anything else as it
        is."""
        if isinstance(item, Call) and self._here in _TAKEN:
            mark = _mark(item.extra, self._here)
            return replace(item, extra=self._with(item.extra, mark)) if self._may(mark) else item
        if not isinstance(item, (Message, Result)):
            return item
        own, parts = _mark(item.extra, self._here), list(item.parts)
        for place in reversed(range(len(parts))):
            parts[place] = self._part(parts[place], own)
            own = None
        return item if all(a is b for a, b in zip(parts, item.parts, strict=True)) else replace(item, parts=tuple(parts))

    def tool(self, tool: Tool) -> Tool:
        """A tool with its mark."""
        if not isinstance(tool, (FunctionTool, CustomTool)):
            return tool
        mark = _mark(tool.extra, self._here)
        return replace(tool, extra=self._with(tool.extra, mark)) if self._may(mark) else tool

    def _part(self, part: Part, more: Any) -> Part:
        if isinstance(part, OpaquePart):
            return part
        mark = _mark(part.extra, self._here) or more
        return replace(part, extra=self._with(part.extra, mark)) if self._may(mark) else part

    def _may(self, mark: Any) -> bool:
        if mark is None or not self._left:
            return False
        self._left -= 1
        return True

    def _with(self, extra: Extra | None, mark: Any) -> Extra:
        said = extra or {}
        return {**said, self._here: {**said.get(self._here, {}), FIELD: mark}}


def _extras(request: Request) -> Iterator[Extra]:
    for item in request.items:
        if isinstance(item, (Message, Result)):
            for part in item.parts:
                if not isinstance(part, OpaquePart) and part.extra:
                    yield part.extra
            if item.extra:
                yield item.extra
        elif isinstance(item, Call) and item.extra:
            yield item.extra
    for tool in request.tools:
        if not isinstance(tool, HostedTool) and tool.extra:
            yield tool.extra


def _mark(extra: Extra | None, here: str) -> Any:
    """The mark that another dialect than `here` knows of."""
    for name, fields in (extra or {}).items():
        if name != here and fields.get(FIELD) is not None:
            return fields[FIELD]
    return None
