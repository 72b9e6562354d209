"""The items of an answer as they stream in: frames of items, parts and deltas to neutral events. One small method for each type.

Deltas are passed on as they come. What an item's `.done` (or the finished response) says beyond them is added then, so nothing is
lost where a provider sends fewer frames than it should.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.remainder import JsonObject, objects, text_or_none
from dragoman.dialects.responses import wire
from dragoman.dialects.responses.citations import read_citation
from dragoman.dialects.responses.items import is_run_there, read_item
from dragoman.dialects.responses.remainder import NAME, unmodelled
from dragoman.dialects.responses.sealed import own_proof
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.request import Call, Extra, Item, OpaqueItem

# Fields with a place in the neutral events; others travel in `extra`.
_KNOWN_ITEM: dict[str, frozenset[str]] = {
    "message": frozenset({"type", "id", "role", "content", "status", "phase"}),
    "reasoning": frozenset({"type", "id", "summary", "content", "encrypted_content", "status"}),
    "function_call": frozenset({"type", "id", "call_id", "name", "namespace", "arguments", "status"}),
    "custom_tool_call": frozenset({"type", "id", "call_id", "name", "namespace", "input", "status"}),
    "tool_search_call": frozenset({"type", "id", "call_id", "arguments", "execution", "status"}),
}
_STREAMED = frozenset(_KNOWN_ITEM)
_NONE: frozenset[str] = frozenset()


# Keys of pieces beside the content indexes of a message's texts and the (summary, section) pairs of a thought.
_THOUGHT, _CALL = "thought", "call"


class _Piece:
    """A part under way and how much of its text was passed on."""

    __slots__ = ("chars", "cited", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.chars = 0
        self.cited = 0


class _Slot:
    """An item under way: what `output_item.added` said of it, and its pieces by content or summary index."""

    __slots__ = ("added", "pieces")

    def __init__(self, added: JsonObject) -> None:
        self.added = added
        self.pieces: dict[Any, _Piece] = {}

    def texts(self) -> list[_Piece]:
        """Its text parts in order."""
        return [self.pieces[index] for index in sorted(key for key in self.pieces if isinstance(key, int))]


class Output:
    """The items under way. `called`: the client is to run a tool; `refused`: the model refused."""

    def __init__(self) -> None:
        self.called = False
        self.refused = False
        self._slots: dict[int, _Slot] = {}
        self._numbers = 0
        self._done_indexes: set[int] = set()
        self._done_names: Counter[Any] = Counter()

    def rest_of(self, output: Any) -> Iterator[ev.Event]:
        """Items that never had their own `.done`, then parts that are still open."""
        # Each counts once: xAI gives several items of one answer the same id.
        known, indexes = self._done_names.copy(), self._done_indexes.copy()
        items: list[Any] = output if isinstance(output, list) else []  # pyright: ignore[reportUnknownVariableType]
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                continue
            name = _name(item)  # pyright: ignore[reportUnknownArgumentType]
            if known[name]:
                known[name] -= 1
            elif index not in indexes:
                yield from self._finish(index, item)  # pyright: ignore[reportUnknownArgumentType]
        for index in sorted(self._slots):
            yield from self._finish(index, None)

    # ---- items ----

    def _on_item_added(self, frame: wire.ItemAdded) -> Iterable[ev.Event]:
        events: list[ev.Event] = []
        if frame.output_index in self._slots:
            # Some compatible servers leave `output_index` at 0 for every item.
            events += self._finish(frame.output_index, None)
        item, kind = frame.item, _streamed(frame.item)
        slot = self._slots[frame.output_index] = _Slot(item)
        if kind not in _STREAMED:
            events.append(ev.Opaque(NAME, "response.output_item.added", msgspec.json.encode(frame)))
        elif (begin := self._BEGIN.get(kind)) is not None:
            events += begin(self, slot, item)
        return events

    def _on_item_done(self, frame: wire.ItemDone) -> Iterable[ev.Event]:
        return list(self._finish(frame.output_index, frame.item))

    def _finish(self, index: int, item: JsonObject | None) -> Iterator[ev.Event]:
        """End the item at this index. `item`: it whole, or None if only its deltas are known."""
        slot = self._slots.pop(index, None) or _Slot({})
        ended: set[int] = set()
        for event in self._finish_by_kind(slot, index, item):
            if isinstance(event, ev.PartEnded):
                ended.add(event.part)
            yield event
        # Frames of another kind than the item's own: whatever they opened is closed with it.
        for number in sorted({piece.number for piece in slot.pieces.values()} - ended):
            yield ev.PartEnded(number, status="incomplete")

    def _finish_by_kind(self, slot: _Slot, index: int, item: JsonObject | None) -> Iterator[ev.Event]:
        if item is not None:
            self._done_indexes.add(index)
            self._done_names[_name(item)] += 1
        whole = item if item is not None else slot.added
        finish = self._FINISH.get(_streamed(whole))
        if finish is not None:
            yield from finish(self, slot, item)
        elif item is not None:
            yield ev.ItemGiven(self._number(), read_given(item))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers - 1

    def _slot(self, index: int, kind: str) -> _Slot:
        slot = self._slots.get(index)
        if slot is None:
            slot = self._slots[index] = _Slot({"type": kind})
        return slot

    # ---- messages ----

    def _on_text(self, frame: wire.TextDelta) -> Iterable[ev.Event]:
        slot = self._slots.get(frame.output_index)
        piece = slot.pieces.get(frame.content_index) if slot is not None else None
        if piece is None:
            return self._late_text(frame, refusal=False)
        piece.chars += len(frame.delta)
        return (ev.TextDelta(piece.number, frame.delta, frame.logprobs or None),)

    def _on_refusal(self, frame: wire.RefusalDelta) -> Iterable[ev.Event]:
        return self._late_text(frame, refusal=True)

    def _late_text(self, frame: wire.TextDelta | wire.RefusalDelta, *, refusal: bool) -> Iterable[ev.Event]:
        events: list[ev.Event] = []
        slot = self._slot(frame.output_index, "message")
        piece = slot.pieces.get(frame.content_index) or self._open_text(slot, frame.content_index, refusal, events)
        piece.chars += len(frame.delta)
        events.append(ev.TextDelta(piece.number, frame.delta, getattr(frame, "logprobs", None) or None))
        return events

    def _on_part_added(self, frame: wire.PartAdded) -> Iterable[ev.Event]:
        kind = frame.part.get("type")
        if kind not in ("output_text", "refusal"):
            return ()
        events: list[ev.Event] = []
        slot = self._slot(frame.output_index, "message")
        if frame.content_index not in slot.pieces:
            self._open_text(slot, frame.content_index, kind == "refusal", events)
        return events

    def _open_text(self, slot: _Slot, index: int, refusal: bool, events: list[ev.Event]) -> _Piece:
        piece = slot.pieces[index] = _Piece(self._number())
        self.refused |= refusal
        added = slot.added
        events.append(
            ev.TextStarted(piece.number, message_id=text_or_none(added, "id"), phase=text_or_none(added, "phase"), refusal=refusal)
        )
        return piece

    def _on_annotation(self, frame: wire.AnnotationAdded) -> Iterable[ev.Event]:
        events: list[ev.Event] = []
        slot = self._slot(frame.output_index, "message")
        piece = slot.pieces.get(frame.content_index) or self._open_text(slot, frame.content_index, False, events)
        piece.cited += 1
        events.append(ev.Cited(piece.number, read_citation(frame.annotation)))
        return events

    def _finish_message(self, slot: _Slot, item: JsonObject | None) -> Iterator[ev.Event]:
        pieces = slot.texts()
        events: list[ev.Event] = []
        if item is not None:
            slot.added = item
            self._complete_texts(slot, pieces, item, events)
            pieces = slot.texts()
        yield from events
        for piece in pieces:
            yield _ended(piece.number, item, "message", extra=piece is pieces[-1])

    def _complete_texts(self, slot: _Slot, pieces: list[_Piece], item: JsonObject, events: list[ev.Event]) -> None:
        # Matched by order, not by index: some hosts count content indexes over the whole response.
        content: Any = item.get("content")
        # Some servers give the words themselves.
        told = [{"type": "output_text", "text": content}] if isinstance(content, str) else objects(content)
        for position, part in enumerate(told):
            refusal = part.get("type") == "refusal"
            text = text_or_none(part, "refusal" if refusal else "text")
            if text is None:
                continue
            piece = pieces[position] if position < len(pieces) else self._open_text(slot, 1_000_000 + position, refusal, events)
            if len(text) > piece.chars:
                events.append(ev.TextDelta(piece.number, text[piece.chars :], None if piece.chars else _logprobs(part)))
            citations = objects(part.get("annotations"))[piece.cited :]
            events += [ev.Cited(piece.number, read_citation(citation)) for citation in citations]

    # ---- thoughts ----

    def _begin_reasoning(self, slot: _Slot, item: JsonObject) -> Iterable[ev.Event]:
        slot.pieces[_THOUGHT] = _Piece(self._number())
        return (ev.ReasoningStarted(slot.pieces[_THOUGHT].number, id=text_or_none(item, "id")),)

    def _on_summary(self, frame: wire.SummaryDelta) -> Iterable[ev.Event]:
        return self._thought(frame.output_index, frame.delta, True, frame.summary_index)

    def _on_thought(self, frame: wire.ThoughtDelta) -> Iterable[ev.Event]:
        return self._thought(frame.output_index, frame.delta, False, frame.content_index)

    def _thought(self, index: int, delta: str, summary: bool, section: int) -> Iterable[ev.Event]:
        slot = self._slots.get(index)
        if slot is None or _THOUGHT not in slot.pieces:
            slot = self._slot(index, "reasoning")
            return [*self._begin_reasoning(slot, slot.added), *self._thought(index, delta, summary, section)]
        number = slot.pieces[_THOUGHT].number
        piece = slot.pieces.get((summary, section))
        if piece is None:
            piece = slot.pieces[(summary, section)] = _Piece(number)
        piece.chars += len(delta)
        return (ev.ReasoningDelta(number, delta, summary, section),)

    def _finish_reasoning(self, slot: _Slot, item: JsonObject | None) -> Iterator[ev.Event]:
        if _THOUGHT not in slot.pieces:
            yield from self._begin_reasoning(slot, item or slot.added)
        number = slot.pieces[_THOUGHT].number
        for summary, name in ((True, "summary"), (False, "content")):
            for section, entry in enumerate(objects((item or {}).get(name))):
                text = text_or_none(entry, "text") or ""
                piece = slot.pieces.get((summary, section))
                told = piece.chars if piece is not None else 0
                if len(text) > told:
                    yield ev.ReasoningDelta(number, text[told:], summary, section)
        yield _ended(number, item, "reasoning")

    # ---- calls ----

    def _begin_call(self, slot: _Slot, item: JsonObject) -> Iterable[ev.Event]:
        call_id, name = text_or_none(item, "call_id"), text_or_none(item, "name")
        if call_id is None or name is None:
            return ()  # told with the finished item
        piece = slot.pieces[_CALL] = _Piece(self._number())
        self.called = True
        kind = "custom" if item["type"] == "custom_tool_call" else "function"
        namespace, item_id = text_or_none(item, "namespace"), text_or_none(item, "id")
        return (ev.CallStarted(piece.number, call_id, name, kind=kind, namespace=namespace, id=item_id),)

    def _on_arguments(self, frame: wire.ArgumentsDelta | wire.InputDelta) -> Iterable[ev.Event]:
        slot = self._slots.get(frame.output_index)
        piece = slot.pieces.get(_CALL) if slot is not None else None
        if piece is None:
            return ()  # an item that was not announced: its `.done` says it whole
        piece.chars += len(frame.delta)
        return (ev.CallDelta(piece.number, frame.delta),)

    def _finish_call(self, slot: _Slot, item: JsonObject | None) -> Iterator[ev.Event]:
        whole = item if item is not None else slot.added
        if _CALL not in slot.pieces:
            yield from self._begin_call(slot, whole)
        piece = slot.pieces.get(_CALL)
        if piece is None:
            yield ev.Warned("output", "the provider made a tool call without a name or a `call_id`")
            return
        kind = whole["type"]
        told = text_or_none(whole, "input" if kind == "custom_tool_call" else "arguments") or ""
        if len(told) > piece.chars:
            yield ev.CallDelta(piece.number, told[piece.chars :])
        yield _ended(piece.number, item, kind)

    def _finish_search(self, slot: _Slot, item: JsonObject | None) -> Iterator[ev.Event]:
        if item is None:
            return
        call = read_given(item)
        if not isinstance(call, Call):
            yield ev.ItemGiven(self._number(), call)
            return
        self.called = True
        number = self._number()
        yield ev.CallStarted(number, call.call_id, call.name, kind="search", id=call.id)
        yield ev.CallDelta(number, call.arguments)
        yield _ended(number, item, "tool_search_call")

    _BEGIN: ClassVar[dict[Any, Callable[[Any, _Slot, JsonObject], Iterable[ev.Event]]]] = {
        "reasoning": _begin_reasoning,
        "function_call": _begin_call,
        "custom_tool_call": _begin_call,
    }
    _FINISH: ClassVar[dict[Any, Callable[[Any, _Slot, JsonObject | None], Iterator[ev.Event]]]] = {
        "message": _finish_message,
        "reasoning": _finish_reasoning,
        "function_call": _finish_call,
        "custom_tool_call": _finish_call,
        "tool_search_call": _finish_search,
    }
    TABLE: ClassVar[dict[type, Callable[[Any, Any], Iterable[ev.Event]]]] = {
        wire.TextDelta: _on_text,
        wire.RefusalDelta: _on_refusal,
        wire.ThoughtDelta: _on_thought,
        wire.SummaryDelta: _on_summary,
        wire.ArgumentsDelta: _on_arguments,
        wire.InputDelta: _on_arguments,
        wire.ItemAdded: _on_item_added,
        wire.ItemDone: _on_item_done,
        wire.PartAdded: _on_part_added,
        wire.AnnotationAdded: _on_annotation,
    }


def read_given(item: JsonObject) -> Item:
    """A finished output item in the neutral language; one that breaks the API's rules stays as it is."""
    try:
        return read_item(item, "output")
    except GatewayError:
        return OpaqueItem(NAME, _kind(item), item)


