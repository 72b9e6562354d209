"""The carrier of the translate lane: a provider's stream to neutral events, and those to the client's stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.agents.contract import Agent
from dragoman.core.attempt import Attempt
from dragoman.core.failure import attribute, filtered
from dragoman.core.stamp import PROVING, stamp
from dragoman.dialects.contract import StreamWriter
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.ir.request import Extra
from dragoman.lower.restore import Restore
from dragoman.wire.frame import WireError


def note_event(record: Record, event: ev.Event) -> None:
    """Remember what an event tells of the whole answer."""
    note = _NOTES.get(type(event))
    if note is not None:
        note(record, event)


def _note_started(record: Record, event: ev.Started) -> None:
    record.answered = event.model or None
    record.tier = told_tier(event.extra) or record.tier


def _note_usage(record: Record, event: ev.UsageReported) -> None:
    record.usage = event.usage


def _note_finished(record: Record, event: ev.Finished) -> None:
    record.stop_reason = event.reason


def _note_ended(record: Record, event: ev.Ended) -> None:
    record.tier = told_tier(event.extra) or record.tier


def _note_cited(record: Record, event: ev.Cited) -> None:
    citation = event.citation
    if citation.dialect == record.dialect or (citation.page is not None and dialect(record.dialect).cites_pages):
        return
    lost = ("citations", f"`{record.dialect}` has no form for what the answer cites")
    if lost not in record.warnings:
        record.warnings.append(lost)


def _note_given(record: Record, event: ev.ItemGiven) -> None:
    unsaid = dialect(record.dialect).unsaid(event.item)
    if unsaid is not None and (lost := ("output", f"`{record.dialect}` has no form for {unsaid}")) not in record.warnings:
        record.warnings.append(lost)


def _note_warned(record: Record, event: ev.Warned) -> None:
    record.warnings.append((event.field, event.why))


def told_tier(extra: Extra | None) -> str | None:
    """How the provider says that it processed the request, where it says so beside the usage."""
    for fields in (extra or {}).values():
        tier = fields.get("service_tier")
        return tier if isinstance(tier, str) else None
    return None


_NOTES: dict[type, Callable[[Record, Any], None]] = {
    ev.Started: _note_started,
    ev.Cited: _note_cited,
    ev.ItemGiven: _note_given,
    ev.UsageReported: _note_usage,
    ev.Finished: _note_finished,
    ev.Ended: _note_ended,
    ev.Warned: _note_warned,
}
_NOTHING: frozenset[type] = frozenset()
_REFUSING: frozenset[type] = frozenset({ev.TextStarted, ev.Finished, ev.Ended})
_FILTERED = frozenset({"content_filter", "refusal"})
_NOTED = frozenset({ev.ItemGiven, ev.Finished, ev.Ended})
_OUTPUT = frozenset({ev.TextDelta, ev.ReasoningDelta, ev.CallStarted, ev.CallDelta, ev.ItemGiven, ev.Finished, ev.Ended})


class Translated:
    """Carries a stream by way of neutral events."""

    resumable = False
    as_it_comes = False
    watched = None

    def __init__(self, attempt: Attempt, writer: StreamWriter, restore: Restore) -> None:
        exchange, deployment = attempt.exchange, attempt.deployment
        self.ready = False
        self.ended = False
        self.failed: GatewayError | None = None
        self._agent: Agent = exchange.agent
        self._record = exchange.record
        self._quirks = deployment.quirks
        self._upstream = deployment.dialect
        self._framer = deployment.dialect.framer()
        self._reader = deployment.dialect.reader(deployment.quirks)
        self._writer = writer
        self._restore = restore
        self._deployment = deployment
        self._origin = deployment.maker
        self._reworded = _NOTHING if exchange.agent.knows_refusals else _REFUSING
        self._declined = False
        self._refused: ev.Finished | None = None

    def feed(self, chunk: bytes) -> bytes:
        try:
            frames = self._framer.feed(chunk)
        except WireError as error:
            raise garbled(error) from error
        read = self._reader.feed
        out = [self._write(event) for frame in frames for event in read(frame)]
        return b"".join(out)

    def whole(self, body: bytes) -> bytes:
        """A whole reply where a stream was asked for: the same events, at once."""
        return b"".join([self._write(event) for event in self._upstream.read_response(body, self._quirks)])

    def close(self) -> bytes:
        out = [self._write(event) for frame in self._framer.close() for event in self._reader.feed(frame)]
        out += [self._write(event) for event in self._reader.close()]
        if not self.ended and self.failed is None:
            self.failed = cut()
            out.append(self.fail(self.failed))
        return b"".join(out)

    def ping(self) -> bytes:
        return self._writer.ping()

    def fail(self, error: GatewayError) -> bytes:
        attribute(self._deployment, error)
        return self._writer.feed(ev.Failed(self._agent.dress_failure(error)))

    def _write(self, event: ev.Event) -> bytes:
        if type(event) in PROVING:
            event = stamp(event, self._origin)
        if not self._restore.active:
            return self._put(event)
        return b"".join([self._put(restored) for restored in self._restore.feed(event)])

    def _put(self, event: ev.Event) -> bytes:
        kind = type(event)
        if kind in self._reworded:
            return self._reword(event)
        return self._say(event, kind)

    def _reword(self, event: ev.Event) -> bytes:
        """For a client that knows no refusals. What the model refuses in words of its own is an answer like any other."""
        if isinstance(event, ev.TextStarted):
            self._declined = self._declined or event.refusal
            event = msgspec.structs.replace(event, refusal=False)
        elif isinstance(event, ev.Finished) and event.reason in _FILTERED:
            if self._declined:
                return self._say(ev.Finished("stop", event.choice), ev.Finished)
            self._refused = event
            if not self.ready:
                return b""
        elif isinstance(event, ev.Ended) and self._refused is not None:
            event = ev.Failed(filtered(self._refused.detail))
        return self._say(event, type(event))

    def _say(self, event: ev.Event, kind: type) -> bytes:
        if kind in _OUTPUT:
            self.ready = True
            if kind in _NOTED:
                self.ended = kind is ev.Ended
                note_event(self._record, event)
        elif isinstance(event, ev.Failed):
            self.failed = event.error
            return self.fail(event.error)
        elif kind in _NOTES:
            _NOTES[kind](self._record, event)
        return self._writer.feed(event)


def cut() -> GatewayError:
    """The bytes were over before the answer was."""
    return GatewayError(Kind.CUT, "the provider's stream broke off before its proper end", source="upstream")


def garbled(error: WireError) -> GatewayError:
    """The bytes are none of the dialect's."""
    return GatewayError(Kind.GARBLED, f"the provider's stream cannot be read: {error}", source="upstream")
