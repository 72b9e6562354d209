"""Puts tool calls together from their deltas: by `index`, else by id, else by order; with an id of our own where the server gives none.

Known variations: no index (Mistral), index 0 for all (Ollama), empty ids (Gemini's compatible API), everything in one delta,
arguments that are missing or an object, the name or the id repeated in every delta, empty forms of other kinds beside a call's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.remainder import JsonObject, object_or_empty, stow
from dragoman.ir import events as ev
from dragoman.ir.request import CallKind, Proof

_KNOWN = frozenset({"index", "id", "type", "function", "custom"})


class _Open(msgspec.Struct, gc=False):
    """A call under way. `part` is None until its name is known; `text` is all of its arguments so far."""

    id: str
    kind: CallKind
    name: str = ""
    part: int | None = None
    text: str = ""
    more: JsonObject | None = None


class Assembly:
    """The calls of one choice. `seed` makes ids of our own differ between replies."""

    def __init__(self, choice: int, parts: Iterator[int], seed: str) -> None:
        self.any = False
        self._choice = choice
        self._parts = parts
        self._seed = seed
        self._calls: list[_Open] = []
        self._by_index: dict[int, _Open] = {}
        self._ids: set[str] = set()
        self._made = 0

    def feed(self, entries: list[Any], out: list[ev.Event]) -> None:
        """Take the `tool_calls` of one delta."""
        for place, entry in enumerate(entries):
            if isinstance(entry, dict):
                # Side by side in one list they are different calls, also without an index.
                self._entry({"index": place, **entry} if len(entries) > 1 else entry, out)  # pyright: ignore[reportUnknownArgumentType]

    def close(self, out: list[ev.Event]) -> None:
        """The calls are over."""
        for call in self._calls:
            if call.part is None:
                self._start(call, out)
            if not call.text and call.kind != "custom":
                out.append(ev.CallDelta(_part(call), "{}"))
            out.append(ev.PartEnded(_part(call), proof=_proof(call), extra={NAME: call.more} if call.more else None))
        self._calls.clear()
        self._by_index.clear()

    @property
    def unfinished(self) -> bool:
        """Whether an open call's arguments are no whole JSON value."""
        return any(call.kind != "custom" and call.text and not _is_json(call.text) for call in self._calls)

    def _entry(self, entry: JsonObject, out: list[ev.Event]) -> None:
        custom = _is_custom(entry)
        inner = object_or_empty(entry.get("custom" if custom else "function"))
        name = inner.get("name")
        name = name if isinstance(name, str) else ""
        call = self._find(entry, name) or self._open(entry, "custom" if custom else "function")
        if name and not call.name:
            call.name = name
        if not _KNOWN.issuperset(entry):
            call.more = call.more or {}
            for key, value in entry.items():
                if key not in _KNOWN and value is not None:
                    stow(call.more, key, value)
        text = inner.get("input") if custom else inner.get("arguments")
        self._text(call, text if isinstance(text, str) else "" if text is None else msgspec.json.encode(text).decode(), out)

    def _text(self, call: _Open, text: str, out: list[ev.Event]) -> None:
        if call.part is None and call.name:
            self._start(call, out)
            text, call.text = call.text + text, ""
        call.text += text
        if text and call.part is not None:
            out.append(ev.CallDelta(call.part, text))

    def _find(self, entry: JsonObject, name: str) -> _Open | None:
        index, told = entry.get("index"), entry.get("id")
        if isinstance(index, int):
            call = self._by_index.get(index)
        elif told and isinstance(told, str):
            return next((call for call in self._calls if call.id == told), None)
        else:
            call = self._calls[-1] if self._calls else None
        if call is None or not name or not call.name:
            return call
        # A name where one is known: the same call told again, or the next one under the same index.
        if told:
            return call if told == call.id else None
        return None if _is_json(call.text) else call

    def _open(self, entry: JsonObject, kind: CallKind) -> _Open:
        told, index = entry.get("id"), entry.get("index")
        call = _Open(self._unique(told if isinstance(told, str) else ""), kind)
        self.any = True
        self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        return call

    def _start(self, call: _Open, out: list[ev.Event]) -> None:
        call.part = next(self._parts)
        out.append(ev.CallStarted(call.part, call.id, call.name, self._choice, call.kind))

    def _unique(self, told: str) -> str:
        while not told or told in self._ids:
            self._made += 1
            told = f"call_{hashlib.sha256(f'{self._seed}/{self._choice}/{self._made}'.encode()).hexdigest()[:24]}"
        self._ids.add(told)
        return told


def _is_custom(entry: JsonObject) -> bool:
    # Some servers fill in every form there is, empty but for one (Snowflake); the later pieces of a stream name no type.
    return "custom" in entry and (entry.get("type") == "custom" or not entry.get("function"))


def _part(call: _Open) -> int:
    return call.part if call.part is not None else -1


def _proof(call: _Open) -> Proof | None:
    # Gemini's compatible API signs calls in `extra_content` and refuses the history without it.
    content = (call.more or {}).get("extra_content")
    return Proof(NAME, msgspec.json.encode(content).decode(), "extra_content") if content else None


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
