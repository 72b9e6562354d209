"""Frames of a Messages stream as bytes. Deltas, which are nearly all of them, are put together from ready-made pieces."""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_FIELDS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json", "signature_delta": "signature"}


def frame(kind: str, **fields: Any) -> bytes:
    """One frame with its event name."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind, **fields}))


def block_start(index: int, block: dict[str, Any]) -> bytes:
    """A block begins."""
    return frame("content_block_start", index=index, content_block=block)


def block_delta(index: int, delta: dict[str, Any]) -> bytes:
    """More of a block, in any form."""
    return frame("content_block_delta", index=index, delta=delta)


def block_stop(index: int) -> bytes:
    """A block is complete."""
    return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index


def text_form(index: int, kind: str) -> bytes:
    """The template of one block's deltas, in which `%b` stands for the encoded text."""
    return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%%b}}\n\n' % (
        index,
        kind.encode(),
        _FIELDS[kind].encode(),
    )


def fill(form: bytes, text: str) -> bytes:
    """One delta."""
    return form % _encode(text)
