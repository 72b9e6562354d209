"""Writes a Responses stream: neutral events in, the full legal sequence of frames out, numbered without gaps.

response.created, response.in_progress, the items, exactly one of response.completed, response.incomplete or response.failed.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.remainder import JsonObject
from dragoman.dialects.responses.envelope import closing, failing, item_stem, opening, response_id, wants_seals
from dragoman.dialects.responses.frames import lifecycle
from dragoman.dialects.responses.items import write_given
from dragoman.dialects.responses.last_seals import LastSeals
from dragoman.dialects.responses.remainder import NAME
from dragoman.dialects.responses.sealed import carrier
from dragoman.dialects.responses.spoken import Line, OpenCall, OpenText, OpenThought, Spoken
from dragoman.dialects.unsaid import unsaid
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.request import Call, Compaction, Image, Item, Message, Request, Text
from dragoman.wire.sse import encode


class Writer:
    """A StreamWriter. Writes the first choice; nothing after its terminal frame."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._fold = Fold()
        self._line = Line("")
        self._response: JsonObject = {}
        self._texts: dict[int, OpenText] = {}
        self._thoughts: dict[int, OpenThought] = {}
        self._calls: dict[int, OpenCall] = {}
        self._message: Spoken | None = None
        self._finished = ev.Finished("stop")
        # Items that were announced by another frame of this dialect: index there -> index here, and item id -> index here.
        self._moved: dict[int, int] = {}
        self._announced: dict[str, int] = {}
        self._over = False
        self._seals = wants_seals(request)
        self._last_seals = None if self._seals else LastSeals()

    def feed(self, event: ev.Event) -> bytes:
        """Translate one event."""
        if self._last_seals is None or type(event) is ev.TextDelta:
            return self._write(event)
        return b"".join([self._write(each) for each in self._last_seals.feed(event)])

    def _write(self, event: ev.Event) -> bytes:
        handler = self._TABLE.get(type(event))
        return b"" if handler is None or self._over else handler(self, event)

    def close(self) -> bytes:
        """Nothing more will come: without an end before, the response failed."""
        if self._over:
            return b""
        return self._fail(GatewayError(Kind.CUT, "the answer ended before it was complete", source="upstream"))

    def ping(self) -> bytes:
        """OpenAI's own `keepalive`: it resets those timers that comments don't. A repeated `response.in_progress` would be taken for
        all that was said so far by the official Node SDK."""
        if self._over:
            return b""
        return self._line.frame("keepalive") if self._response else self._open()

    # ---- the envelope ----

    def _open(self, started: ev.Started | None = None) -> bytes:
        told = started or ev.Started()
        own_id = response_id(told.id, self._request, told.extra)
        self._line = Line(item_stem(own_id))
        self._response = opening(self._request, id=own_id, model=told.model, created_s=told.created_s, extra=told.extra)
        encoded = msgspec.json.encode(self._response)
        created = lifecycle(b"response.created", self._line.number(), encoded)
        return created + lifecycle(b"response.in_progress", self._line.number(), encoded)

    def _opened(self) -> bytes:
        return b"" if self._response else self._open()

    def _on_started(self, event: ev.Started) -> bytes:
        # A ping may have opened the stream: its id stays, since clients refuse a response that changes it.
        return b"" if self._response else self._open(event)

    def _on_usage(self, event: ev.UsageReported) -> bytes:
        self._fold.feed(event)
        return b""

    def _on_finished(self, event: ev.Finished) -> bytes:
        if event.choice == 0:
            self._finished = event
        return self._close_message()

    def _on_pinged(self, event: ev.Pinged) -> bytes:
        return self.ping()

    def _on_ended(self, event: ev.Ended) -> bytes:
        before = self._opened() + self._close_message()
        end = self._finished
        response = closing(self._response, self._output(), self._fold.usage, end.reason, detail=end.detail, extra=event.extra)
        kind = b"response.incomplete" if response["status"] == "incomplete" else b"response.completed"
        return before + self._last(kind, response)

    def _on_failed(self, event: ev.Failed) -> bytes:
        return self._fail(event.error)

    def _fail(self, error: GatewayError) -> bytes:
        before = self._opened()
        return before + self._last(b"response.failed", failing(self._response, self._output(), self._fold.usage, error))

    def _last(self, kind: bytes, response: JsonObject) -> bytes:
        self._over = True
        return lifecycle(kind, self._line.number(), msgspec.json.encode(response))

    def _output(self) -> list[JsonObject]:
        return [item for _, item in sorted(self._line.output.items())]

    # ---- messages ----

    def _on_text_started(self, event: ev.TextStarted) -> bytes:
        if event.choice:
            return b""
        self._fold.feed(event)
        before = self._opened()
        message = self._message
        if message is None or message.given is None or message.given != event.message_id:
            before += self._close_message()
            message = self._message = Spoken(self._line, event)
            before += message.begin(self._line)
        part = self._texts[event.part] = OpenText(message, event.refusal)
        return before + part.begin(self._line)

    def _on_text(self, event: ev.TextDelta) -> bytes:
        part = self._texts.get(event.part)
        if part is None:
            return b""
        self._fold.feed(event)
        if event.logprobs:
            return part.delta_with_logprobs(self._line, event.text, event.logprobs)
        return part.form.frame(event.text, self._line.number())

    def _on_cited(self, event: ev.Cited) -> bytes:
        part = self._texts.get(event.part)
        if part is None:
            return b""
        self._fold.feed(event)
        # What another dialect cites may be all of the text, so it is told when that is over.
        return part.cite(self._line, event.citation.value) if event.citation.dialect == NAME else b""

    def _close_message(self) -> bytes:
        """End the message under way, unless parts of it are still open: the last of those ends it then."""
        message, self._message = self._message, None
        return message.end(self._line) if message is not None and not message.live else b""

    # ---- thoughts and calls ----

    def _on_thought_started(self, event: ev.ReasoningStarted) -> bytes:
        if event.choice:
            return b""
        self._fold.feed(event)
        before = self._opened() + self._close_message()
        thought = self._thoughts[event.part] = OpenThought(self._line, event)
        return before + thought.begin(self._line)

    def _on_thought(self, event: ev.ReasoningDelta) -> bytes:
        thought = self._thoughts.get(event.part)
        if thought is None:
            return b""
        self._fold.feed(event)
        return thought.delta(self._line, event)

    def _on_call_started(self, event: ev.CallStarted) -> bytes:
        if event.choice:
            return b""
        self._fold.feed(event)
        before = self._opened() + self._close_message()
        call = self._calls[event.part] = OpenCall(self._line, event)
        return before + call.begin(self._line)

    def _on_call(self, event: ev.CallDelta) -> bytes:
        call = self._calls.get(event.part)
        if call is None:
            return b""
        self._fold.feed(event)
        return call.form.frame(event.text, self._line.number()) if call.form is not None and event.text else b""

    def _on_part_ended(self, event: ev.PartEnded) -> bytes:
        number = event.part
        text = self._texts.pop(number, None)
        thought = self._thoughts.pop(number, None)
        call = self._calls.pop(number, None)
        opened = text or thought or call
        item = self._fold.feed(event) if opened is not None else None
        if item is None:
            return b""
        if text is not None:
            written = text.end(self._line, item, event)
            left_behind = text.message is not self._message and not text.message.live
            return written + text.message.end(self._line) if left_behind else written
        if thought is not None:
            return thought.end(self._line, item, event, seals=self._seals)
        return call.end(self._line, item, event) if call is not None else b""

    # ---- items given whole ----

    def _on_given(self, event: ev.ItemGiven) -> bytes:
        words = _words(event.item)
        if words:
            said = (ev.TextStarted(event.part, event.choice), ev.TextDelta(event.part, words), ev.PartEnded(event.part))
            return b"".join([self._write(each) for each in said])
        written = write_given(event.item) if not event.choice else None
        shown = self._give(written, _prefix(event.item)) if written is not None else b""
        carried = carrier(event.item, written.get("id") if written is not None else None) if not event.choice else None
        return shown + self._give(carried, "rs") if carried is not None else shown

    def _give(self, written: JsonObject, prefix: str) -> bytes:
        before = self._opened() + self._close_message()
        place = self._announced.pop(str(written.get("id")), None)
        if place is not None:
            return before + self._line.done(place, written)
        place = self._line.place()
        if written.get("id") is None:
            written["id"] = self._line.id(prefix, None, place)
        return before + self._line.added(place, written) + self._line.done(place, written)

    def _on_opaque(self, event: ev.Opaque) -> bytes:
        if event.dialect != NAME:
            return b""
        before = self._opened()
        value: Any = msgspec.json.decode(event.data)
        item, there = value.get("item"), value.get("output_index")
        if event.name == "response.output_item.added" and isinstance(item, dict) and isinstance(there, int):
            before += self._close_message()
            self._moved[there] = self._announce(item.get("id"))  # pyright: ignore[reportUnknownMemberType]
        if isinstance(there, int) and there in self._moved:
            value["output_index"] = self._moved[there]
        value["sequence_number"] = self._line.number()
        return before + encode(msgspec.json.encode(value), event.name.encode() or None)

    def _announce(self, item_id: Any) -> int:
        place = self._line.place()
        if isinstance(item_id, str):
            self._announced[item_id] = place
        return place

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        ev.Started: _on_started,
        ev.TextStarted: _on_text_started,
        ev.TextDelta: _on_text,
        ev.Cited: _on_cited,
        ev.ReasoningStarted: _on_thought_started,
        ev.ReasoningDelta: _on_thought,
        ev.CallStarted: _on_call_started,
        ev.CallDelta: _on_call,
        ev.ItemGiven: _on_given,
        ev.PartEnded: _on_part_ended,
        ev.UsageReported: _on_usage,
        ev.Finished: _on_finished,
        ev.Ended: _on_ended,
        ev.Failed: _on_failed,
        ev.Opaque: _on_opaque,
        ev.Pinged: _on_pinged,
    }


def _prefix(item: Item) -> str:
    return "cmp" if isinstance(item, Compaction) else "ws" if isinstance(item, Call) else "item"


def _words(item: Item) -> str:
    """What another API's message says that is given whole."""
    if not isinstance(item, Message) or NAME in (item.extra or {}):
        return ""
    return "".join(part.text for part in item.parts if isinstance(part, Text))


def unsaid_of(item: Item) -> str | None:
    """What this API does not tell of an item of an answer."""
    return unsaid(item, NAME, lambda item: write_given(item) is not None or carrier(item) is not None, (Image,))
