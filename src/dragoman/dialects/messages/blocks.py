"""Content blocks with words, pictures and documents, to parts and back. Blocks that only this API knows are kept whole.

https://platform.claude.com/docs/en/api/messages (ContentBlockParam)
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.dialects.messages.remainder import NAME, keep, own
from dragoman.dialects.remainder import JsonObject, complete, each, list_at, object_at, object_or_empty, text_at, text_or_none
from dragoman.ir.request import Audio, Citation, Extra, File, FileId, Image, Inline, OpaquePart, Page, Part, Text, Url, Where

Lost = list[tuple[str, str]]
"""(field, why) for what this dialect cannot say."""

_IMAGE_TYPES = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
_PDF = "application/pdf"
_PLAIN = "text/plain"
_WORDS = ("text/", "application/json", "application/xml", "application/x-yaml", "application/javascript")


class Pen:
    """How blocks are written: `native` says that they came in this dialect and go out as they were; `lost` collects what could
    not be said; `marked` tells that a client of another dialect set marks of the cache."""

    __slots__ = ("lost", "marked", "native")

    def __init__(self, lost: Lost, *, native: bool) -> None:
        self.lost = lost
        self.native = native
        self.marked = False

    def put_back(self, written: JsonObject, extra: Extra | None) -> JsonObject:
        """Add what this dialect knows besides. Changes and returns `written`."""
        rest = own(extra)
        self.marked = self.marked or bool(rest and "cache_control" in rest)
        return complete(written, rest)


VERBATIM = Pen([], native=True)
"""Writes what was read; nothing is lost by it."""


def read_content(value: Any, path: str) -> tuple[Part, ...]:
    """The parts of a string or a list of blocks; none for null."""
    if isinstance(value, str):
        return (Text(value),)
    if value is None:
        return ()
    return tuple(each(_read_block, list_at(value, path), path))


def _read_block(value: Any, path: str) -> Part:
    return read_part(object_at(value, path), path)


def read_part(came: JsonObject, path: str) -> Part:
    """One block."""
    if len(came) == 2 and came.get("type") == "text" and isinstance(text := came.get("text"), str):
        return Text(text)  # nothing is left over of it
    read = _READ.get(text_or_none(came, "type") or "")
    part = read(came, path) if read is not None else None
    if part is None:
        return OpaquePart(NAME, came)
    written = _plainly(part, VERBATIM)
    extra = keep(came, written) if written is not None else None
    return msgspec.structs.replace(part, extra=extra) if extra else part


def write_parts(parts: tuple[Part, ...], pen: Pen) -> list[JsonObject]:
    """The blocks of these parts. Empty text is refused by the API, so it is written only where it came so."""
    if len(parts) == 1 and type(part := parts[0]) is Text and part.extra is None and not part.citations and part.text.strip():
        return [text_block(part.text)]
    return [written for part in parts if (written := write_part(part, pen)) is not None]


def write_part(part: Part, pen: Pen) -> JsonObject | None:
    """One block; a word in place of what cannot be said; None for nothing."""
    if isinstance(part, OpaquePart):
        return part.value if part.dialect == NAME else _stand_in("part", pen)
    if isinstance(part, Text) and not pen.native and not part.text.strip():
        return None
    written = _plainly(part, pen)
    if written is None:
        return _stand_in(type(part).__name__.lower(), pen)
    return pen.put_back(written, part.extra) if part.extra else written


def text_block(text: str) -> JsonObject:
    """A block of words."""
    return {"type": "text", "text": text}


def _stand_in(kind: str, pen: Pen) -> JsonObject:
    pen.lost.append(("messages.content", f"messages has no form for this {kind}"))
    return text_block(f"[{kind} left out: this model does not take it]")


# ---- reading -------------------------------------------------------------------------------------------------------------


def _read_text(came: JsonObject, path: str) -> Text:
    cited = came.get("citations")
    entries: list[Any] = cited if isinstance(cited, list) else []  # pyright: ignore[reportUnknownVariableType]
    whole = bool(entries) and all(isinstance(entry, dict) for entry in entries)
    return Text(text_at(came, "text", path), citations=tuple(map(read_citation, entries)) if whole else ())


def read_citation(came: JsonObject) -> Citation:
    """A citation of the block of words that holds it. Of search results, which may be anything, pages only."""
    url = text_or_none(came, "url") or text_or_none(came, "source") or ""
    page = Page(url, text_or_none(came, "title")) if url.startswith(("https://", "http://")) else None
    return Citation(NAME, came, page)


def _read_image(came: JsonObject, path: str) -> Image | None:
    where = _read_source(came.get("source"))
    return Image(where) if where is not None else None


def _read_document(came: JsonObject, path: str) -> File | None:
    where = _read_source(came.get("source"))
    return File(where, text_or_none(came, "title")) if where is not None else None


def _read_source(value: Any) -> Where | None:
    source = object_or_empty(value)
    kind, data = source.get("type"), text_or_none(source, "data")
    if kind == "base64" and data is not None and (media_type := text_or_none(source, "media_type")) is not None:
        return Inline(media_type, data)
    if kind == "text" and data is not None and source.get("media_type") == _PLAIN:
        try:
            return Inline(_PLAIN, b64encode(data.encode()).decode())
        except UnicodeEncodeError:
            return None
    if kind == "url" and (url := text_or_none(source, "url")) is not None:
        return Url(url)
    stored = text_or_none(source, "file_id") if kind == "file" else None
    return FileId(stored) if stored is not None else None


_READ: dict[Any, Callable[[JsonObject, str], Text | Image | File | None]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
}

# ---- writing -------------------------------------------------------------------------------------------------------------


def _plainly(part: Text | Image | File | Audio, pen: Pen) -> JsonObject | None:
    return _WRITE[type(part)](part, pen)


def _write_text(part: Text, pen: Pen) -> JsonObject:
    cited = [citation.value for citation in part.citations if citation.dialect == NAME]
    return {"type": "text", "text": part.text, "citations": cited} if cited else text_block(part.text)


def _write_image(part: Image, pen: Pen) -> JsonObject | None:
    where = part.where
    if isinstance(where, Inline) and not pen.native:
        media_type = _IMAGE_TYPES.get(where.media_type.lower())
        where = Inline(media_type, where.data) if media_type is not None else None
    source = _write_source(where, pen)
    return {"type": "image", "source": source} if source is not None else None


def _write_file(part: File, pen: Pen) -> JsonObject | None:
    where = part.where
    source = _written_words(where) if isinstance(where, Inline) and where.media_type != _PDF else None
    if source is None and (pen.native or not isinstance(where, Inline) or where.media_type == _PDF):
        source = _write_source(where, pen)
    if source is None:
        return None
    written: JsonObject = {"type": "document", "source": source}
    if part.name is not None:
        written["title"] = part.name
    return written


def _written_words(where: Inline) -> JsonObject | None:
    """A document of words; its type is always told as plain text, the only one of this API."""
    if not where.media_type.lower().startswith(_WORDS):
        return None
    try:
        return {"type": "text", "media_type": _PLAIN, "data": b64decode(where.data).decode()}
    except (binascii.Error, ValueError):
        return None


def _write_source(where: Where | None, pen: Pen) -> JsonObject | None:
    if isinstance(where, Inline):
        return {"type": "base64", "media_type": where.media_type, "data": where.data}
    if isinstance(where, Url):
        return {"type": "url", "url": where.url}
    # A file stored at another provider is not to be found at this one.
    return {"type": "file", "file_id": where.id} if where is not None and pen.native else None


def _write_audio(part: Audio, pen: Pen) -> JsonObject | None:
    return None


_WRITE: dict[type, Callable[[Any, Pen], JsonObject | None]] = {
    Text: _write_text,
    Image: _write_image,
    File: _write_file,
    Audio: _write_audio,
}
