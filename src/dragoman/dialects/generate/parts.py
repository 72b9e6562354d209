"""Parts that say or show something: `text`, `inlineData`, `fileData`. Calls, results and thoughts are items: `contents`.

https://ai.google.dev/api/caching#Part
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dragoman.dialects.generate.remainder import NAME, complete, field, keep, own
from dragoman.dialects.media import type_of
from dragoman.dialects.remainder import JsonObject, object_or_empty
from dragoman.ir.request import Audio, File, FileId, Image, Inline, OpaquePart, Part, Text, Url, Where

Lost = list[tuple[str, str]]
"""(field, why) for what this dialect cannot say."""

_STANDARD = str.maketrans("-_", "+/")


def read_part(came: JsonObject) -> Part:
    """The neutral part; what isn't known is kept whole."""
    part = _read(came)
    if part is None:
        return OpaquePart(NAME, came)
    extra = keep(came, _plain(part) or {})
    return msgspec.structs.replace(part, extra=extra) if extra else part


def read_media(came: JsonObject) -> Image | Audio | File | None:
    """The picture, sound or document of an `inlineData` or `fileData`, or None."""
    for name, place in (("inlineData", _inline), ("fileData", _stored)):
        value = field(came, name)
        if isinstance(value, dict):
            where = place(value)  # pyright: ignore[reportUnknownArgumentType]
            media_type = field(value, "mimeType")  # pyright: ignore[reportUnknownArgumentType]
            if where is not None:
                return _media(where, media_type if isinstance(media_type, str) else "")
    return None


def write_part(part: Part, lost: Lost) -> JsonObject | None:
    """The part on the wire, or None where there is no form for it."""
    if isinstance(part, OpaquePart):
        written = part.value if part.dialect == NAME else None
    else:
        plain = _plain(part)
        written = complete(plain, own(part.extra)) if plain is not None else None
    if written is None:
        lost.append(("contents.parts", f"generate has no form for this `{type(part).__name__.lower()}` part"))
    return written


def write_parts(parts: Iterable[Part], lost: Lost) -> list[JsonObject]:
    """Those parts that have a form here."""
    return [written for part in parts if (written := write_part(part, lost)) is not None]


def words(parts: tuple[Part, ...], between: str = "\n") -> str:
    """The text of parts."""
    return (
        parts[0].text
        if len(parts) == 1 and isinstance(parts[0], Text)
        else between.join(part.text for part in parts if isinstance(part, Text))
    )


def _read(came: JsonObject) -> Text | Image | Audio | File | None:
    text = came.get("text")
    return Text(text) if isinstance(text, str) else read_media(came)


def _inline(value: JsonObject) -> Where | None:
    data, media_type = value.get("data"), field(value, "mimeType")
    # Google's own clients write URL-safe base64, every other API wants the standard one.
    return Inline(media_type, data.translate(_STANDARD)) if isinstance(data, str) and isinstance(media_type, str) else None


def _stored(value: JsonObject) -> Where | None:
    uri = field(value, "fileUri")
    return Url(uri) if isinstance(uri, str) else None


def _media(where: Where, media_type: str) -> Image | Audio | File:
    kind, _, form = media_type.partition("/")
    if kind == "image":
        return Image(where)
    return Audio(where, form.partition(";")[0]) if kind == "audio" else File(where)


def _plain(part: Part) -> JsonObject | None:
    return _WRITE[type(part)](part)


def _write_text(part: Text) -> JsonObject:
    return {"text": part.text}


def _write_media(part: Image | Audio | File) -> JsonObject | None:
    where = part.where
    if isinstance(where, FileId):
        return None
    if isinstance(where, Inline):
        return {"inlineData": {"mimeType": where.media_type, "data": where.data}}
    media_type = _guess(where.url, part)
    return {"fileData": {"mimeType": media_type, "fileUri": where.url} if media_type else {"fileUri": where.url}}


def _guess(url: str, part: Image | Audio | File) -> str | None:
    # The API wants a media type for addresses that are not its own (https://ai.google.dev/gemini-api/docs/file-input-methods).
    found = type_of(url.partition("?")[0].partition("#")[0])
    if found is None and isinstance(part, Audio) and part.format:
        return f"audio/{part.format}"
    return found if found is not None or not isinstance(part, Image) else "image/jpeg"


def result_media(value: Any) -> list[Part]:
    """The media in the `parts` of a functionResponse."""
    return [read_part(object_or_empty(part)) for part in value]


_WRITE: dict[type, Callable[[Any], JsonObject | None]] = {
    Text: _write_text,
    Image: _write_media,
    Audio: _write_media,
    File: _write_media,
}
