"""What the API bases its words on (`groundingMetadata`) as citations. It counts in bytes of UTF-8, everybody else in characters.

https://ai.google.dev/api/generate-content#GroundingMetadata
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.dialects.generate.remainder import NAME, text_or_none
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects, whole_or_none
from dragoman.ir.request import Citation, Page

_KINDS = ("web", "retrievedContext", "maps")


def read_citations(grounding: JsonObject, text: str) -> Iterator[Citation]:
    """Each source with the span of `text` that it bears."""
    chunks = objects(grounding.get("groundingChunks"))
    encoded = text.encode("utf-8", "surrogatepass")
    for support in objects(grounding.get("groundingSupports")):
        indexes: Any = support.get("groundingChunkIndices")
        segment = support.get("segment")
        for index in indexes if isinstance(indexes, list) else ():  # pyright: ignore[reportUnknownVariableType]
            if isinstance(index, int) and 0 <= index < len(chunks):
                page = _page(chunks[index], object_or_empty(segment), encoded)
                yield Citation(NAME, {"segment": segment, "chunk": chunks[index]}, page)


def _page(chunk: JsonObject, segment: JsonObject, encoded: bytes) -> Page | None:
    source = object_or_empty(next((chunk[kind] for kind in _KINDS if kind in chunk), None))
    url = text_or_none(source.get("uri"))
    if url is None:
        return None
    end = whole_or_none(segment, "endIndex")
    # A beginning of 0 is left out.
    start = whole_or_none(segment, "startIndex") or 0
    span = (None, None) if end is None else (_characters(encoded[:start]), _characters(encoded[:end]))
    return Page(url, text_or_none(source.get("title")), *span)


def _characters(encoded: bytes) -> int:
    return len(encoded.decode("utf-8", "ignore"))
