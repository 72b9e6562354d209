"""Pictures and sound of an answer, as items for clients of other APIs; clients of this API get the fields as they came.

Routers show pictures in `images` (https://openrouter.ai/docs/features/multimodal/image-generation), some servers among the parts of
`content`; sound stands in `audio`: https://platform.openai.com/docs/guides/audio
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.media import heard, where_of
from dragoman.dialects.remainder import JsonObject, object_or_empty, text_or_none
from dragoman.ir.request import Audio, Extra, File, Image, Message, OpaquePart, Part, Text

_FORM = "$form"
"""Mark on a part: how this API said it."""


def is_shown(part: Part) -> bool:
    """Whether a part was read from a field of its own, and so is no part of the words here."""
    return isinstance(part, Text | Image | Audio) and part.extra is not None and _FORM in part.extra.get(NAME, {})


def own_form(item: Message) -> JsonObject:
    """The fields of a delta in which this API said an item; empty for any other."""
    form: JsonObject = {}
    for part in item.parts:
        if is_shown(part) and not isinstance(part, OpaquePart | File):
            form |= (part.extra or {})[NAME][_FORM]
    return form


def read_picture(value: Any, field: str) -> Message | None:
    """A picture among `images`, or among the parts of `content`; None for what is none."""
    entry = object_or_empty(value)
    told = entry.get("image_url")
    url = told if isinstance(told, str) else text_or_none(object_or_empty(told), "url")
    return Message("assistant", (Image(where_of(url), extra={NAME: {_FORM: {field: [entry]}}}),)) if url else None


class Sound:
    """What `audio` says, piece by piece."""

    def __init__(self) -> None:
        self._told: JsonObject = {}
        self._pieces: dict[str, list[str]] = {name: [] for name in _PIECES}

    def feed(self, told: JsonObject) -> None:
        """A piece of the data, of the transcript, or both."""
        for name, value in told.items():
            # Fields stay in the order in which they first came.
            self._told[name] = value
            if name in _PIECES and isinstance(value, str):
                self._pieces[name].append(value)

    def message(self, *, spoken: bool) -> Message | None:
        """The sound, after its words unless they were told as words anyway (`spoken`); None where there is neither."""
        joined = {name: "".join(pieces) for name, pieces in self._pieces.items() if pieces}
        data, words = (joined.get(name) for name in _PIECES)
        form: Extra = {NAME: {_FORM: {"audio": {**self._told, **joined}}}}
        parts: list[Part] = [Text(words, extra=form)] if words and not spoken else []
        if data:
            parts.append(Audio(heard(data), extra=form))
        return Message("assistant", tuple(parts)) if parts else None


_PIECES = ("data", "transcript")
