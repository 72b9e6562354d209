"""The translate lane: the client's dialect to the neutral language, fitted to the target, to the provider's dialect; and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.agents.contract import Agent
from dragoman.core.attempt import Attempt, send, told_headers
from dragoman.core.failure import attribute, filtered, not_a_stream, read_refusal
from dragoman.core.runtime import Deployment
from dragoman.core.stamp import PROVING, stamp
from dragoman.core.stream import header, stream
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.record import Record
from dragoman.ir.request import Request
from dragoman.lower.lower import lower
from dragoman.lower.restore import Restore
from dragoman.upstream.reply import Reply
from dragoman.wire.frame import WireError
from dragoman.wire.splice import replace_fields


async def translate(attempt: Attempt) -> None:
    """Read the request, fit it, write it in the provider's dialect, and bring the answer back in the client's."""
    exchange, deployment = attempt.exchange, attempt.deployment
    asked = exchange.dialect.read_request(exchange.call)
    _refuse_state(attempt, asked)
    lowered = lower(_addressed(attempt, asked), deployment.capabilities, deployment.name)
    call, unsaid = deployment.dialect.write_request(lowered.request, deployment.quirks)
    exchange.record.warnings = [*lowered.warnings, *unsaid]
    if attempt.candidate.params:
        call = msgspec.structs.replace(call, body=replace_fields(call.body, attempt.candidate.params))
    reply = await send(attempt, call)
    try:
        if asked.stream:
            await stream(attempt, reply, Translated(attempt, asked, lowered.restore))
        else:
            await _translate_whole(attempt, reply, asked, lowered.restore)
    finally:
        reply.close()


def _addressed(attempt: Attempt, request: Request) -> Request:
    """The request under the deployment's model name, without the fields that may not go there."""
    extra, name = request.extra, attempt.exchange.dialect.name
    private = attempt.private_fields()
    mine = (extra or {}).get(name)
    if extra and mine and private & mine.keys():
        extra = {**extra, name: {k: v for k, v in mine.items() if k not in private}}
    return msgspec.structs.replace(request, model=attempt.deployment.model, extra=extra)


def _refuse_state(attempt: Attempt, request: Request) -> None:
    deployment, dialect = attempt.deployment, attempt.exchange.dialect
    leaning = dialect.state_fields(request)
    if leaning and deployment.dialect is not dialect:
        names = ", ".join(f"`{name}`" for name in leaning)
        raise GatewayError(
            Kind.UNSUPPORTED,
            f"{names}: the request leans on state kept at the provider, but `{deployment.name}` is reached by "
            f"`{deployment.dialect.name}`, which keeps none; send the whole conversation instead",
            param=leaning[0],
        )


async def _translate_whole(attempt: Attempt, reply: Reply, asked: Request, restore: Restore) -> None:
    exchange, deployment = attempt.exchange, attempt.deployment
    await reply.head()
    attempt.head_came(reply)
    if reply.status >= 300:
        raise await read_refusal(exchange, deployment, reply)
    body = await reply.read_all(exchange.runtime.pace.answer_bytes)
    record, fold = exchange.record, Fold()
    for event in _read_whole(deployment, reply, body):
        for restored in restore.feed(stamp(event, deployment.name)):
            fold.feed(restored)
            _note_event(record, restored)
    answer = exchange.dialect.write_response(fold.response(), asked)
    record.status, record.bytes_out = 200, len(answer)
    await exchange.outbound.whole(200, told_headers(attempt, "application/json", reply), answer)
    attempt.ended()


def _read_whole(deployment: Deployment, reply: Reply, body: bytes) -> list[ev.Event]:
    content_type = header(reply, "content-type")
    if "html" in content_type:
        raise not_a_stream(deployment, content_type)
    return deployment.dialect.read_response(body, deployment.quirks)


def _note_event(record: Record, event: ev.Event) -> None:
    note = _NOTES.get(type(event))
    if note is not None:
        note(record, event)


def _note_started(record: Record, event: ev.Started) -> None:
    record.answered = event.model or None


def _note_usage(record: Record, event: ev.UsageReported) -> None:
    record.usage = event.usage


def _note_warned(record: Record, event: ev.Warned) -> None:
    record.warnings.append((event.field, event.why))


_NOTES: dict[type, Callable[[Record, Any], None]] = {ev.Started: _note_started, ev.UsageReported: _note_usage, ev.Warned: _note_warned}
_NOTHING: frozenset[type] = frozenset()
_REFUSING: frozenset[type] = frozenset({ev.TextStarted, ev.Finished, ev.Ended})
_FILTERED = frozenset({"content_filter", "refusal"})
_OUTPUT = frozenset({ev.TextDelta, ev.ReasoningDelta, ev.CallStarted, ev.CallDelta, ev.ItemGiven, ev.Finished, ev.Ended})


class Translated:
    """Carries a stream by way of neutral events."""

    def __init__(self, attempt: Attempt, asked: Request, restore: Restore) -> None:
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
        self._writer = exchange.dialect.writer(asked)
        self._restore = restore
        self._deployment = deployment
        self._origin = deployment.name
        self._reworded = _NOTHING if exchange.agent.knows_refusals else _REFUSING
        self._declined = False
        self._refused: ev.Finished | None = None

    def feed(self, chunk: bytes) -> bytes:
        try:
            frames = self._framer.feed(chunk)
        except WireError as error:
            raise GatewayError(Kind.GARBLED, f"the provider's stream cannot be read: {error}", source="upstream") from error
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
            self.failed = GatewayError(Kind.CUT, "the provider's stream broke off before its proper end", source="upstream")
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
            self.ended = kind is ev.Ended
        elif isinstance(event, ev.Failed):
            self.failed = event.error
            return self.fail(event.error)
        elif kind in _NOTES:
            _NOTES[kind](self._record, event)
        return self._writer.feed(event)
