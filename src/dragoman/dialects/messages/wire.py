"""Frames of a Messages stream, typed, so that the many deltas are decoded in one step.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

import msgspec


class MessageStart(msgspec.Struct, frozen=True, gc=False, tag="message_start"):
    """The reply begins."""

    message: dict[str, Any]


class BlockStart(msgspec.Struct, frozen=True, gc=False, tag="content_block_start"):
    """A block begins; some come whole here."""

    index: int
    content_block: dict[str, Any]


class TextDelta(msgspec.Struct, frozen=True, gc=False, tag="text_delta"):
    """More words."""

    text: str


class InputDelta(msgspec.Struct, frozen=True, gc=False, tag="input_json_delta"):
    """More of a call's arguments as JSON text; often empty at first."""

    partial_json: str


class ThinkingDelta(msgspec.Struct, frozen=True, gc=False, tag="thinking_delta"):
    """More of a thought."""

    thinking: str


class SignatureDelta(msgspec.Struct, frozen=True, gc=False, tag="signature_delta"):
    """The proof of a thought, right before its end."""

    signature: str


class CitationsDelta(msgspec.Struct, frozen=True, gc=False, tag="citations_delta"):
    """One more citation of a text."""

    citation: dict[str, Any]


class CompactionDelta(msgspec.Struct, frozen=True, gc=False, tag="compaction_delta"):
    """The summary, in one piece."""

    content: str | None = None
    encrypted_content: str | None = None


Delta = TextDelta | InputDelta | ThinkingDelta | SignatureDelta | CitationsDelta | CompactionDelta


class BlockDelta(msgspec.Struct, frozen=True, gc=False, tag="content_block_delta"):
    """More of a block."""

    index: int
    delta: Delta


class BlockStop(msgspec.Struct, frozen=True, gc=False, tag="content_block_stop"):
    """A block is complete."""

    index: int


class MessageDelta(msgspec.Struct, frozen=True, gc=False, tag="message_delta"):
    """Why the reply ends, and the counts. Further fields are read from the frame itself."""

    delta: dict[str, Any] = {}
    usage: dict[str, Any] | None = None
    context_management: Any = None
    input_transformations: Any = None


class MessageStop(msgspec.Struct, frozen=True, gc=False, tag="message_stop"):
    """The proper end."""


class Ping(msgspec.Struct, frozen=True, gc=False, tag="ping"):
    """The provider is alive."""


class Error(msgspec.Struct, frozen=True, gc=False, tag="error"):
    """The stream failed."""

    error: Any = None


Event = MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | Ping | Error

DECODER = msgspec.json.Decoder(Event)
"""Decodes one frame's data; raises msgspec.DecodeError for types that are not known here."""
