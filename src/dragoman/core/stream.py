"""Drives a streamed answer of either lane: when the status line is sent, when the client hears that we are still here, how it ends.

The status line is held until the first real output, so that an error before it keeps its honest status; after `hold_s` of
silence it is sent all the same, with the dialect's own sign of life.
"""

from __future__ import annotations

from typing import Protocol

from dragoman.core.attempt import close_attempt, end_attempt, not_a_stream, note_head, read_refusal, told_headers
from dragoman.core.exchange import Exchange
from dragoman.ir.errors import GatewayError
from dragoman.upstream.reply import Reply

_HELD_BYTES = 256 * 1024


class Carrier(Protocol):
    """What a lane does with the bytes of a stream. `ready`: real output was seen. `ended`: the dialect's proper end was seen.
    `failed`: the stream ended in an error; while nothing was sent it is told honestly, afterwards it stands in the bytes."""

    @property
    def ready(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def failed(self) -> GatewayError | None: ...

    def feed(self, chunk: bytes) -> bytes:
        """Bytes of the provider in, bytes for the client out."""
        ...

    def whole(self, body: bytes) -> bytes:
        """A whole JSON answer where a stream was asked for, as the client's stream."""
        ...

    def close(self) -> bytes:
        """The provider's bytes are over: what is left to say. Sets `failed` if they had no proper end."""
        ...

    def ping(self) -> bytes:
        """A sign of life, or nothing where none may stand now."""
        ...

    def fail(self, error: GatewayError) -> bytes:
        """End the client's stream with this error."""
        ...


async def stream(exchange: Exchange, reply: Reply, carrier: Carrier) -> None:
    """Carry a whole stream to the client. Raises GatewayError only while nothing was sent yet."""
    try:
        await _stream(exchange, reply, carrier)
    except GatewayError as error:
        error = close_attempt(exchange, error)
        if not exchange.outbound.started:
            raise
        exchange.record.error, exchange.record.message = error.kind.value, error.message
        await exchange.outbound.write(carrier.fail(error))
        await exchange.outbound.finish()


async def _stream(exchange: Exchange, reply: Reply, carrier: Carrier) -> None:
    await _await_head(exchange, reply, carrier)
    held: list[bytes] = []
    if "json" in header(reply, "content-type"):
        await _stream_whole(exchange, reply, carrier)
        return
    while True:
        if exchange.record.first_token_s is not None:
            await _flow(exchange, reply, carrier)
            break
        chunk = await _next_chunk(exchange, reply, carrier, held)
        out = carrier.feed(chunk) if chunk else carrier.close()
        if carrier.failed is not None and not exchange.outbound.started:
            raise carrier.failed
        if out:
            await _send(exchange, reply, carrier, held, out)
        if not chunk or carrier.ended or carrier.failed is not None:
            break
    await _finish(exchange, reply, carrier, held)


async def _flow(exchange: Exchange, reply: Reply, carrier: Carrier) -> None:
    """The rest of a stream whose output has begun: there is nothing left to hold or to decide, so each piece goes on where it arrives,
    without a turn of the event loop and a wake-up of this task (a third of its cost)."""
    outbound, record = exchange.outbound, exchange.record
    is_over = False

    def take(chunk: bytes) -> bool:
        nonlocal is_over
        out = carrier.feed(chunk) if chunk else carrier.close()
        is_over = not chunk or carrier.ended or carrier.failed is not None
        if not out:
            return not is_over
        record.bytes_out += len(out)
        return outbound.push(out) and not is_over

    while not is_over:
        if not await reply.pump(take, exchange.runtime.pace.ping_s):
            await _still_here(exchange, reply, carrier, [])
        elif not is_over:
            # The client is slow: wait for it; what comes meanwhile waits in the reply, within its bound.
            await outbound.write(b"")


async def _stream_whole(exchange: Exchange, reply: Reply, carrier: Carrier) -> None:
    """Some providers answer a request for a stream with one JSON body, above all where they cannot stream."""
    out = carrier.whole(await reply.read_all(exchange.runtime.pace.answer_bytes))
    if carrier.failed is not None and not exchange.outbound.started:
        raise carrier.failed
    await _send(exchange, reply, carrier, [], out)
    await _finish(exchange, reply, carrier, [])


async def _await_head(exchange: Exchange, reply: Reply, carrier: Carrier) -> None:
    while not await reply.head(_patience_s(exchange)):
        await _still_here(exchange, reply, carrier, [])
    note_head(exchange, reply)
    if reply.status >= 300:
        raise await read_refusal(exchange, reply)
    content_type = header(reply, "content-type")
    if "text/html" in content_type:
        raise not_a_stream(exchange, content_type)


async def _next_chunk(exchange: Exchange, reply: Reply, carrier: Carrier, held: list[bytes]) -> bytes:
    while (chunk := await reply.read(_patience_s(exchange))) is None:
        await _still_here(exchange, reply, carrier, held)
    return chunk


async def _send(exchange: Exchange, reply: Reply, carrier: Carrier, held: list[bytes], out: bytes) -> None:
    outbound = exchange.outbound
    if not outbound.started:
        held.append(out)
        if not carrier.ready and sum(map(len, held)) < _HELD_BYTES:
            return
        await _start(exchange, reply)
        out = b"".join(held)
        held.clear()
    if carrier.ready and exchange.record.first_token_s is None:
        exchange.record.first_token_s = exchange.elapsed_s()
    exchange.record.bytes_out += len(out)
    await outbound.write(out)


async def _still_here(exchange: Exchange, reply: Reply, carrier: Carrier, held: list[bytes]) -> None:
    if not exchange.outbound.started:
        await _start(exchange, reply)
        if held:
            await exchange.outbound.write(b"".join(held))
            held.clear()
    sign = carrier.ping()
    if sign:
        await exchange.outbound.write(sign)


async def _start(exchange: Exchange, reply: Reply) -> None:
    heard = reply if exchange.record.attempts[-1].first_byte_s is not None else None
    headers = [("content-type", exchange.dialect.stream_type), ("cache-control", "no-cache"), ("x-accel-buffering", "no")]
    exchange.record.status = 200
    await exchange.outbound.start(200, (*headers, *told_headers(exchange, heard)))


async def _finish(exchange: Exchange, reply: Reply, carrier: Carrier, held: list[bytes]) -> None:
    outbound = exchange.outbound
    if not outbound.started:
        await _start(exchange, reply)
    if held:
        await outbound.write(b"".join(held))
    await outbound.finish()
    if carrier.failed is not None:
        error = close_attempt(exchange, carrier.failed)
        exchange.record.error, exchange.record.message = error.kind.value, error.message
        return
    if carrier.ended:
        await _drain(exchange, reply)
    end_attempt(exchange)


async def _drain(exchange: Exchange, reply: Reply) -> None:
    """Read the few bytes after a stream's proper end, so that the connection can be used again."""
    try:
        while await reply.read(exchange.runtime.pace.tail_s):
            pass
    except GatewayError:
        # The client has its whole answer: how the connection closes afterwards concerns nobody.
        return


def _patience_s(exchange: Exchange) -> float:
    pace = exchange.runtime.pace
    if exchange.outbound.started:
        return pace.ping_s
    return max(0.001, pace.hold_s - exchange.elapsed_s())


def header(reply: Reply, name: str) -> str:
    """A header of the reply, or an empty string."""
    for key, value in reply.headers:
        if key == name:
            return value
    return ""
