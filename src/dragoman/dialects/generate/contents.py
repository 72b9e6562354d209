"""Contents from the wire to neutral items: a content becomes messages, thoughts, calls and results; `turns` joins them again.

https://ai.google.dev/api/caching#Content
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

import msgspec

from dragoman.dialects.generate.calls import (
    PROVIDER_RUN,
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
        reader.content(entry if isinstance(entry, dict) else object_at(entry, f"contents[{index}]"), index)  # pyright: ignore[reportUnknownArgumentType]
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
        if came.get("role") == role and len(came) == 2:
            return {}
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
    if len(came) == 2 + (proof is not None) and (proof is None or SIGNATURE in came):
        return Reasoning((text,), proof=proof, extra={NAME: {}})
    return Reasoning(summary=(text,), proof=proof, extra={NAME: difference(came, {"text": text, "thought": True, **signature(proof)})})


class _Reader:
    """The items so far, and the calls that wait for their results."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._made = 0
        self._waiting = _Waiting()
        self._provider_id = ""

    def content(self, came: JsonObject, index: int) -> None:
        """Take one content."""
        model = came.get("role") == "model"
        items: list[Item] = []
        said: list[Part] = []
        for part in _parts(came, index):
            item = None if part.keys().isdisjoint(_APART) else self._apart(part, model, said)
            if item is None:
                said.append(read_part(part))
            else:
                _end(said, model, items)
                items.append(item)
        _end(said, model, items)
        if not items:
            items.append(Message("assistant" if model else "user", ()))
        first = items[0]
        turn = content_rest(came, "model" if model else "user")
        items[0] = msgspec.structs.replace(first, extra=marked(getattr(first, "extra", None), turn=turn))  # pyright: ignore[reportCallIssue]
        self.items += items

    def _apart(self, came: JsonObject, model: bool, said: list[Part]) -> Item | None:
        """The item that a part is, None for words and media. Words that carry a signature are added to what was `said`."""
        if field(came, "functionResponse") is not None:
            return self._result(came, model)
        if not model:
            return None
        if field(came, "functionCall") is not None:
            return self._call(came)
        if is_provider_run(came):
            return self._provider_run(came)
        if came.get("thought") is True and isinstance(came.get("text"), str):
            return thought(came)
        if text_or_none(field(came, SIGNATURE)) and came.get("text", "") == "" and not (came.keys() - _SIGNED):
            return textless(came)
        if text_or_none(field(came, SIGNATURE)) and isinstance(came.get("text"), str):
            part, sign = signed_words(came)
            said.append(part)
            return sign
        return None

    def _call(self, came: JsonObject) -> Call:
        call = read_call(came, self._new_id())
        self._waiting.add(call)
        return call

    def _result(self, came: JsonObject, model: bool) -> Result:
        value = object_or_empty(field(came, "functionResponse"))
        told, name = text_or_none(value.get("id")), value.get("name")
        call = self._waiting.answered(told, name if isinstance(name, str) else "")
        call_id = call.call_id if call is not None else told or self._new_id()
        return read_foreign_result(came, call_id) if model else read_result(came, call_id)

    def _provider_run(self, came: JsonObject) -> Call | Result:
        item = read_provider_run(came, self._provider_id or self._new_id())
        self._provider_id = item.call_id if isinstance(item, Call) else ""
        return item

    def _new_id(self) -> str:
        self._made += 1
        return own_id(f"{self._made:020x}")


class _Waiting:
    """The calls that wait for their results, by id and by name, first come first answered."""

    def __init__(self) -> None:
        self._by_id: defaultdict[str, deque[Call]] = defaultdict(deque)
        self._by_name: defaultdict[str, deque[Call]] = defaultdict(deque)
        self._answered: dict[int, Call] = {}

    def add(self, call: Call) -> None:
        """A call was made."""
        self._by_id[call.call_id].append(call)
        self._by_name[call.name].append(call)

    def answered(self, call_id: str | None, name: str) -> Call | None:
        """The call that a result with this id, or without one for a tool of this name, answers."""
        queue = self._by_id.get(call_id) if call_id else self._by_name.get(name)
        while queue:
            call = queue.popleft()
            if id(call) not in self._answered:
                self._answered[id(call)] = call
                return call
        return None


_SIGNED = frozenset({"text", SIGNATURE, snake(SIGNATURE), "thought"})
_APART = frozenset(
    spelled for name in ("functionResponse", "functionCall", *PROVIDER_RUN, SIGNATURE, "thought") for spelled in (name, snake(name))
)
"""What tells a part from words and media."""


def _parts(came: JsonObject, index: int) -> list[JsonObject]:
    parts = came.get("parts")
    if parts is None:
        return []
    told: list[Any] = parts if isinstance(parts, list) else entries_at(parts, f"contents[{index}].parts")  # pyright: ignore[reportUnknownVariableType]
    return [part if isinstance(part, dict) else object_at(part, f"contents[{index}].parts[{at}]") for at, part in enumerate(told)]


def _end(said: list[Part], model: bool, items: list[Item]) -> None:
    if said:
        items.append(Message("assistant" if model else "user", tuple(said)))
        said.clear()
