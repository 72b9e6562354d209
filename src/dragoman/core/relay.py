"""The relay lane: the provider's bytes go to the client untouched while a tap watches them."""

from __future__ import annotations

import re

import msgspec

from dragoman.core.attempt import Attempt, head_of, send, told_headers
from dragoman.core.failure import attribute, filtered, not_a_stream, read_refusal
from dragoman.core.stream import COMMENT, JSON, Watched, stream
from dragoman.core.translated import Translated
from dragoman.dialects.contract import Call, Tap
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.lower.restore import UNCHANGED
from dragoman.upstream.reply import Reply
from dragoman.wire.splice import Splice


async def relay(attempt: Attempt) -> None:
    """Send the client's own bytes, but for the model's name, private fields and the target's params; bring the answer back."""
    exchange = attempt.exchange
    call, splice = _call(attempt)
    reply = await send(attempt, call, splice)
    try:
        if exchange.peek.stream:
            carrier = Relayed(attempt)
            try:
                await stream(attempt, reply, carrier)
            finally:
                tap = carrier.tap
                _note(exchange.record, tap)
                attempt.kept = tap.kept
        else:
            await _relay_whole(attempt, reply)
    finally:
        reply.close()


def _call(attempt: Attempt) -> tuple[Call, Splice | None]:
    """The client's call as this deployment gets it: mostly the very same body, into which the model's name is put on its way."""
    exchange, deployment = attempt.exchange, attempt.deployment
    outline, call, dialect = exchange.outline, exchange.call, deployment.dialect
    changes, private = attempt.candidate.params, attempt.private_fields()
    if private and not private.isdisjoint(outline.fields):
        changes = {**dict.fromkeys(private & outline.fields.keys()), **changes}
    if dialect.readdress is not None:
        body = outline.replace(changes) if changes else call.body
        return msgspec.structs.replace(dialect.readdress(call, deployment.model), body=body), None
    if deployment.model == exchange.peek.model:
        body = outline.replace(changes) if changes else call.body
    elif changes or (place := outline.place("model")) is None:
        body = outline.replace({**changes, "model": deployment.wire_model})
    else:
        return Call(dialect.path, call.body, "POST", call.query), (*place, deployment.wire_model)
    return Call(dialect.path, body, "POST", call.query), None


async def _relay_whole(attempt: Attempt, reply: Reply) -> None:
    exchange = attempt.exchange
    await head_of(attempt, reply)
    attempt.head_came(reply)
    if reply.status >= 300:
        raise await read_refusal(exchange, attempt.deployment, reply)
    body = await reply.read_all(exchange.runtime.pace.answer_bytes)
    attempt.ended()
    content_type = attempt.content_type
    if "json" not in content_type and not body.lstrip()[:1] == b"{":
        raise not_a_stream(attempt.deployment, content_type)
    tap = exchange.dialect.tap()
    tap.whole(body)
    if tap.failed is not None:
        raise tap.failed
    record = exchange.record
    _note(record, tap)
    attempt.kept = tap.kept
    if exchange.captured is not None:
        exchange.captured.same()
    record.status, record.bytes_out = 200, len(body)
    await exchange.outbound.whole(200, told_headers(attempt, JSON), body)


def _note(record: Record, tap: Tap) -> None:
    record.usage, record.answered, record.stop_reason, record.tier = tap.usage, tap.model, tap.reason, tap.tier


_FILTERED = frozenset({"content_filter", "refusal"})
_BOUNDARY = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_BOUNDARIES = (b"\n\n", b"\r\n\r\n", b"\r\r")


def _last_frame(chunk: bytes) -> int | None:
    """Where the last frame begins that ends in this chunk; None: not after another one."""
    ends = [found.end() for found in _BOUNDARY.finditer(chunk)]
    return ends[-2] if len(ends) > 1 else None


class Relayed:
    """Carries bytes as they are. Knows where a frame ends, so that a sign of life never stands inside one."""

    resumable = False
    as_it_comes = True

    def __init__(self, attempt: Attempt) -> None:
        exchange = attempt.exchange
        self.tap = exchange.dialect.tap()
        self.ready = False
        self.ended = False
        self.failed: GatewayError | None = None
        self._attempt = attempt
        self._dialect = exchange.dialect
        self._agent = exchange.agent
        self.watch = self.tap.feed
        self._last = b"\n\n"
        """The latest bytes, at least four of them if there were as many."""

    def feed(self, chunk: bytes) -> bytes:
        if self.watch(chunk):
            return self.look(chunk)
        self._last = chunk
        return chunk

    @property
    def watched(self) -> Watched:
        return self

    def passed(self, chunk: bytes) -> None:
        self._last = chunk

    def look(self, chunk: bytes) -> bytes:
        """A chunk that may hold more than words: as the client's program understands it."""
        tap = self.tap
        self.ready, self.ended, self.failed = tap.first_token, tap.ended, tap.failed
        if tap.failed is not None or tap.reason in _FILTERED:
            chunk = self._ended_badly(chunk)
        reword = self._agent.reword
        if reword is not None:
            chunk = reword(chunk)
        self._last = chunk if len(chunk) > 3 else self._last[-4:] + chunk
        return chunk

    def _ended_badly(self, chunk: bytes) -> bytes:
        """The chunk in which the stream failed: with an ending that the client's program understands, where it needs another one."""
        error = self.tap.failed
        if error is None and not self._agent.knows_refusals:
            error = filtered(None)
        if error is None:
            return chunk
        attribute(self._attempt.deployment, error)
        dressed = self._agent.dress_failure(error)
        start = _last_frame(chunk) or (0 if self._between_frames else None)
        if dressed is error or start is None:
            return chunk
        self.failed = error
        return chunk[:start] + self._dialect.write_failure(dressed, self.tap)

    def whole(self, body: bytes) -> bytes:
        asked = self._attempt.exchange.read()
        out = Translated(self._attempt, self._dialect.writer(asked), UNCHANGED).whole(body)
        self.feed(out)
        return out

    def close(self) -> bytes:
        tap = self.tap
        if tap.ended or tap.may_end or tap.failed is not None:
            return b""
        self.failed = GatewayError(Kind.CUT, "the provider's stream broke off before its proper end", source="upstream")
        return self.fail(self.failed)

    def ping(self) -> bytes:
        if not self._between_frames:
            return b""
        # Stream helpers of SDKs want the opening event first; a comment is legal even before it.
        return self._dialect.keep_alive if self.tap.model else COMMENT

    def fail(self, error: GatewayError) -> bytes:
        attribute(self._attempt.deployment, error)
        gap = b"" if self._between_frames else b"\n\n"
        return gap + self._dialect.write_failure(self._agent.dress_failure(error), self.tap)

    @property
    def _between_frames(self) -> bool:
        return self._last.endswith(_BOUNDARIES)
