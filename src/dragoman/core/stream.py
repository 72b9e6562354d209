"""Drives a streamed answer of either lane: when the status line is sent, when the client hears that we are still here, how it ends.

The status line is held until the first real output, so that an error before it keeps its honest status; after `hold_s` of
silence it is sent all the same, with the dialect's own sign of life.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from dragoman.core.attempt import Attempt, cut_off, told_headers
from dragoman.core.failure import not_a_stream, read_refusal
from dragoman.core.pieces import Pieces
from dragoman.core.runtime import Capture
from dragoman.ir.errors import GatewayError
from dragoman.upstream.reply import Reply

_HELD_BYTES = 256 * 1024
_UNKEPT = Capture(body_bytes=0)
COMMENT = b": keep-alive\n\n"
"""A sign of life that is legal before anything else was said, and leaves everything open."""
JSON = ("content-type", "application/json")
STREAMING = (("cache-control", "no-cache"), ("x-accel-buffering", "no"))


class Watched(Protocol):
    """A carrier of which most pieces go on as they came. `passed` is told the latest of those that did, before anything else is asked."""

    watch: Callable[[bytes], bool]
    """Whether a piece (not the end) needs to be looked at."""

    def look(self, chunk: bytes) -> bytes:
        """As `feed`, for a piece that needs to be looked at."""
        ...

    def passed(self, chunk: bytes) -> None:
        """This piece went on as it came."""
        ...


class Carrier(Protocol):
    """What a lane does with the bytes of a stream. `ready`: real output was seen. `ended`: the dialect's proper end was seen.
    `failed`: the stream ended in an error; while nothing was said it is told honestly, afterwards it stands in the bytes, unless the
    carrier is `resumable`: then another attempt may go on with the stream. `as_it_comes`: what is fed comes out as the same bytes, where
    nothing speaks against it. `watched`: the carrier itself, if it can tell at once that a piece needs no look."""

    resumable: bool
    as_it_comes: bool
    ready: bool
    ended: bool
    failed: GatewayError | None

    @property
    def watched(self) -> Watched | None: ...

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
        """End the client's stream with this error; or well, and `ended`, where nothing but the mark of the end was missing."""
        ...


def _always(_: bytes) -> bool:
    return True


async def stream(attempt: Attempt, reply: Reply, carrier: Carrier) -> None:
    """Carry a whole stream to the client. Raises GatewayError where another attempt may take over: nothing was said yet (at most signs
    of life were sent), or the carrier is resumable."""
    exchange = attempt.exchange
    try:
        await _Delivery(attempt, reply, carrier).run()
    except GatewayError as error:
        attempt.failed(error)
        if not exchange.begun or carrier.resumable:
            raise
        last = carrier.fail(error)
        if exchange.captured is not None:
            exchange.captured.differs()
        if not carrier.ended:
            exchange.record.error, exchange.record.message = error.kind.value, error.message
        await exchange.outbound.write(last)
        await exchange.outbound.finish()


