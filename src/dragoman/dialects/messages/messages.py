"""Messages from the wire to flat items. A message becomes one or several; `turns` joins them again.

https://platform.claude.com/docs/en/api/messages (messages, system)
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.messages.blocks import read_content, read_part
from dragoman.dialects.messages.items import read_item
from dragoman.dialects.messages.remainder import NAME, own, unmodelled
from dragoman.dialects.messages.turns import PLAIN, SYSTEM, TURN
from dragoman.dialects.remainder import JsonObject, list_at, object_at, text_at, text_or_none, wrong
from dragoman.ir.request import Item, Message, Part, Role

# Whose turn a block with an item of its own belongs to, if not to the assistant's. Elsewhere it is kept as it came.
_SPEAKERS: dict[Any, str] = {"tool_result": "user"}
_KNOWN = frozenset({"role", "content"})
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def read_system(value: Any) -> tuple[Item, ...]:
    """The top-level `system`: a string or a list of text blocks."""
    if not value:
        return ()
    mark = {PLAIN: True} if isinstance(value, str) else {}
    return (Message("system", read_content(value, "system"), extra={NAME: {SYSTEM: mark}}),)


def read_messages(value: Any) -> tuple[Item, ...]:
    """The list `messages`."""
    items: list[Item] = []
    for index, entry in enumerate(list_at(value, "messages")):
        path = f"messages[{index}]"
        came = object_at(entry, path)
        name = text_at(came, "role", path)
        role = _ROLES.get(name)
        if role is None:
            raise wrong(f"{path}.role", f"is `{name}`; known are {', '.join(_ROLES)}")
        items += _read_message(came, role, path)
    return tuple(items)


def _read_message(came: JsonObject, role: Role, path: str) -> list[Item]:
    content = came.get("content")
    if content is None:
        raise wrong(f"{path}.content", "is missing: a string or a list of blocks is required")
    rest = own(unmodelled(came, _KNOWN)) or {}
    if isinstance(content, str):
        rest[PLAIN] = True
        items: list[Item] = [Message(role, read_content(content, path))]
    else:
        items = _read_blocks(list_at(content, f"{path}.content"), role, f"{path}.content") or [Message(role, ())]
    first: Any = items[0]
    extra = {NAME: {**(own(first.extra) or {}), TURN: rest}}
    return [msgspec.structs.replace(first, extra=extra), *items[1:]]


def _read_blocks(blocks: list[Any], role: Role, path: str) -> list[Item]:
    items: list[Item] = []
    parts: list[Part] = []

    def end_message() -> None:
        if parts:
            items.append(Message(role, tuple(parts)))
            parts.clear()

    for index, entry in enumerate(blocks):
        here = f"{path}[{index}]"
        came = object_at(entry, here)
        item = read_item(came, here) if _SPEAKERS.get(text_or_none(came, "type") or "", "assistant") == role else None
        if item is None:
            parts.append(read_part(came, here))
        else:
            end_message()
            items.append(item)
    end_message()
    return items
