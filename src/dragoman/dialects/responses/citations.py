"""Annotations of text: what only this API cites (files of its own), and pages, which other APIs cite too.

https://platform.openai.com/docs/api-reference/responses/object (output, annotations)
"""

from __future__ import annotations

from dragoman.dialects.remainder import JsonObject, text_or_none, whole_or_none
from dragoman.dialects.responses.remainder import NAME
from dragoman.ir.request import Citation, Page, Text

_PAGE = "url_citation"


def read_citation(came: JsonObject) -> Citation:
    """An annotation."""
    url = text_or_none(came, "url") if came.get("type") == _PAGE else None
    if url is None:
        return Citation(NAME, came)
    start, end = whole_or_none(came, "start_index"), whole_or_none(came, "end_index")
    return Citation(NAME, came, Page(url, text_or_none(came, "title"), start, end))


def write_citations(text: Text) -> list[JsonObject]:
    """The annotations of a text: as they came where they came in this dialect; then, in its form, the pages that another one cited."""
    citations = sorted(text.citations, key=lambda citation: citation.dialect != NAME)
    return [written for citation in citations if (written := _written(citation, text.text)) is not None]


def _written(citation: Citation, text: str) -> JsonObject | None:
    if citation.dialect == NAME:
        return citation.value
    page = citation.page
    if page is None:
        return None
    start, end = page.span(len(text))
    return {"type": _PAGE, "start_index": start, "end_index": end, "url": page.url, "title": page.title or page.url}
