"""Content of messages: a string, or a list of `text`, `refusal`, `image_url`, `input_audio` and `file` parts.

https://platform.openai.com/docs/api-reference/chat/create (messages.content)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.dialects.chat.remainder import NAME, keep, own
from dragoman.dialects.media import file_of, heard, url_of, where_of
from dragoman.dialects.remainder import JsonObject, complete, each, list_at, object_at, text_at, text_or_none, wrong
from dragoman.ir.request import Audio, File, FileId, Image, Inline, OpaquePart, Part, Text

Lost = list[tuple[str, str]]
"""(field, why) for what this dialect cannot say."""


def read_content(value: Any, path: str) -> tuple[Part, ...]:
    """The neutral parts of a message's content; none for null."""
    if isinstance(value, str):
        return (Text(value),)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong(path, "must be a string or a list of parts")
    return tuple(each(_read_part, list_at(value, path), path))


def write_content(parts: tuple[Part, ...], lost: Lost, between: str = "\n\n") -> Any:
    """The content on the wire: one string if the parts are only words (what every server takes), else a list of parts."""
    if len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].extra:
        return parts[0].text
    if all(isinstance(part, Text) and not own(part.extra) for part in parts):
        return between.join(part.text for part in parts if isinstance(part, Text))
    return [written for part in parts if (written := _write_part(part, lost)) is not None]


def _read_part(value: Any, path: str) -> Part:
    came = object_at(value, path)
    if len(came) == 2 and came.get("type") == "text" and isinstance(text := came.get("text"), str):
        return Text(text)  # nothing is left over of it
    read = _READ.get(text_or_none(came, "type") or "")
    part = read(came, path) if read is not None else None
    if part is None:
        return OpaquePart(NAME, came)
    written = _WRITE[type(part)](part)
    extra = keep(came, written) if written is not None else None
    return msgspec.structs.replace(part, extra=extra) if extra else part


def _read_text(came: JsonObject, path: str) -> Text:
    return Text(text_at(came, "text", path))


def _read_refusal(came: JsonObject, path: str) -> Text:
    return Text(text_at(came, "refusal", path), refusal=True)


def _read_image(came: JsonObject, path: str) -> Image:
    value = came.get("image_url")
    # Several servers take a bare string here (Mistral documents it).
    if isinstance(value, str):
        return Image(where_of(value))
    image = object_at(value, f"{path}.image_url")
    return Image(where_of(text_at(image, "url", f"{path}.image_url")), text_or_none(image, "detail"))


def _read_audio(came: JsonObject, path: str) -> Audio:
    value = came.get("input_audio")
    if isinstance(value, str):
        # Mistral takes the data itself, or an address: https://docs.mistral.ai/capabilities/audio
        return Audio(heard(value))
    audio = object_at(value, f"{path}.input_audio")
    form = text_or_none(audio, "format")
    return Audio(Inline(f"audio/{form or 'wav'}", text_at(audio, "data", f"{path}.input_audio")), form)


def _read_file(came: JsonObject, path: str) -> File | None:
    file = object_at(came.get("file"), f"{path}.file")
    name, stored, data = text_or_none(file, "filename"), text_or_none(file, "file_id"), text_or_none(file, "file_data")
    if stored is not None:
        return File(FileId(stored), name)
    # Routers take an address, too (OpenRouter), which the API does not: it is written only where it came so.
    return File(file_of(data, name), name, extra={NAME: {}}) if data is not None else None


_READ: dict[Any, Callable[[JsonObject, str], Text | Image | Audio | File | None]] = {
    "text": _read_text,
    "refusal": _read_refusal,
    "image_url": _read_image,
    "input_audio": _read_audio,
    "file": _read_file,
}


def _write_part(part: Part, lost: Lost) -> JsonObject | None:
    if isinstance(part, OpaquePart):
        written = part.value if part.dialect == NAME else None
    else:
        plain = _WRITE[type(part)](part)
        written = complete(plain, own(part.extra)) if plain is not None else None
    if written is None:
        lost.append(("messages.content", f"chat has no form for this `{type(part).__name__.lower()}` part"))
    return written


def _write_text(part: Text) -> JsonObject:
    return {"type": "refusal", "refusal": part.text} if part.refusal else {"type": "text", "text": part.text}


def _write_image(part: Image) -> JsonObject | None:
    if isinstance(part.where, FileId):
        return None
    image: JsonObject = {"url": url_of(part.where)}
    if part.detail is not None:
        # Servers that check this field know low, high and auto; what came as `original` from a client of this dialect stays so.
        image["detail"] = "high" if part.detail == "original" else part.detail
    return {"type": "image_url", "image_url": image}


def _write_audio(part: Audio) -> JsonObject | None:
    if not isinstance(part.where, Inline):
        return None
    form = part.format or part.where.media_type.partition("/")[2]
    return {"type": "input_audio", "input_audio": {"data": part.where.data, "format": _AUDIO_FORMATS.get(form, form)}}


_AUDIO_FORMATS = {"mpeg": "mp3", "x-mp3": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
"""The API's words for subtypes of audio."""


def _write_file(part: File) -> JsonObject | None:
    file: JsonObject = {} if part.name is None else {"filename": part.name}
    if isinstance(part.where, FileId):
        file["file_id"] = part.where.id
    elif isinstance(part.where, Inline):
        file["file_data"] = url_of(part.where)
    elif own(part.extra) is not None:
        file["file_data"] = part.where.url
    else:
        return None
    return {"type": "file", "file": file}


_WRITE: dict[type, Callable[[Any], JsonObject | None]] = {
    Text: _write_text,
    Image: _write_image,
    Audio: _write_audio,
    File: _write_file,
}
