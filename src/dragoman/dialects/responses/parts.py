"""Parts of messages and of tool results: `input_text`, `output_text`, `refusal`, `input_image`, `input_file`, `input_audio`.

https://platform.openai.com/docs/api-reference/responses/create (ResponseInputContent, ResponseOutputMessage)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dragoman.dialects.media import file_of, url_of, where_of
from dragoman.dialects.remainder import JsonObject, each, object_at, objects, text_at, text_or_none, wrong
from dragoman.dialects.responses.citations import read_citation, write_citations
from dragoman.dialects.responses.remainder import NAME, keep, put_back
from dragoman.ir.request import Audio, File, FileId, Image, Inline, OpaquePart, Part, Text, Url


def read_parts(value: Any, *, spoken: bool, path: str) -> tuple[Part, ...]:
    """The content of a message or the output of a tool. `spoken`: the model said it, so that its words are `output_text`."""
    if isinstance(value, str):
        return (Text(value),)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong(path, "must be a string or a list of parts")
    return tuple(each(_read_spoken if spoken else _read_shown, value, path))  # pyright: ignore[reportUnknownArgumentType]


def write_parts(parts: tuple[Part, ...], *, spoken: bool) -> list[JsonObject]:
    """The list of parts on the wire. Parts that only another dialect understands are left out."""
    if len(parts) == 1 and type(parts[0]) is Text and parts[0].extra is None:
        return [_write_text(parts[0], spoken)]
    return [written for part in parts if (written := write_part(part, spoken=spoken)) is not None]


def write_part(part: Part, *, spoken: bool) -> JsonObject | None:
    """One part on the wire, None for one that only another dialect understands."""
    if isinstance(part, OpaquePart):
        return part.value if part.dialect == NAME else None
    return put_back(_plainly(part, spoken), part.extra)


def _read_spoken(value: Any, path: str) -> Part:
    return _read_part(value, True, path)


def _read_shown(value: Any, path: str) -> Part:
    return _read_part(value, False, path)


def _read_part(value: Any, spoken: bool, path: str) -> Part:
    came = object_at(value, path)
    if len(came) == 2 and came.get("type") == _WORDS[spoken] and isinstance(text := came.get("text"), str):
        return Text(text)  # nothing is left over of it
    read = _READ.get(text_or_none(came, "type") or "")
    if read is None:
        return OpaquePart(NAME, came)
    part = read(came, path)
    if part is None:
        return OpaquePart(NAME, came)
    extra = keep(came, _plainly(part, spoken))
    return msgspec.structs.replace(part, extra=extra) if extra else part


def _read_text(came: JsonObject, path: str) -> Text:
    annotations = came.get("annotations")
    logprobs = came.get("logprobs")
    return Text(
        text_at(came, "text", path),
        citations=tuple(map(read_citation, objects(annotations))),
        logprobs=tuple(objects(logprobs)),
    )


def _read_refusal(came: JsonObject, path: str) -> Text:
    return Text(text_at(came, "refusal", path), refusal=True)


def _read_image(came: JsonObject, path: str) -> Image | None:
    url = text_or_none(came, "image_url")
    where = where_of(url) if url is not None else _file_id(came)
    return Image(where, text_or_none(came, "detail")) if where is not None else None


def _read_file(came: JsonObject, path: str) -> File | None:
    name = text_or_none(came, "filename")
    data = text_or_none(came, "file_data")
    url = text_or_none(came, "file_url")
    where = file_of(data, name) if data is not None else Url(url) if url is not None else _file_id(came)
    return File(where, name) if where is not None else None


def _read_audio(came: JsonObject, path: str) -> Audio | None:
    audio = came.get("input_audio")
    if not isinstance(audio, dict):
        return None
    value: JsonObject = audio  # pyright: ignore[reportUnknownVariableType]
    data, form = text_or_none(value, "data"), text_or_none(value, "format")
    return Audio(Inline(f"audio/{form or 'wav'}", data), form) if data is not None else None


_READ: dict[Any, Callable[[JsonObject, str], Text | Image | File | Audio | None]] = {
    "input_text": _read_text,
    "output_text": _read_text,
    "text": _read_text,
    "refusal": _read_refusal,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}


_WORDS = {True: "output_text", False: "input_text"}


def _plainly(part: Text | Image | File | Audio, spoken: bool) -> JsonObject:
    return _WRITE[type(part)](part, spoken)


def _write_text(part: Text, spoken: bool) -> JsonObject:
    if part.refusal:
        return {"type": "refusal", "refusal": part.text}
    written: JsonObject = {"type": _WORDS[spoken], "text": part.text}
    if part.citations and (citations := write_citations(part)):
        written["annotations"] = citations
    if part.logprobs and spoken:
        written["logprobs"] = write_likelihoods(part.logprobs)
    return written


def write_likelihoods(told: Iterable[Any]) -> list[JsonObject]:
    """How likely tokens were. The API always tells their bytes, others none (Chat, for a part of a letter) or in base64."""
    return [
        _with_bytes({**each, "top_logprobs": list(map(_with_bytes, objects(each.get("top_logprobs"))))}) for each in objects(list(told))
    ]


def _with_bytes(told: JsonObject) -> JsonObject:
    if isinstance(told.get("bytes"), list):
        return told
    return {**told, "bytes": list((text_or_none(told, "token") or "").encode("utf-8", "surrogatepass"))}


def _write_image(part: Image, spoken: bool) -> JsonObject:
    written: JsonObject = {"type": "input_image"}
    if isinstance(part.where, FileId):
        written["file_id"] = part.where.id
    else:
        written["image_url"] = url_of(part.where)
    if part.detail is not None:
        written["detail"] = part.detail
    return written


def _write_file(part: File, spoken: bool) -> JsonObject:
    written: JsonObject = {"type": "input_file"}
    if isinstance(part.where, FileId):
        written["file_id"] = part.where.id
    elif isinstance(part.where, Url):
        written["file_url"] = part.where.url
    else:
        written["file_data"] = url_of(part.where)
    if part.name is not None:
        written["filename"] = part.name
    return written


def _write_audio(part: Audio, spoken: bool) -> JsonObject:
    data = part.where.data if isinstance(part.where, Inline) else ""
    return {"type": "input_audio", "input_audio": {"data": data, "format": part.format or "wav"}}


_WRITE: dict[type, Callable[[Any, bool], JsonObject]] = {
    Text: _write_text,
    Image: _write_image,
    File: _write_file,
    Audio: _write_audio,
}


def _file_id(came: JsonObject) -> FileId | None:
    found = text_or_none(came, "file_id")
    return FileId(found) if found is not None else None
