"""Whose words: developer messages become system messages, and late ones user messages, where the target needs it."""

from __future__ import annotations

import msgspec

from dragoman.ir.request import Item, Message, Request, Text
from dragoman.lower.fitting import Fitting

_BEGIN = Text("<system_message>")
_END = Text("</system_message>")


def speak(request: Request, fitting: Fitting) -> Request:
    """The roles that the target knows."""
    caps = fitting.caps
    if caps.developer_role and caps.late_system:
        return request
    items: list[Item] = []
    late = False
    changed = False
    for item in request.items:
        if isinstance(item, Message) and item.role in ("system", "developer"):
            fitted = _fit(item, late and not caps.late_system, caps.developer_role)
            changed |= fitted is not item
            items.append(fitted)
        else:
            late = True
            items.append(item)
    return msgspec.structs.replace(request, items=_joined(items)) if changed else request


def as_user(item: Message) -> Message:
    """An instruction as a user message, marked so that the model doesn't take it for the user's own words."""
    return msgspec.structs.replace(item, role="user", parts=(_BEGIN, *item.parts, _END), extra=None)


def _joined(items: list[Item]) -> tuple[Item, ...]:
    """The system messages that open the conversation as one: the chat templates of many open models take but one, and first."""
    opening: list[Message] = []
    for item in items:
        if not isinstance(item, Message) or item.role != "system":
            break
        opening.append(item)
    if len(opening) < 2:
        return tuple(items)
    parts = tuple(part for message in opening for part in message.parts)
    return (msgspec.structs.replace(opening[0], parts=parts, extra=None), *items[len(opening) :])


def _fit(item: Message, late: bool, developer_role: bool) -> Message:
    if late:
        return as_user(item)
    if item.role == "developer" and not developer_role:
        return msgspec.structs.replace(item, role="system")
    return item
