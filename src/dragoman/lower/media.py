"""Pictures, documents and sound: out of tool results and of speakers who may not show them into a user message after them, and away
where the target takes none."""

from __future__ import annotations

from typing import TypeGuard

import msgspec

from dragoman.ir.request import Audio, Call, File, Image, Item, Message, Part, Reasoning, Request, Result, Text
from dragoman.lower.fitting import Fitting
from dragoman.lower.roles import as_user

replace = msgspec.structs.replace

_Media = Image | File | Audio


def remove(request: Request, fitting: Fitting) -> Request:
    """Leave out the kinds of media that the target doesn't take; a word stands in their place."""
    caps = fitting.caps
    told = ((Image, "image", caps.images), (File, "file", caps.files), (Audio, "audio", caps.audio))
    words: dict[type[_Media], str] = {kind: word for kind, word, takes in told if not takes}
    if not fitting.census.shows(*words):
        return request
    items = tuple(_without(item, words, fitting) for item in request.items)
    return request if all(a is b for a, b in zip(items, request.items, strict=True)) else replace(request, items=items)


def move(request: Request, fitting: Fitting) -> Request:
    """Put the media of tool results, and of an assistant who may show none, into one user message after each run of them.
    Instructions with media become user messages where they may have none."""
    if not (fitting.census.shows(Image, File, Audio) and any(_must_move(item, fitting) for item in request.items)):
        return request
    items: list[Item] = []
    waiting: list[Part] = []
    for item in request.items:
        if waiting and not _goes_on(item, items[-1]):
            _flush(items, waiting)
        items.append(_moved(item, waiting) if _must_move(item, fitting) else item)
    _flush(items, waiting)
    return replace(request, items=tuple(items))


def _must_move(item: Item, fitting: Fitting) -> TypeGuard[Message | Result]:
    if isinstance(item, Result):
        return not fitting.caps.images_in_results and bool(_media(item.parts))
    return isinstance(item, Message) and item.role not in fitting.caps.media_speakers and bool(_media(item.parts))


def _goes_on(item: Item, last: Item) -> bool:
    """Whether a user message between these two would come too early: calls are answered at once, and who speaks is not cut short."""
    if isinstance(item, Result):
        return True
    spoken = (Message, Reasoning, Call)
    return isinstance(last, spoken) and isinstance(item, spoken) and _speaker(last) == _speaker(item)


def _speaker(item: Message | Reasoning | Call) -> str:
    return item.role if isinstance(item, Message) else "assistant"


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


def _moved(item: Message | Result, waiting: list[Part]) -> Message | Result:
    if isinstance(item, Message) and item.role != "assistant":
        return as_user(item)
    source = f"the result of {item.call_id}" if isinstance(item, Result) else "the assistant's message"
    waiting += [Text(f"From {source}:"), *_media(item.parts)]
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
