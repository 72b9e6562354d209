"""What the API bases its words on (`groundingMetadata`) as citations, and back. It counts in bytes of UTF-8, everybody else in characters.

https://ai.google.dev/api/generate-content#GroundingMetadata
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dragoman.dialects.generate.remainder import NAME, text_or_none
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects, whole_or_none
from dragoman.ir.request import Citation, Item, Message, Page, Text

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


class Sources:
    """The pages that other APIs cite for the words of one candidate. Feed it every text that was said, in order: places count from the
    beginning of them all, as they do in a stream of this API."""

    def __init__(self) -> None:
        self._before = 0
        self._pages: dict[tuple[str, str | None], int] = {}
        self._supports: dict[tuple[int, int], JsonObject] = {}

    def add(self, text: str, citations: Iterable[Citation]) -> None:
        """The next text, and what it is from. This API's own citations stand in the metadata that came with them."""
        for citation in citations:
            if citation.page is not None and citation.dialect != NAME:
                self._cite(text, citation.page)
        self._before += _bytes(text)

    def metadata(self) -> JsonObject:
        """The field of the candidate; empty where nothing is cited."""
        if not self._pages:
            return {}
        chunks = [{"web": {"uri": url, **({} if title is None else {"title": title})}} for url, title in self._pages]
        return {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": list(self._supports.values())}}

    def _cite(self, text: str, page: Page) -> None:
        start, end = page.span(len(text))
        place = (self._before + _bytes(text[:start]), self._before + _bytes(text[:end]))
        number = self._pages.setdefault((page.url, page.title), len(self._pages))
        segment = {"startIndex": place[0], "endIndex": place[1], "text": text[start:end]}
        support = self._supports.setdefault(place, {"segment": segment, "groundingChunkIndices": []})
        if number not in support["groundingChunkIndices"]:
            support["groundingChunkIndices"].append(number)


def write_grounding(items: Iterable[Item]) -> JsonObject:
    """The metadata of a whole candidate's words."""
    sources = Sources()
    for item in items:
        for part in item.parts if isinstance(item, Message) else ():
            if isinstance(part, Text):
                sources.add(part.text, part.citations)
    return sources.metadata()


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _characters(encoded: bytes) -> int:
    return len(encoded.decode("utf-8", "ignore"))
