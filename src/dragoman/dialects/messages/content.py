"""The blocks of a reply that are under way: each kind of block is a small machine from its start, by its deltas, to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.messages import wire
from dragoman.dialects.messages.blocks import read_citation
from dragoman.dialects.messages.ids import own_id
from dragoman.dialects.messages.items import REDACTED, SIGNATURE, WORDS, read_item
from dragoman.dialects.messages.remainder import NAME, unmodelled
from dragoman.dialects.remainder import JsonObject, objects, text_or_none
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.request import Item, OpaqueItem, Proof

Events = list[ev.Event]


class _Block:
    """What all blocks share: their number, and what the wire said at their start."""

    def __init__(self, part: int, came: JsonObject, run: str) -> None:
        self.part = part
        self._came = came
        self._run = run

    def begin(self) -> Events:
        """The events of its start."""
        return []

    def delta(self, delta: wire.Delta) -> Events:
        """The events of one delta; what does not belong to this kind of block says nothing."""
        method = self._TABLE.get(type(delta))
        return method(self, delta) if method is not None else []

    def end(self) -> Events:
        """The events of its end."""
        return [ev.PartEnded(self.part)]

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Events]]] = {}


class _Text(_Block):
    def begin(self) -> Events:
        events: Events = [ev.TextStarted(self.part, message_id=self._run)]
        text = text_or_none(self._came, "text")
        if text:
            events.append(ev.TextDelta(self.part, text))
        return [*events, *(ev.Cited(self.part, read_citation(cited)) for cited in objects(self._came.get("citations")))]

    def _on_text(self, delta: wire.TextDelta) -> Events:
        return [ev.TextDelta(self.part, delta.text)] if delta.text else []

    def _on_citation(self, delta: wire.CitationsDelta) -> Events:
        return [ev.Cited(self.part, read_citation(delta.citation))]

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Events]]] = {wire.TextDelta: _on_text, wire.CitationsDelta: _on_citation}


class _Thought(_Block):
    def begin(self) -> Events:
        self._signature = text_or_none(self._came, "signature") or ""
        self._words: list[str] = []
        events: Events = [ev.ReasoningStarted(self.part)]
        return [*events, *self._think(text_or_none(self._came, "thinking"))]

    def end(self) -> Events:
        proof = Proof(NAME, self._signature, SIGNATURE) if self._signature else None
        words = "".join(self._words)
        # The signature holds for these very words; clients of other dialects may bring the summary back in another form or not at all.
        return [ev.PartEnded(self.part, proof=proof, extra={NAME: {WORDS: words}} if proof is not None and words else None)]

    def _think(self, thought: str | None) -> Events:
        if not thought:
            return []
        self._words.append(thought)
        # What the API shows is a summary of the thoughts, and clients that hide full thoughts show summaries.
        return [ev.ReasoningDelta(self.part, thought, summary=True)]

    def _on_thinking(self, delta: wire.ThinkingDelta) -> Events:
        return self._think(delta.thinking)

    def _on_signature(self, delta: wire.SignatureDelta) -> Events:
        self._signature += delta.signature
        return []

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Events]]] = {wire.ThinkingDelta: _on_thinking, wire.SignatureDelta: _on_signature}


class _Redacted(_Block):
    def begin(self) -> Events:
        return [ev.ReasoningStarted(self.part)]

    def end(self) -> Events:
        data = text_or_none(self._came, "data")
        return [ev.PartEnded(self.part, proof=Proof(NAME, data, REDACTED) if data else None)]


_CALL_FIELDS = frozenset({"type", "id", "name", "input"})


class _Call(_Block):
    def begin(self) -> Events:
        self._said = False
        call_id = own_id(text_or_none(self._came, "id") or "")
        self._extra = unmodelled(self._came, _CALL_FIELDS)
        return [ev.CallStarted(self.part, call_id, text_or_none(self._came, "name") or "", extra=self._extra)]

    def end(self) -> Events:
        # `input` is `{}` at the start whatever follows; it counts where nothing followed.
        whole: Events = [] if self._said else [ev.CallDelta(self.part, msgspec.json.encode(self._came.get("input") or {}).decode())]
        return [*whole, ev.PartEnded(self.part, extra=self._extra)]

    def _on_input(self, delta: wire.InputDelta) -> Events:
        if not delta.partial_json:
            return []
        self._said = True
        return [ev.CallDelta(self.part, delta.partial_json)]

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Events]]] = {wire.InputDelta: _on_input}


class _Whole(_Block):
    """A block that is given as one item: what the provider ran itself, a compaction, a kind that is not known here."""

    def begin(self) -> Events:
        self._input: list[str] = []
        return []

    def end(self) -> Events:
        if self._input:
            self._came = {**self._came, "input": self._asked()}
        return [ev.ItemGiven(self.part, self._item())]

    def _item(self) -> Item:
        try:
            item = read_item(self._came, "content")
        except GatewayError:
            item = None
        return item if item is not None else OpaqueItem(NAME, str(self._came.get("type")), self._came)

    def _asked(self) -> Any:
        said = "".join(self._input)
        try:
            return msgspec.json.decode(said)
        except (msgspec.DecodeError, RecursionError):
            return said

    def _on_input(self, delta: wire.InputDelta) -> Events:
        if delta.partial_json:
            self._input.append(delta.partial_json)
        return []

    def _on_compaction(self, delta: wire.CompactionDelta) -> Events:
        told = {"content": delta.content, "encrypted_content": delta.encrypted_content}
        self._came = {**self._came, **{name: value for name, value in told.items() if value is not None}}
        return []

    def _on_text(self, delta: wire.TextDelta) -> Events:
        self._came = {**self._came, "text": f"{self._came.get('text') or ''}{delta.text}"}
        return []

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Events]]] = {
        wire.InputDelta: _on_input,
        wire.CompactionDelta: _on_compaction,
        wire.TextDelta: _on_text,
    }


_KINDS: dict[Any, type[_Block]] = {"text": _Text, "thinking": _Thought, "redacted_thinking": _Redacted, "tool_use": _Call}
# What a delta without a start belongs to: some compatible servers leave the start out.
_KIND_OF_DELTA: dict[type, str] = {wire.TextDelta: "text", wire.ThinkingDelta: "thinking", wire.SignatureDelta: "thinking"}


class Content:
    """All blocks of one reply. `called`: the client was asked to run a tool."""

    def __init__(self) -> None:
        self.called = False
        self.message_id = ""
        self._parts = 0
        self._run = 0
        self._in_run = False
        self._open: dict[int, _Block] = {}

    def begin(self, index: int, came: JsonObject) -> Events:
        """A block begins at this index of the reply."""
        events = self.end(index)
        kind = text_or_none(came, "type")
        # Words with citations come as a row of blocks that read as one text: they belong to one message.
        self._run += kind == "text" and not self._in_run
        self._in_run = kind == "text"
        self.called = self.called or kind == "tool_use"
        block = _KINDS.get(kind, _Whole)(self._parts, came, f"{self.message_id or 'msg'}_{self._run - 1}")
        self._parts += 1
        self._open[index] = block
        events += block.begin()
        return events

    def delta(self, index: int, delta: wire.Delta) -> Events:
        """More of a block."""
        block = self._open.get(index)
        if block is not None:
            return block.delta(delta)
        kind = _KIND_OF_DELTA.get(type(delta))
        return [*self.begin(index, {"type": kind}), *self._open[index].delta(delta)] if kind is not None else []

    def end(self, index: int) -> Events:
        """A block is complete."""
        block = self._open.pop(index, None)
        return block.end() if block is not None else []

    def end_all(self) -> Events:
        """The reply is over."""
        return [event for index in sorted(self._open) for event in self.end(index)]
