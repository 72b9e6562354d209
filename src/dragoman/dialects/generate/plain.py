"""The short way for the chunks that make up most of a stream: words, and nothing else new.

A typed decoder that refuses unknown fields tells such a chunk from every other, and leaves its counts undecoded. Measured: a third
of the time of decoding the chunk whole.
"""

from __future__ import annotations

import msgspec

from dragoman.wire.not_json import NOT_JSON


class _Part(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    text: str
    thought: bool = False


class _Content(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    parts: list[_Part]
    role: str = "model"


class _Candidate(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: _Content
    index: int = 0


class PlainChunk(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A chunk with words and counts."""

    candidates: list[_Candidate]
    usageMetadata: msgspec.Raw = msgspec.Raw()
    modelVersion: str = ""
    responseId: str = ""
    createTime: str = ""


_decode = msgspec.json.Decoder(PlainChunk).decode


def read_plain(data: bytes) -> PlainChunk | None:
    """The chunk, or None if it says anything else."""
    try:
        return _decode(data)
    except NOT_JSON:
        return None
