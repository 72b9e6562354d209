"""Pictures, documents and sound: out of tool results into a user message after them, and away where the target takes none."""

from __future__ import annotations

import msgspec

from dragoman.ir.request import Audio, File, Image, Item, Message, Part, Request, Result, Text
from dragoman.lower.fitting import Fitting

replace = msgspec.structs.replace

_Media = Image | File | Audio


def remove(request: Request, fitting: Fitting) -> Request:
    """Leave out the kinds of media that the target doesn't take; a word stands in their place."""
    caps = fitting.caps
    refused = tuple(
        (kind, word)
        for kind, word, takes in ((Image, "image", caps.images), (File, "file", caps.files), (Audio, "audio", caps.audio))
        if not takes
    )
    if not refused:
        return request
    words = dict(refused)
    items = tuple(_without(item, words, fitting) for item in request.items)
    return request if all(a is b for a, b in zip(items, request.items, strict=True)) else replace(request, items=items)


def move(request: Request, fitting: Fitting) -> Request:
    """Put the media of tool results into one user message after each run of results."""
    if fitting.caps.images_in_results or not any(isinstance(item, Result) and _media(item.parts) for item in request.items):
        return request
    items: list[Item] = []
    waiting: list[Part] = []
    for item in request.items:
        if isinstance(item, Result):
            items.append(_emptied(item, waiting))
            continue
        _flush(items, waiting)
        items.append(item)
    _flush(items, waiting)
    return replace(request, items=tuple(items))


def _without(item: Item, words: dict[type[_Media], str], fitting: Fitting) -> Item:
    if not isinstance(item, Message | Result) or not any(type(part) in words for part in item.parts):
        return item
    for part in item.parts:
        if isinstance(part, Image | File | Audio) and type(part) in words:
            fitting.warn("content", f"the target takes no {words[type(part)]} parts")
    return replace(item, parts=tuple(_stand_in(part, words) for part in item.parts))


def _stand_in(part: Part, words: dict[type[_Media], str]) -> Part:
    if isinstance(part, Image | File | Audio) and type(part) in words:
        return Text(f"[{words[type(part)]} left out: this model does not take it]")
    return part


def _emptied(item: Result, waiting: list[Part]) -> Result:
    media = _media(item.parts)
    if not media:
        return item
    waiting += [Text(f"From the result of {item.call_id}:"), *media]
    parts = tuple(Text(f"[{_word(part)}: see the next user message]") if isinstance(part, _Media) else part for part in item.parts)
    return replace(item, parts=parts)


def _flush(items: list[Item], waiting: list[Part]) -> None:
    if waiting:
        items.append(Message("user", tuple(waiting)))
        waiting.clear()


def _media(parts: tuple[Part, ...]) -> list[Part]:
    return [part for part in parts if isinstance(part, _Media)]


def _word(part: _Media) -> str:
    return "image" if isinstance(part, Image) else "file" if isinstance(part, File) else "audio"
