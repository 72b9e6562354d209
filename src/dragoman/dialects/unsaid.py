"""What of an answer's items a dialect has no form for, so that it can be said instead of being lost without a word."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.ir.request import Audio, Call, Compaction, File, Image, Item, Message, OpaqueItem, OpaquePart, Part, Result

_MEDIA: dict[type, str] = {Image: "pictures in an answer", Audio: "sound in an answer", File: "files in an answer"}


def unsaid(item: Item, name: str, has_form: Callable[[Item], bool], parts: tuple[type, ...] = ()) -> str | None:
    """What of an item the dialect `name` does not tell, in words that follow "has no form for"; None where it tells all.

    has_form: whether it writes an item that is no message. parts: the kinds of parts that it writes in a message, besides text.
    """
    if isinstance(item, Message):
        return next((lost for part in item.parts if (lost := _lost(part, name, parts)) is not None), None)
    if has_form(item):
        return None
    if isinstance(item, Call | Result):
        return "what tools did that the provider ran itself"
    if isinstance(item, Compaction):
        return "a compaction of the conversation"
    return f"`{item.kind}` of `{item.dialect}`" if isinstance(item, OpaqueItem) else None


def _lost(part: Part, name: str, parts: tuple[type, ...]) -> str | None:
    if isinstance(part, OpaquePart):
        return None if part.dialect == name else f"some of what `{part.dialect}` answers"
    return None if isinstance(part, parts) else _MEDIA.get(type(part))
