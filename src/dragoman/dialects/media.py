"""How the APIs write media into JSON: `data:` URLs, bare base64, addresses."""

from __future__ import annotations

import mimetypes
import re

from dragoman.ir.request import Inline, Url, Where

# Parameters of the type (a charset, a name) say nothing that matters here; without any type it is text (RFC 2397).
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]+)*;base64,", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# How files of sound begin, in base64; MP3 begins in too many ways to name, and is what is left.
_SOUNDS = (("UklGR", "audio/wav"), ("T2dnU", "audio/ogg"), ("ZkxhQ", "audio/flac"))
# The language's own table, not that of the machine, and what it lacks in some versions.
_TYPES = mimetypes.MimeTypes()
for _ending, _type in ((".md", "text/markdown"), (".yaml", "application/x-yaml"), (".yml", "application/x-yaml"), (".webp", "image/webp")):
    _TYPES.add_type(_type, _ending)


def where_of(url: str) -> Url | Inline:
    """A `data:` URL in base64 is media in the request, everything else an address."""
    match = _DATA_URL.match(url)
    return Inline(match[1] or "text/plain", url[match.end() :]) if match else Url(url)


def file_of(data: str, name: str | None) -> Url | Inline:
    """A document: a `data:` URL, an address, or base64 alone, whose type the document's name tells."""
    if _ADDRESS.match(data):
        return where_of(data)
    return Inline(type_of(name or "") or "application/octet-stream", data)


def heard(data: str) -> Url | Inline:
    """Sound: a `data:` URL, an address, or base64 alone, whose type its first bytes tell."""
    if _ADDRESS.match(data):
        return where_of(data)
    return Inline(next((kind for begin, kind in _SOUNDS if data.startswith(begin)), "audio/mpeg"), data)


def type_of(name: str) -> str | None:
    """The media type of what has this name or address."""
    return _TYPES.guess_type(name)[0]


def url_of(where: Where) -> str:
    """An address, or a `data:` URL; empty for what is stored at a provider."""
    if isinstance(where, Inline):
        return f"data:{where.media_type};base64,{where.data}"
    return where.url if isinstance(where, Url) else ""
