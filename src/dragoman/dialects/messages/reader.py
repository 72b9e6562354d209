"""Reads a Messages stream, or a whole reply as a stream that arrived at once: frames in, neutral events out.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.messages import wire
from dragoman.dialects.messages.content import Content
from dragoman.dialects.messages.errors import error_inside
from dragoman.dialects.messages.remainder import NAME
from dragoman.dialects.messages.usage import merged, read_usage
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects, text_or_none
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Frame
from dragoman.wire.not_json import NOT_JSON

_REASONS: dict[Any, ev.FinishReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window",
}
_KNOWN = frozenset({"type", "id", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})
_TYPES = frozenset({"message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop", "ping", "error"})
DONE = b"[DONE]"


class Reader:
    """A StreamReader. Exactly one Ended or Failed leaves it, and nothing after that."""

    def __init__(self, quirks: Quirks | None = None) -> None:
        self._content = Content()
        self._started = False
        self._over = False
        self._usage: JsonObject = {}
        self._ending: JsonObject = {}
        self._finished: ev.Finished | None = None
        self._is_finished = False

    def feed(self, frame: Frame) -> Iterable[ev.Event]:
        """Translate one frame."""
        if self._over:
            return ()
        try:
            told = wire.DECODER.decode(frame.data)
        except NOT_JSON:
            return self._unusual(frame)
        return self._TABLE[type(told)](self, told)

    def close(self) -> Iterable[ev.Event]:
        """The bytes are over: without `message_stop` before, the stream was cut."""
        if self._over:
            return ()
        return self._fail(GatewayError(Kind.CUT, "the provider's stream ended before its answer was complete", source="upstream"))

    def whole(self, message: JsonObject) -> list[ev.Event]:
        """A whole reply as the events of a stream that arrived at once."""
        events = list(self._start({name: message.get(name) for name in ("id", "model", "usage")}))
        for index, block in enumerate(objects(message.get("content"))):
            events += self._content.begin(index, block)
            events += self._content.end(index)
        self._finish(message)
        self._ending = {name: value for name, value in message.items() if name not in _KNOWN}
        return [*events, *self._end()]

    # ---- what the decoder did not know ----

    def _unusual(self, frame: Frame) -> Iterable[ev.Event]:
        data = frame.data.strip()
        if data == DONE:
            return ()
        try:
            value: Any = msgspec.json.decode(data)
        except NOT_JSON:
            return self._garbled("a frame that is not JSON")
        if not isinstance(value, dict):
            return self._garbled("a frame that is no JSON object")
        came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
        kind = came.get("type")
        if kind is not None and not (isinstance(kind, str) and kind.isprintable()):
            return self._garbled("a frame whose `type` is no word")
        if kind in _TYPES:
            return self._garbled(f"`{kind}` without its fields")
        if kind is None and came.get("error"):
            return self._fail(error_inside(came))
        if kind is None and frame.name in _TYPES:
            return self.feed(Frame(msgspec.json.encode({**came, "type": frame.name})))
        # Anthropic adds types; clients are told to ignore those that they don't know.
        return (ev.Opaque(NAME, str(kind or frame.name or ""), frame.data),)

    def _garbled(self, what: str) -> Iterable[ev.Event]:
        return self._fail(GatewayError(Kind.GARBLED, f"the provider's stream holds {what}", source="upstream"))

    def _fail(self, error: GatewayError) -> Iterable[ev.Event]:
        self._over = True
        return (ev.Failed(error),)

    # ---- the envelope ----

    def _start(self, message: JsonObject) -> Iterable[ev.Event]:
        if self._started:
            return ()
        self._started = True
        self._usage = merged({}, message.get("usage"))
        self._content.message_id = text_or_none(message, "id") or ""
        rest = {name: value for name, value in message.items() if name not in _KNOWN and value is not None}
        started = ev.Started(self._content.message_id, text_or_none(message, "model") or "", extra={NAME: rest})
        # The counts first: a client of this dialect is told them in its very first frame.
        return (ev.UsageReported(read_usage(self._usage)), started) if self._usage else (started,)

    def _on_start(self, frame: wire.MessageStart) -> Iterable[ev.Event]:
        return self._start(frame.message)

    def _on_block(self, frame: wire.BlockStart) -> Iterable[ev.Event]:
        return [*self._start({}), *self._content.begin(frame.index, frame.content_block)]

    def _on_delta(self, frame: wire.BlockDelta) -> Iterable[ev.Event]:
        if not self._started:
            return [*self._start({}), *self._content.delta(frame.index, frame.delta)]
        return self._content.delta(frame.index, frame.delta)

    def _on_stop(self, frame: wire.BlockStop) -> Iterable[ev.Event]:
        return self._content.end(frame.index)

    def _on_ending(self, frame: wire.MessageDelta) -> Iterable[ev.Event]:
        self._usage = merged(self._usage, frame.usage)
        self._finish(frame.delta)
        told = {"context_management": frame.context_management, "input_transformations": frame.input_transformations}
        told |= {name: value for name, value in frame.delta.items() if name not in _KNOWN}
        self._ending |= {name: value for name, value in told.items() if value is not None}
        if self._is_finished:
            # Some servers tell the counts in an event of their own, after the reason.
            return (ev.UsageReported(read_usage(self._usage)),) if frame.usage else ()
        return [*self._start({}), *self._finishing()] if self._finished is not None else ()

    def _on_end(self, frame: wire.MessageStop) -> Iterable[ev.Event]:
        return [*self._start({}), *self._end()]

    def _on_ping(self, frame: wire.Ping) -> Iterable[ev.Event]:
        return (ev.Pinged(),)

    def _on_error(self, frame: wire.Error) -> Iterable[ev.Event]:
        return self._fail(error_inside({"error": frame.error}))

    def _finish(self, told: JsonObject) -> None:
        word = told.get("stop_reason")
        if not isinstance(word, str):
            return
        reason = _REASONS.get(word, "other")
        detail = text_or_none(told, "stop_sequence") if reason == "stop_sequence" else None
        if reason == "refusal":
            detail = text_or_none(object_or_empty(told.get("stop_details")), "category")
        self._finished = ev.Finished(reason, detail=word if reason == "other" else detail)

    def _finishing(self) -> list[ev.Event]:
        """What is known with the reason for which the model stopped, once: nothing but the mark of the end follows."""
        if self._is_finished:
            return []
        self._is_finished = True
        events: list[ev.Event] = self._content.end_all()
        if self._usage:
            events.append(ev.UsageReported(read_usage(self._usage)))
        return [*events, self._finished or ev.Finished("tool_calls" if self._content.called else "stop")]

    def _end(self) -> list[ev.Event]:
        self._over = True
        return [*self._finishing(), *self._content.end_all(), ev.Ended({NAME: self._ending} if self._ending else None)]

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Iterable[ev.Event]]]] = {
        wire.MessageStart: _on_start,
        wire.BlockStart: _on_block,
        wire.BlockDelta: _on_delta,
        wire.BlockStop: _on_stop,
        wire.MessageDelta: _on_ending,
        wire.MessageStop: _on_end,
        wire.Ping: _on_ping,
        wire.Error: _on_error,
    }


def read_response(body: bytes, quirks: Quirks) -> list[ev.Event]:
    """A whole reply. Raises GatewayError for an error in a body of status 200, or for what is no reply (garbled)."""
    try:
        value: Any = msgspec.json.decode(body)
    except NOT_JSON as error:
        raise GatewayError(Kind.GARBLED, "the provider's answer is not JSON", source="upstream") from error
    came = object_or_empty(value)
    if came.get("type") == "error" or (came.get("error") and "content" not in came):
        raise error_inside(came)
    if not isinstance(came.get("content"), list):
        raise GatewayError(Kind.GARBLED, "the provider's answer is no message", source="upstream")
    return Reader(quirks).whole(came)
