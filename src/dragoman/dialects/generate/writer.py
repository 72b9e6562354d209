"""Neutral events to the chunks that a client of the API expects.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent

A call goes out whole, when its arguments are. A ping is a chunk with an empty part: the parsers of several clients of this API keep
everything back that follows a comment, while the API itself sends empty parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.generate.calls import signature, write_call, write_provider_run
from dragoman.dialects.generate.candidate import UNDECLARED
from dragoman.dialects.generate.errors import error_frame
from dragoman.dialects.generate.grounding import Sources
from dragoman.dialects.generate.parts import write_parts
from dragoman.dialects.generate.remainder import NAME, own
from dragoman.dialects.generate.turns import thought_part
from dragoman.dialects.generate.usage import write_usage
from dragoman.dialects.remainder import JsonObject
from dragoman.dialects.unsaid import unsaid
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Audio, Call, Citation, File, Image, Item, Message, OpaqueItem, Reasoning, Request, Result

_encode = msgspec.json.Encoder().encode

_NOTHING = b'data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"index":0}'
PING = _NOTHING + b"]}\n\n"

_REASONS: dict[str, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "stop_sequence": "STOP",
    "pause": "OTHER",
    "context_window": "MAX_TOKENS",
    "other": "OTHER",
}


def head(started: ev.Started, model: str) -> JsonObject:
    """The fields of every chunk and of a whole reply beside the candidates."""
    return {"modelVersion": started.model or model, "responseId": started.id, **(own(started.extra) or {})}


def finish(reason: str, detail: str | None) -> JsonObject:
    """The fields of a candidate that tell why it ended. A detail that begins with a word of the API is that word."""
    word, _, message = (detail or "").partition(": ")
    own_word = word.isupper() and word.replace("_", "").isalpha()
    if own_word and (reason in ("content_filter", "other", "length") or (reason == "tool_calls" and word == UNDECLARED)):
        return {"finishReason": word, **({"finishMessage": message} if message else {})}
    told: JsonObject = {"finishReason": _REASONS[reason]}
    if detail is not None and reason in ("stop", "tool_calls"):
        told["finishMessage"] = detail
    return told


def item_parts(item: Item) -> list[JsonObject]:
    """The parts of a finished item of a reply."""
    if isinstance(item, Message):
        return write_parts(item.parts, [])
    if isinstance(item, Reasoning):
        return thought_part(item)
    if isinstance(item, Call | Result):
        if item.executor == "provider":
            part = write_provider_run(item, [])
            return [part] if part is not None else []
        return [write_call(item, [])] if isinstance(item, Call) else []
    return [item.value] if isinstance(item, OpaqueItem) and item.dialect == NAME else []


class _Open(msgspec.Struct, gc=False):
    """A part under way: its candidate, what stands around the JSON text of its deltas, its call; the pieces of words or arguments, and
    what the words are from."""

    choice: int
    before: bytes = b""
    after: bytes = b""
    call: ev.CallStarted | None = None
    pieces: list[str] = []
    cited: list[Citation] = []
    worded: bool = False
    section: tuple[bool, int] | None = None


class Writer:
    """Writes one stream."""

    def __init__(self, request: Request) -> None:
        self._model = request.model
        self._usage: JsonObject | None = None
        self._head: JsonObject = {}
        self._tail = b""
        self._open: dict[int, _Open] = {}
        self._finishes: list[JsonObject] = []
        self._sources: dict[int, Sources] = {}
        self._waiting: list[JsonObject] = []
        self._over = False
        self._on_started(ev.Started())

    def feed(self, event: ev.Event) -> bytes:
        """The chunks that this event makes."""
        return self._TABLE[type(event)](self, event)

    def close(self) -> bytes:
        """Nothing more will come: an error, if no end was written."""
        return self._fail(GatewayError(Kind.CUT, "the provider's answer ended before it was complete", source="upstream"))

    def ping(self) -> bytes:
        """A chunk that says nothing. Clients take model and id off the first chunk, whatever it is."""
        return b"" if self._over else _NOTHING + self._tail

    def _on_started(self, event: ev.Started) -> bytes:
        self._head = head(event, self._model)
        self._tail = b"]," + _encode(self._head)[1:] + b"\n\n"
        return b""

    def _chunk(self, choice: int, parts: list[JsonObject]) -> bytes:
        if not parts:
            return b""
        return b'data: {"candidates":[%b' % _encode({"content": {"parts": parts, "role": "model"}, "index": choice}) + self._tail

    def _begin(self, part: int, choice: int, flags: bytes) -> bytes:
        after = flags + b'}],"role":"model"},"index":%d}' % choice + self._tail
        self._open[part] = _Open(choice, b'data: {"candidates":[{"content":{"parts":[{"text":', after)
        return b""

    def _on_text_started(self, event: ev.TextStarted) -> bytes:
        return self._begin(event.part, event.choice, b"")

    def _on_reasoning_started(self, event: ev.ReasoningStarted) -> bytes:
        return self._begin(event.part, event.choice, b',"thought":true')

    def _on_delta(self, event: ev.TextDelta) -> bytes:
        part = self._open.get(event.part)
        if part is None or not event.text:
            return b""
        part.pieces.append(event.text)
        return part.before + _encode(event.text) + part.after

    def _on_cited(self, event: ev.Cited) -> bytes:
        part = self._open.get(event.part)
        if part is not None:
            part.cited.append(event.citation)
        return b""

    def _on_reasoning(self, event: ev.ReasoningDelta) -> bytes:
        part = self._open.get(event.part)
        if part is None or not event.text:
            return b""
        section = (event.summary, event.section)
        text = event.text if part.section in (None, section) else "\n\n" + event.text
        part.section, part.worded = section, True
        return part.before + _encode(text) + part.after

    def _on_call_started(self, event: ev.CallStarted) -> bytes:
        if event.executor == "client":
            # The client would try to run what a provider runs.
            self._open[event.part] = _Open(event.choice, call=event, pieces=[])
        return b""

    def _on_call_delta(self, event: ev.CallDelta) -> bytes:
        part = self._open.get(event.part)
        if part is not None:
            part.pieces.append(event.text)
        return b""

    def _on_part_ended(self, event: ev.PartEnded) -> bytes:
        part = self._open.pop(event.part, None)
        if part is None:
            return b""
        if part.call is not None:
            start = part.call
            arguments = "".join(part.pieces)
            call = Call(start.call_id, start.name, arguments, start.kind, start.namespace, proof=event.proof, extra=event.extra)
            return self._chunk(part.choice, [write_call(call, [])])
        if part.pieces:
            self._sources.setdefault(part.choice, Sources()).add("".join(part.pieces), part.cited)
        sign = signature(event.proof)
        if not sign:
            return b""
        return self._chunk(part.choice, [{"text": "", **({"thought": True} if part.worded else {}), **sign}])

    def _on_given(self, event: ev.ItemGiven) -> bytes:
        parts = item_parts(event.item)
        if any("functionCall" in part for part in parts) and isinstance(event.item, Call) and event.item.executor == "provider":
            # Alone it would be the client's to answer: it goes out together with its result.
            self._waiting += parts
            return b""
        if isinstance(event.item, Result):
            parts, self._waiting = [*self._waiting, *parts], []
        return self._chunk(event.choice, parts)

    def _on_usage(self, event: ev.UsageReported) -> bytes:
        self._usage = write_usage(event.usage)
        return b""

    def _on_finished(self, event: ev.Finished) -> bytes:
        self._finishes.append({"content": {"parts": [], "role": "model"}, **finish(event.reason, event.detail), "index": event.choice})
        return b""

    def _on_ended(self, event: ev.Ended) -> bytes:
        if self._over:
            return b""
        self._over = True
        finishes = self._finishes or [{"content": {"parts": [], "role": "model"}, "finishReason": "STOP", "index": 0}]
        for told in finishes:
            if told["index"] in self._sources:
                told.update(self._sources[told["index"]].metadata())
        last: JsonObject = {"candidates": finishes}
        if self._usage is not None:
            last["usageMetadata"] = self._usage
        return b"data: %b\n\n" % _encode({**last, **self._head})

    def _on_failed(self, event: ev.Failed) -> bytes:
        return self._fail(event.error)

    def _fail(self, error: GatewayError) -> bytes:
        if self._over:
            return b""
        self._over = True
        return error_frame(error)

    def _on_opaque(self, event: ev.Opaque) -> bytes:
        if event.dialect != NAME:
            return b""
        return b"data: %b\n\n" % _encode({**msgspec.json.decode(event.data), **self._head})

    def _nothing(self, event: ev.Event) -> bytes:
        return b""

    def _on_pinged(self, event: ev.Pinged) -> bytes:
        return self.ping()

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        ev.Started: _on_started,
        ev.TextStarted: _on_text_started,
        ev.TextDelta: _on_delta,
        ev.Cited: _on_cited,
        ev.ReasoningStarted: _on_reasoning_started,
        ev.ReasoningDelta: _on_reasoning,
        ev.CallStarted: _on_call_started,
        ev.CallDelta: _on_call_delta,
        ev.ItemGiven: _on_given,
        ev.PartEnded: _on_part_ended,
        ev.UsageReported: _on_usage,
        ev.Finished: _on_finished,
        ev.Ended: _on_ended,
        ev.Failed: _on_failed,
        ev.Warned: _nothing,
        ev.Opaque: _on_opaque,
        ev.Pinged: _on_pinged,
    }


def unsaid_of(item: Item) -> str | None:
    """What this API does not tell of an item of an answer."""
    return unsaid(item, NAME, lambda item: bool(item_parts(item)), (Image, Audio, File))
