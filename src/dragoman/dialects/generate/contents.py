"""Contents from the wire to neutral items: a content becomes messages, thoughts, calls and results; `turns` joins them again.

https://ai.google.dev/api/caching#Content
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.generate.calls import (
    SIGNATURE,
    is_provider_run,
    own_id,
    read_call,
    read_foreign_result,
    read_proof,
    read_provider_run,
    read_result,
    signature,
)
from dragoman.dialects.generate.parts import read_part
from dragoman.dialects.generate.remainder import NAME, difference, entries_at, field, keep, marked, snake, text_or_none
from dragoman.dialects.remainder import JsonObject, object_at, object_or_empty
from dragoman.ir.request import Call, Item, Message, Part, Reasoning, Result

ON = "on"
"""In the extra of a thought that is nothing but a signature: `text` if that sat on words, not on an empty part."""


def read_contents(value: Any) -> tuple[Item, ...]:
    """The list `contents` as flat items."""
    reader = _Reader()
    for index, entry in enumerate(entries_at(value, "contents")):
        reader.content(object_at(entry, f"contents[{index}]"), f"contents[{index}]")
    return tuple(reader.items)


def read_system(value: Any) -> Message:
    """`systemInstruction`."""
    came = object_at(value, "systemInstruction")
    parts = came.get("parts")
    read = tuple(read_part(object_or_empty(part)) for part in entries_at(parts, "systemInstruction.parts")) if parts is not None else ()
    rest = difference({**came, "parts": True}, {"parts": True}) if parts is not None else difference(came, {"parts": []})
    return Message("system", read, extra={NAME: rest})


def content_rest(came: JsonObject, role: str) -> JsonObject:
    """What a content says besides its parts."""
    if came.get("parts") is not None:
        return difference({**came, "parts": True}, {"role": role, "parts": True})
    return difference(came, {"role": role, "parts": []})


def textless(came: JsonObject) -> Reasoning:
    """A part that is nothing but a signature, as a thought without words."""
    proof = read_proof(came)
    return Reasoning(proof=proof, extra=keep(came, {"text": "", **signature(proof)}))


def signed_words(came: JsonObject) -> tuple[Part, Reasoning]:
    """Words that carry a signature: the part, and the signature as a thought without words after it."""
    names = (SIGNATURE, snake(SIGNATURE))
    proof = read_proof(came)
    sign = difference({name: came[name] for name in names if name in came}, signature(proof))
    return read_part({name: value for name, value in came.items() if name not in names}), Reasoning(
        proof=proof, extra={NAME: {ON: "text", **sign}}
    )


def thought(came: JsonObject) -> Reasoning:
    """A part with `thought: true`. The API tells summaries of thoughts, never the thoughts."""
    text, proof = str(came.get("text") or ""), read_proof(came)
    return Reasoning(summary=(text,), proof=proof, extra={NAME: difference(came, {"text": text, "thought": True, **signature(proof)})})


class _Reader:
    """The items so far, and the calls that wait for their results."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._made = 0
        self._waiting: list[Call] = []
        self._provider_id = ""

    def content(self, came: JsonObject, path: str) -> None:
        """Take one content."""
        parts = came.get("parts")
        told = [] if parts is None else entries_at(parts, f"{path}.parts")
        entries = [object_at(part, f"{path}.parts[{i}]") for i, part in enumerate(told)]
        model = came.get("role") == "model"
        items: list[Item] = []
        for entry in entries:
            self._part(entry, model, items)
        if not items:
            items.append(Message("assistant" if model else "user", ()))
        first = items[0]
        turn = content_rest(came, "model" if model else "user")
        items[0] = msgspec.structs.replace(first, extra=marked(getattr(first, "extra", None), turn=turn))  # pyright: ignore[reportCallIssue]
        self.items += items

    def _part(self, came: JsonObject, model: bool, items: list[Item]) -> None:
        if field(came, "functionResponse") is not None:
            items.append(self._result(came, model))
        elif model and field(came, "functionCall") is not None:
            items.append(self._call(came))
        elif model and is_provider_run(came):
            items.append(self._provider_run(came))
        elif model and came.get("thought") is True and isinstance(came.get("text"), str):
            items.append(thought(came))
        elif model and text_or_none(field(came, SIGNATURE)) and came.get("text", "") == "" and not (came.keys() - _SIGNED):
            items.append(textless(came))
        elif model and text_or_none(field(came, SIGNATURE)) and isinstance(came.get("text"), str):
            part, sign = signed_words(came)
            _say("assistant", part, items)
            items.append(sign)
        else:
            _say("assistant" if model else "user", read_part(came), items)

    def _call(self, came: JsonObject) -> Call:
        call = read_call(came, self._new_id())
        self._waiting.append(call)
        return call

    def _result(self, came: JsonObject, model: bool) -> Result:
        value = object_or_empty(field(came, "functionResponse"))
        told, name = text_or_none(value.get("id")), value.get("name")
        matches = [call for call in self._waiting if (call.call_id == told if told else call.name == name)]
        call_id = matches[0].call_id if matches else told or self._new_id()
        if matches:
            self._waiting.remove(matches[0])
        return read_foreign_result(came, call_id) if model else read_result(came, call_id)

    def _provider_run(self, came: JsonObject) -> Call | Result:
        item = read_provider_run(came, self._provider_id or self._new_id())
        self._provider_id = item.call_id if isinstance(item, Call) else ""
        return item

    def _new_id(self) -> str:
        self._made += 1
        return own_id(f"{self._made:020x}")


_SIGNED = frozenset({"text", SIGNATURE, snake(SIGNATURE), "thought"})


def _say(role: Any, part: Part, items: list[Item]) -> None:
    last = items[-1] if items else None
    if isinstance(last, Message):
        items[-1] = msgspec.structs.replace(last, parts=(*last.parts, part))
    else:
        items.append(Message(role, (part,)))
