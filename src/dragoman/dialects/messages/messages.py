"""Messages from the wire to flat items. A message becomes one or several; `turns` joins them again.

https://platform.claude.com/docs/en/api/messages (messages, system)
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import msgspec

from dragoman.dialects.messages.blocks import read_content, read_part
from dragoman.dialects.messages.items import Spoken, read_item
from dragoman.dialects.messages.remainder import NAME, own, unmodelled
from dragoman.dialects.messages.turns import PLAIN, SYSTEM, TURN
from dragoman.dialects.remainder import each, list_at, object_at, text_at, wrong
from dragoman.ir.request import Audio, File, Image, Item, Message, OpaquePart, Part, Role, Text

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
    return tuple(chain.from_iterable(each(_read_message, list_at(value, "messages"), "messages")))


def _read_message(value: Any, path: str) -> list[Item]:
    came = object_at(value, path)
    name = text_at(came, "role", path)
    role = _ROLES.get(name)
    if role is None:
        raise wrong(f"{path}.role", f"is `{name}`; known are {', '.join(_ROLES)}")
    content = came.get("content")
    if content is None:
        raise wrong(f"{path}.content", "is missing: a string or a list of blocks is required")
    rest = {} if len(came) == 2 else own(unmodelled(came, _KNOWN)) or {}
    if isinstance(content, str):
        rest[PLAIN] = True
        items: list[Item] = [Message(role, read_content(content, path))]
    else:
        items = _read_blocks(list_at(content, f"{path}.content"), role, f"{path}.content") or [Message(role, ())]
    first: Any = items[0]
    extra = {NAME: {**(own(first.extra) or {}), TURN: rest} if first.extra else {TURN: rest}}
    items[0] = msgspec.structs.replace(first, extra=extra)
    return items


def _read_blocks(blocks: list[Any], role: Role, path: str) -> list[Item]:
    items: list[Item] = []
    parts: list[Part] = []
    for block in each(_READ_BLOCK[role], blocks, path):
        if isinstance(block, Text) or type(block) in _SHOWN:
            parts.append(block)  # pyright: ignore[reportArgumentType]
            continue
        if parts:
            items.append(Message(role, tuple(parts)))
            parts.clear()
        items.append(block)  # pyright: ignore[reportArgumentType]
    if parts:
        items.append(Message(role, tuple(parts)))
    return items


def _reader(role: Role) -> Callable[[Any, str], Part | Spoken]:
    answers, speaks = role == "user", role == "assistant"

    def read(value: Any, path: str) -> Part | Spoken:
        came = object_at(value, path)
        kind = came.get("type")
        # Only the assistant thinks and calls, and only others answer.
        if kind == "text" or (answers if kind == "tool_result" else speaks) is False:
            return read_part(came, path)
        item = read_item(came, path)
        return read_part(came, path) if item is None else item

    return read


_SHOWN: frozenset[type] = frozenset({Image, File, Audio, OpaquePart})
_READ_BLOCK: dict[Role, Callable[[Any, str], Part | Spoken]] = {role: _reader(role) for role in ("user", "assistant", "system")}