class _Delivery:
    """The stream of one attempt on its way to the client. `_held`: what waits until real output is seen, since until then another target
    may be tried. `_said`: what the client was told; `_passed`: the latest piece that went on without a look."""

    def __init__(self, attempt: Attempt, reply: Reply, carrier: Carrier) -> None:
        self._attempt = attempt
        self._exchange = attempt.exchange
        self._outbound = attempt.exchange.outbound
        self._record = attempt.exchange.record
        self._pace = attempt.exchange.runtime.pace
        self._reply = reply
        self._carrier = carrier
        self._held: list[bytes] = []
        self._is_over = False
        self._captured = attempt.exchange.captured
        self._is_apart = self._captured is not None
        self._said = Pieces(_UNKEPT) if self._captured is None else self._captured.said
        self._passed = b""
        limit_s = attempt.seat.target.first_token_s
        self._cut_off_s = math.inf if limit_s is None else self._exchange.elapsed_s() + limit_s

    async def run(self) -> None:
        """All of it, from the head to the proper end."""
        await self._head()
        if "json" in self._attempt.content_type:
            await self._whole()
        else:
            await self._opening()
            if not self._is_over:
                await self._flow()
                self._hand_over()
        await self._finish()

    async def _head(self) -> None:
        reply, attempt = self._reply, self._attempt
        while not await reply.head(self._patience_s()):
            await self._still_here()
        attempt.head_came(reply)
        if reply.status >= 300:
            raise await read_refusal(self._exchange, attempt.deployment, reply)
        content_type = attempt.content_type
        if "text/html" in content_type:
            raise not_a_stream(attempt.deployment, content_type)

    async def _whole(self) -> None:
        """Some providers answer a request for a stream with one JSON body, above all where they cannot stream."""
        body = await self._reply.read_all(self._pace.answer_bytes)
        self._hear(body)
        out = self._carrier.whole(body)
        if self._exchange.begun or self._carrier.failed is None:
            await self._send(out)
        self._hand_over()

    async def _opening(self) -> None:
        """Until real output has begun, or all is over."""
        carrier = self._carrier
        while self._record.first_token_s is None and not self._is_over:
            chunk = await self._reply.read(self._patience_s())
            if chunk is None:
                await self._still_here()
                continue
            self._hear(chunk)
            out = carrier.feed(chunk) if chunk else carrier.close()
            self._is_over = not chunk or carrier.ended or carrier.failed is not None
            if out and (self._exchange.begun or carrier.failed is None):
                await self._send(out)
            self._hand_over()

    async def _flow(self) -> None:
        """The rest of a stream whose output has begun: there is nothing left to hold or to decide, so each piece goes on where it
        arrives, without a turn of the event loop and a wake-up of this task (a third of its cost)."""
        carrier, captured = self._carrier, self._captured
        if captured is not None:
            self._is_apart = not (carrier.as_it_comes and captured.same_so_far())
        before_bytes, take = self._said.whole_bytes, self._taker()
        try:
            while not self._is_over:
                has_moved = await self._reply.pump(take, self._pace.ping_s)
                self._tell_passed()
                if not has_moved:
                    await self._still_here()
                elif not self._is_over:
                    # The client is slow: wait for it; what comes meanwhile waits in the reply, within its bound.
                    await self._outbound.write(b"")
        finally:
            self._tell_passed()
            self._record.bytes_out += self._said.whole_bytes - before_bytes

    def _taker(self) -> Callable[[bytes], bool]:
        """What takes each piece as it arrives; False: wait for the client, or the stream is over."""
        carrier, captured, watched, said = self._carrier, self._captured, self._carrier.watched, self._said
        look, watch = (carrier.feed, _always) if watched is None else (watched.look, watched.watch)
        keeps, kept = captured is not None, said.pieces
        push = self._outbound.push if captured is None else captured.push_on

        def take(chunk: bytes) -> bool:
            if chunk and not watch(chunk):
                # By far the most: words, which go on as they came. What is kept of them is what `said.add` keeps.
                self._passed = chunk
                if self._is_apart:
                    self._hear(chunk)
                said.room_bytes = room_bytes = said.room_bytes - len(chunk)
                if room_bytes >= 0 or (keeps and said.more(chunk)):
                    kept.append(chunk)
                return push(chunk)
            self._tell_passed()
            out = look(chunk) if chunk else carrier.close()
            if self._is_apart or out is not chunk:
                self._hear(chunk)
            if not chunk or carrier.ended or carrier.failed is not None:
                self._is_over = True
            if not out:
                return not self._is_over
            said.room_bytes = room_bytes = said.room_bytes - len(out)
            if room_bytes >= 0 or (keeps and said.more(out)):
                kept.append(out)
            return push(out) and not self._is_over

        return take

    def _tell_passed(self) -> None:
        watched = self._carrier.watched
        if watched is not None and self._passed:
            watched.passed(self._passed)
            self._passed = b""

    def _hear(self, chunk: bytes) -> None:
        """Keep a piece of the provider's answer, where it is not just what the client gets."""
        captured = self._captured
        if captured is not None:
            if not self._is_apart:
                self._differs()
            captured.hear(chunk)

    def _differs(self) -> None:
        """From here on the client gets something else."""
        if self._captured is not None and not self._is_apart:
            self._is_apart = True
            self._captured.differs()

    def _hand_over(self) -> None:
        """Raises the error in which the stream ended, if another attempt may take over."""
        carrier = self._carrier
        if carrier.failed is not None and (not self._exchange.begun or carrier.resumable):
            raise carrier.failed

    async def _send(self, out: bytes) -> None:
        carrier, exchange = self._carrier, self._exchange
        if not exchange.begun:
            self._held.append(out)
            if not carrier.ready and sum(map(len, self._held)) < _HELD_BYTES:
                return
            if not self._outbound.started:
                await self._start()
            out = b"".join(self._held)
            self._held.clear()
            exchange.begun = True
        if carrier.ready and self._record.first_token_s is None:
            now = exchange.runtime.clock()
            self._record.first_token_s = now - exchange.began
            self._attempt.plan.spoke(now)
        self._record.bytes_out += len(out)
        await self._outbound.write(out)

    async def _still_here(self) -> None:
        """Silence: time for a sign of life, or for another target."""
        exchange, outbound = self._exchange, self._outbound
        now = exchange.runtime.clock()
        if now - exchange.began >= self._cut_off_s:
            self._cut_off_s = math.inf
            if not exchange.begun:
                cut_off(self._attempt)
        if not outbound.started:
            if now - exchange.began < self._pace.hold_s:
                return
            await self._start()
        if not exchange.begun and self._attempt.plan.may_begin_anew(now):
            await outbound.write(COMMENT)
            return
        await self._let_go()
        sign = self._carrier.ping()
        if sign:
            exchange.begun = True
            self._differs()
            await outbound.write(sign)

    async def _let_go(self) -> None:
        if self._held:
            self._exchange.begun = True
            await self._outbound.write(b"".join(self._held))
            self._held.clear()

    async def _start(self) -> None:
        self._record.status = 200
        headers = told_headers(self._attempt, ("content-type", self._exchange.dialect.stream_type))
        await self._outbound.start(200, STREAMING + headers)

    async def _finish(self) -> None:
        outbound, failed = self._outbound, self._carrier.failed
        if not outbound.started:
            await self._start()
        await self._let_go()
        await outbound.finish()
        if failed is not None:
            self._attempt.failed(failed)
            self._record.error, self._record.message = failed.kind.value, failed.message
            return
        self._attempt.ended()
        if self._captured is not None and self._carrier.as_it_comes:
            self._captured.same_so_far()
        if self._carrier.ended:
            await self._drain()

    async def _drain(self) -> None:
        """Read the few bytes after a stream's proper end, so that the connection can be used again; no longer, whatever comes."""
        began_s = self._exchange.elapsed_s()
        until_s = began_s + self._pace.tail_s
        try:
            while (left_s := until_s - self._exchange.elapsed_s()) > 0 and await self._reply.read(left_s):
                pass
        except GatewayError:
            # The client has its whole answer: how the connection closes afterwards concerns nobody.
            pass
        self._record.waited_s += self._exchange.elapsed_s() - began_s

    def _patience_s(self) -> float:
        """How long silence may last. A target's time for its first output may end before a sign of life is due."""
        elapsed_s = self._exchange.elapsed_s()
        due_s = self._pace.ping_s if self._outbound.started else self._pace.hold_s - elapsed_s
        return max(0.001, min(due_s, self._cut_off_s - elapsed_s))
