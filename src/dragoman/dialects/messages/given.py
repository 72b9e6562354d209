"""Finished items of an answer as blocks for a client of this dialect."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.messages.blocks import VERBATIM, write_part
from dragoman.dialects.messages.items import (
    REDACTED,
    sealed_signature,
    thought_text,
    write_call,
    write_compaction,
    write_result,
)
from dragoman.dialects.messages.remainder import NAME, own
from dragoman.dialects.remainder import JsonObject, complete
from dragoman.dialects.unsaid import unsaid
from dragoman.ir.request import Call, Compaction, Item, Message, OpaqueItem, OpaquePart, Part, Reasoning, Result, Text


def given_blocks(item: Item) -> list[JsonObject]:
    """The blocks of one item; none for what only another API understands."""
    if isinstance(item, Message):
        return [block for part in item.parts if (block := _said(part)) is not None]
    block = _block(item)
    return [complete(block, own(getattr(item, "extra", None)))] if block is not None else []


def unsaid_of(item: Item) -> str | None:
    """What this API does not tell of an item of an answer."""
    return unsaid(item, NAME, lambda item: bool(given_blocks(item)))


def _said(part: Part) -> JsonObject | None:
    # Pictures in an answer have no form here.
    if isinstance(part, OpaquePart) and part.dialect == NAME:
        return part.value
    return write_part(part, VERBATIM) if isinstance(part, Text) and (part.text or part.citations) else None


def _block(item: Any) -> JsonObject | None:
    if isinstance(item, Reasoning):
        return thought_block(item)
    if isinstance(item, Call):
        return write_call(item)
    if isinstance(item, Result):
        return write_result(item, VERBATIM) if item.executor == "provider" else None
    if isinstance(item, Compaction):
        return write_compaction(item)
    return item.value if isinstance(item, OpaqueItem) and item.dialect == NAME else None


def thought_block(item: Reasoning) -> JsonObject | None:
    """A thought with a signature that comes back with it; None for one that says nothing."""
    if item.proof is not None and item.proof.maker == NAME and item.proof.kind == REDACTED:
        return {"type": "redacted_thinking", "data": item.proof.data}
    text, signature = thought_text(item), sealed_signature(item)
    return {"type": "thinking", "thinking": text, "signature": signature} if text or signature else None
