"""Annotations of a message: the pages that its words are from.

https://platform.openai.com/docs/api-reference/chat/object (message, annotations)
"""

from __future__ import annotations

from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.remainder import JsonObject, object_or_empty, text_or_none, whole_or_none
from dragoman.ir.request import Citation, Page

_PAGE = "url_citation"


def read_citation(came: JsonObject, *, placed: bool) -> Citation:
    """An annotation. `placed`: its place in the content is its place in the text that it is attached to."""
    told = object_or_empty(came.get(_PAGE))
    url = text_or_none(told, "url")
    if url is None:
        return Citation(NAME, came)
    start, end = (whole_or_none(told, name) if placed else None for name in ("start_index", "end_index"))
    return Citation(NAME, came, Page(url, text_or_none(told, "title"), start, end))


def write_citation(citation: Citation, begin: int, length: int) -> JsonObject | None:
    """An annotation: as it came where it came in this dialect, a page in its form where another one cited it, else None. `begin`: where
    the text that it is attached to stands in the content; `length`: its characters."""
    if citation.dialect == NAME:
        return citation.value
    page = citation.page
    if page is None:
        return None
    start, end = page.span(length)
    return {
        "type": _PAGE,
        _PAGE: {"start_index": begin + start, "end_index": begin + end, "url": page.url, "title": page.title or page.url},
    }
