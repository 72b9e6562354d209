"""A whole reply in the neutral language: what `fold` makes of a stream."""

from __future__ import annotations

import msgspec

from dragoman.ir.events import FinishReason
from dragoman.ir.request import Extra, Item
from dragoman.ir.usage import Usage


class Choice(msgspec.Struct, frozen=True):
    """One of the answers: its items in order and why it ended."""

    index: int
    items: tuple[Item, ...]
    reason: FinishReason = "stop"
    detail: str | None = None


class Response(msgspec.Struct, frozen=True):
    """A whole reply. `warnings` are (field, why) pairs."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    created_s: int | None = None
    usage: Usage | None = None
    warnings: tuple[tuple[str, str], ...] = ()
    started_extra: Extra | None = None
    ended_extra: Extra | None = None