def _ended(number: int, item: JsonObject | None, kind: str, *, extra: bool = True) -> ev.PartEnded:
    if item is None:
        return ev.PartEnded(number, status="incomplete")
    status = text_or_none(item, "status")
    # Thoughts have no status on this API itself; elsewhere they may.
    unusual = status is not None and (kind == "reasoning" or status != "completed")
    known = (
        _KNOWN_ITEM[kind] - ({"status"} if unusual else _NONE) - ({"content"} if kind == "reasoning" and not item.get("content") else _NONE)
    )
    rest: Extra | None = unmodelled(item, known) if extra else None
    proof = own_proof(item) if kind == "reasoning" else None
    return ev.PartEnded(number, proof, status if unusual else None, rest)


def _logprobs(part: JsonObject) -> list[Any] | None:
    told: Any = part.get("logprobs")
    return told or None if isinstance(told, list) else None  # pyright: ignore[reportUnknownVariableType]


def _kind(item: JsonObject) -> str:
    return text_or_none(item, "type") or ""


def _streamed(item: JsonObject) -> str:
    """The type of an item that is told in pieces; what the provider runs itself is told when it is done."""
    kind = _kind(item)
    return "" if kind == "custom_tool_call" and is_run_there(item) else kind


def _name(item: JsonObject) -> Any:
    """What tells two output items apart, or the item itself where it has no id."""
    found = item.get("id") or item.get("call_id")
    return (_kind(item), found) if isinstance(found, str) else id(item)
