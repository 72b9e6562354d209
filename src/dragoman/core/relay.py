"""The relay lane: the provider's bytes go to the client untouched while a tap watches them."""

from __future__ import annotations

import re

import msgspec

from dragoman.core.attempt import (
    attribute,
    await_head,
    close_attempt,
    end_attempt,
    filtered,
    not_a_stream,
    open_attempt,
    read_refusal,
    told_headers,
)
from dragoman.core.exchange import Exchange
from dragoman.core.stream import header, stream
from dragoman.core.translate import Translated
from dragoman.dialects.contract import Call, Tap
from dragoman.ir.errors import GatewayError, Kind
from dragoman.lower.restore import UNCHANGED
from dragoman.upstream.reply import Reply
from dragoman.wire.splice import Outline


async def relay(exchange: Exchange) -> None:
    """Send the client's own bytes, but for the model's name, private fields and the target's params; bring the answer back."""
    reply = await open_attempt(exchange, _call(exchange))
    try:
        if exchange.peek.stream:
            await _relay_stream(exchange, reply)
        else:
            await _relay_whole(exchange, reply)
    finally:
        reply.close()


def _call(exchange: Exchange) -> Call:
    deployment = exchange.deployment
    outline = exchange.peek.outline or Outline(exchange.inbound.body)
    fields: dict[str, bytes | None] = dict(exchange.candidate.params)
    for name in exchange.private_fields():
        if name in outline.fields:
            fields.setdefault(name, None)
    readdress = deployment.dialect.readdress
    if readdress is None and deployment.model != exchange.peek.model:
        fields["model"] = msgspec.json.encode(deployment.model)
    body = outline.replace(fields) if fields else exchange.inbound.body
    call = Call(path=deployment.dialect.path, body=body, query=exchange.call.query)
    return call if readdress is None else msgspec.structs.replace(readdress(exchange.call, deployment.model), body=body)


async def _relay_stream(exchange: Exchange, reply: Reply) -> None:
    carrier = _Relayed(exchange)
    try:
        await stream(exchange, reply, carrier)
    finally:
        _note_tap(exchange, carrier.tap)


async def _relay_whole(exchange: Exchange, reply: Reply) -> None:
    await await_head(exchange, reply)
    if reply.status >= 300:
        raise close_attempt(exchange, await read_refusal(exchange, reply))
    content_type = header(reply, "content-type")
    body = await _body(exchange, reply)
    if "json" not in content_type and not body.lstrip()[:1] == b"{":
        raise close_attempt(exchange, not_a_stream(exchange, content_type))
    tap = exchange.dialect.tap()
    tap.whole(body)
    if tap.failed is not None:
        raise close_attempt(exchange, tap.failed)
    _note_tap(exchange, tap)
    record = exchange.record
    record.status, record.bytes_out = 200, len(body)
    headers = [("content-type", "application/json"), ("content-length", str(len(body))), *told_headers(exchange, reply)]
    await exchange.outbound.start(200, tuple(headers))
    await exchange.outbound.write(body)
    await exchange.outbound.finish()
    end_attempt(exchange)


async def _body(exchange: Exchange, reply: Reply) -> bytes:
    try:
        return await reply.read_all(exchange.runtime.pace.answer_bytes)
    except GatewayError as error:
        raise close_attempt(exchange, error) from error


def _note_tap(exchange: Exchange, tap: Tap) -> None:
    record = exchange.record
    record.usage, record.answered = tap.usage, tap.model


_COMMENT = b": keep-alive\n\n"
_FILTERED = frozenset({"content_filter", "refusal"})
_BOUNDARY = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def _last_frame(chunk: bytes) -> int | None:
    """Where the last frame begins that ends in this chunk; None: not after another one."""
    ends = [found.end() for found in _BOUNDARY.finditer(chunk)]
    return ends[-2] if len(ends) > 1 else None


class _Relayed:
    """Carries bytes as they are. Knows where a frame ends, so that a sign of life never stands inside one."""

    def __init__(self, exchange: Exchange) -> None:
        self.tap = exchange.dialect.tap()
        self._exchange = exchange
        self._dialect = exchange.dialect
        self._agent = exchange.agent
        self._reword = exchange.agent.reword
        self._tail = b"\n\n"
        self._cut: GatewayError | None = None

    @property
    def ready(self) -> bool:
        return self.tap.first_token

    @property
    def ended(self) -> bool:
        return self.tap.ended

    @property
    def failed(self) -> GatewayError | None:
        return self._cut or self.tap.failed

    def feed(self, chunk: bytes) -> bytes:
        self.tap.feed(chunk)
        if self.tap.failed is not None or self.tap.reason in _FILTERED:
            chunk = self._ended_badly(chunk)
        if self._reword is not None:
            chunk = self._reword(chunk)
        self._tail = (self._tail + chunk)[-4:] if len(chunk) < 4 else chunk[-4:]
        return chunk

    def _ended_badly(self, chunk: bytes) -> bytes:
        """The chunk in which the stream failed: with an ending that the client's program understands, where it needs another one."""
        error = self.tap.failed
        if error is None and not self._agent.knows_refusals:
            error = filtered(None)
        if error is None:
            return chunk
        attribute(self._exchange.deployment, error)
        dressed = self._agent.dress_failure(error)
        start = _last_frame(chunk) or (0 if self._between_frames else None)
        if dressed is error or start is None:
            return chunk
        self._cut = error
        return chunk[:start] + self._dialect.write_failure(dressed, self.tap)

    def whole(self, body: bytes) -> bytes:
        asked = self._dialect.read_request(self._exchange.call)
        translated = Translated(self._exchange, asked, UNCHANGED)
        out = translated.whole(body)
        self.tap.feed(out)
        return out

    def close(self) -> bytes:
        if self.tap.ended or self.tap.may_end or self.tap.failed is not None:
            return b""
        self._cut = GatewayError(Kind.CUT, "the provider's stream broke off before its proper end", source="upstream")
        return self.fail(self._cut)

    def ping(self) -> bytes:
        if not self._between_frames:
            return b""
        # Stream helpers of SDKs want the opening event first; a comment is legal even before it.
        return self._dialect.keep_alive if self.tap.model else _COMMENT

    def fail(self, error: GatewayError) -> bytes:
        attribute(self._exchange.deployment, error)
        gap = b"" if self._between_frames else b"\n\n"
        return gap + self._dialect.write_failure(self._agent.dress_failure(error), self.tap)

    @property
    def _between_frames(self) -> bool:
        return self._tail.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
