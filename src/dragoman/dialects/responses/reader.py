"""Reads a Responses stream: frames in, neutral events out. The envelope and the end stand here, the items in `output`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.remainder import JsonObject, text_or_none
from dragoman.dialects.responses import wire
from dragoman.dialects.responses.errors import error_object, error_of
from dragoman.dialects.responses.output import Output
from dragoman.dialects.responses.remainder import NAME, unmodelled
from dragoman.dialects.responses.usage import read_usage
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Frame
from dragoman.wire.not_json import NOT_JSON

_INCOMPLETE: dict[Any, ev.FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}

# Fields with a place in the neutral events, and echoes of the request, which the writer knows better; others travel in `extra`.
_KNOWN = frozenset({"id", "object", "created_at", "status", "model", "output", "usage", "error", "incomplete_details"})
_ECHOES = frozenset({"tools", "tool_choice", "instructions"})


class Reader:
    """A StreamReader. Exactly one Ended or Failed leaves it, and nothing after that."""

    def __init__(self, quirks: Quirks | None = None) -> None:
        self._output = Output()
        self._started = False
        self._progressing = False
        self._over = False
        self._handlers: dict[type, Callable[[Any], Iterable[ev.Event]]] = {
            **{kind: MethodType(method, self._output) for kind, method in Output.TABLE.items()},
            **{kind: MethodType(method, self) for kind, method in self._TABLE.items()},
        }

    def feed(self, frame: Frame) -> Iterable[ev.Event]:
        """Translate one frame."""
        if self._over:
            return ()
        try:
            framed = wire.DECODER.decode(frame.data)
        except NOT_JSON:
            return self._unusual(frame)
        if not self._started and type(framed) in Output.TABLE:
            return [*self._start({}), *self._handlers[type(framed)](framed)]
        return self._handlers[type(framed)](framed)

    def close(self) -> Iterable[ev.Event]:
        """The bytes are over: without a proper end before, the stream was cut."""
        if self._over:
            return ()
        return self._fail(GatewayError(Kind.CUT, "the provider's stream ended before its answer was complete", source="upstream"))

    def whole(self, response: JsonObject) -> list[ev.Event]:
        """A whole response as the events of a stream that arrived at once."""
        if response.get("status") == "failed":
            return list(self._on_failed(wire.FailedFrame(response)))
        return list(self._end(response, response.get("incomplete_details")))

    # ---- what the decoder did not know ----

    def _unusual(self, frame: Frame) -> Iterable[ev.Event]:
        data = frame.data.strip()
        if data == b"[DONE]":
            return ()
        try:
            value: Any = msgspec.json.decode(data)
        except NOT_JSON:
            return self._garbled("a frame that is not JSON")
        if not isinstance(value, dict):
            return self._garbled("a frame that is no JSON object")
        came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
        kind = came.get("type")
        if kind in wire.ENDS:
            return self._garbled(f"`{kind}` without its fields")
        if isinstance(kind, str) and not kind.isprintable():
            return self._garbled("a frame whose `type` is no word")
        if isinstance(kind, str):
            return (ev.Opaque(NAME, kind, frame.data),)
        return self._untyped(came, frame)

    def _untyped(self, came: JsonObject, frame: Frame) -> Iterable[ev.Event]:
        if came.get("error"):
            return self._fail_with(came["error"], "the provider reported an error without a word")
        if frame.name:
            return self.feed(Frame(msgspec.json.encode({"type": frame.name, **{k: v for k, v in came.items() if k != "type"}})))
        return (ev.Opaque(NAME, "", frame.data),)

    def _garbled(self, what: str) -> Iterable[ev.Event]:
        return self._fail(GatewayError(Kind.GARBLED, f"the provider's stream holds {what}", source="upstream"))

    def _fail(self, error: GatewayError) -> Iterable[ev.Event]:
        self._over = True
        return (ev.Failed(error),)

    def _fail_with(self, error: Any, otherwise: str) -> Iterable[ev.Event]:
        found = error_object({"error": error})
        message = text_or_none(found, "message") or otherwise
        return self._fail(error_of(found, message))

    # ---- the envelope ----

    def _start(self, response: JsonObject) -> Iterable[ev.Event]:
        if self._started:
            return ()
        self._started = True
        created = response.get("created_at")
        return (
            ev.Started(
                id=text_or_none(response, "id") or "",
                model=text_or_none(response, "model") or "",
                created_s=int(created) if isinstance(created, (int, float)) else None,
                extra={NAME: {}},  # says that the id is in this API's form
            ),
        )

    def _on_opening(self, frame: wire.Created | wire.Queued) -> Iterable[ev.Event]:
        return (ev.Pinged(),) if self._started else self._start(frame.response)

    def _on_progress(self, frame: wire.InProgress) -> Iterable[ev.Event]:
        # The first one belongs to the opening, later ones are signs of life.
        first, self._progressing = not self._progressing, True
        return self._start(frame.response) if first else (ev.Pinged(),)

    def _on_ping(self, frame: wire.Ping | wire.KeepAlive) -> Iterable[ev.Event]:
        return (ev.Pinged(),)

    def _on_repeat(self, frame: Any) -> Iterable[ev.Event]:
        return ()

    def _on_end(self, frame: wire.Completed | wire.Incomplete) -> Iterable[ev.Event]:
        response = frame.response
        details: Any = response.get("incomplete_details")
        return self._end(response, details if isinstance(frame, wire.Completed) else details or {})

    def _on_failed(self, frame: wire.FailedFrame) -> Iterable[ev.Event]:
        usage = read_usage(frame.response.get("usage"), frame.response.get("tool_usage"))
        reported: Iterable[ev.Event] = (ev.UsageReported(usage),) if usage else ()
        return (*reported, *self._fail_with(frame.response.get("error"), "the provider's response failed without a word"))

    def _on_error(self, frame: wire.ErrorFrame) -> Iterable[ev.Event]:
        flat = {"code": frame.code, "message": frame.message, "param": frame.param}
        return self._fail_with(frame.error if frame.error else flat, "the provider reported an error without a word")

    def _end(self, response: JsonObject, incomplete: Any) -> Iterable[ev.Event]:
        events: list[ev.Event] = [*self._start(response), *self._output.rest_of(response.get("output"))]
        if (usage := read_usage(response.get("usage"), response.get("tool_usage"))) is not None:
            events.append(ev.UsageReported(usage))
        events += (self._finished(response, incomplete), ev.Ended(unmodelled(response, _KNOWN | _ECHOES)))
        self._over = True
        return events

    def _finished(self, response: JsonObject, incomplete: Any) -> ev.Finished:
        if isinstance(incomplete, dict):
            reason = text_or_none(incomplete, "reason")  # pyright: ignore[reportUnknownArgumentType]
            # Without a reason it is the limit, which every server has.
            return ev.Finished(_INCOMPLETE.get(reason, "other") if reason else "length", detail=reason)
        status = response.get("status")
        if status == "incomplete":
            return ev.Finished("length")
        if status not in (None, "completed"):
            return ev.Finished("other", detail=str(status))
        if self._output.called:
            return ev.Finished("tool_calls")
        if response.get("end_turn") is False:
            return ev.Finished("pause")
        return ev.Finished("refusal" if self._output.refused else "stop")

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Iterable[ev.Event]]]] = {
        wire.Created: _on_opening,
        wire.Queued: _on_opening,
        wire.InProgress: _on_progress,
        wire.Completed: _on_end,
        wire.Incomplete: _on_end,
        wire.FailedFrame: _on_failed,
        wire.ErrorFrame: _on_error,
        wire.Ping: _on_ping,
        wire.KeepAlive: _on_ping,
        **dict.fromkeys(wire.REPEATING, _on_repeat),
    }
