"""An answer as its reader sees it: head, body, end; with deadlines, and with a bound on what waits to be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from dragoman.ir.errors import GatewayError, Kind
from dragoman.upstream import faults
from dragoman.upstream.alarm import TICK_S, Alarms
from dragoman.upstream.connection import Connection
from dragoman.upstream.deadlines import Deadlines
from dragoman.wire.frame import Headers

_HIGH_WATER_BYTES = 64 * 1024
"""More than this unread pauses the socket."""


Again = Callable[["Reply", bytes, bytes | memoryview], asyncio.Task[None]]
"""Sends head and body of a reply's request once more."""


class Reply:
    """One answer. Read by one task at a time; `close()` it in `finally`, whatever happened.

    status: 0 until `head` said True. connected_s: how long getting a connection took; first_byte_s: from the beginning until
    the head of the answer (None before). reused: whether the connection had been used before.
    """

    __slots__ = (
        "_again",
        "_alarms",
        "_began",
        "_chunks",
        "_connection",
        "_ended",
        "_error",
        "_loop",
        "_moved",
        "_now",
        "_paused",
        "_place",
        "_request",
        "_retry",
        "_size",
        "_take",
        "_wait_due",
        "_wait_s",
        "_waiter",
        "connected_s",
        "deadlines",
        "first_byte_s",
        "headers",
        "reused",
        "status",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, place: str, deadlines: Deadlines, began: float, alarms: Alarms | None = None
    ) -> None:
        self.status = 0
        self.headers: Headers = ()
        self.reused = False
        self.connected_s = 0.0
        self.first_byte_s: float | None = None
        self._loop = loop
        self._now = loop.time
        self._place = place
        self.deadlines = deadlines
        self._began = began
        self._moved = began
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = False
        self._ended = False
        self._error: GatewayError | None = None
        # True: something has moved. False: nothing has in time. None: whoever takes the pieces has enough.
        self._waiter: asyncio.Future[bool | None] | None = None
        self._wait_due = inf
        self._connection: Connection | None = None
        self._again: Again | None = None
        self._request: tuple[bytes, bytes | memoryview] | None = None
        self._retry: asyncio.Task[None] | None = None
        # Only while the pump waits and nothing waits to be read: a piece that comes is given to it at once.
        self._take: Callable[[bytes], bool] | None = None
        self._wait_s = inf
        self._alarms = alarms or Alarms(loop)

    def __repr__(self) -> str:
        state = "failed" if self._error is not None else "complete" if self._ended else "open"
        return f"Reply({self._place}, status={self.status}, {state}, unread={self._size})"

    # ---- the reader's side ----

    async def head(self, wait_s: float | None = None) -> bool:
        """Wait for status and headers. False: nothing within `wait_s`, call again. Raises GatewayError cut, timeout, garbled."""
        while self.status == 0:
            if self._error is not None:
                raise self._error
            waiter = self._waiting(wait_s)
            try:
                if not await waiter:
                    return False
            finally:
                self._waiter = None
        return True

    async def read(self, wait_s: float | None = None) -> bytes | None:
        """The next bytes of the body: all that have arrived. `b""` is its proper end, None means nothing within `wait_s`.

        What arrived before a failure is given first; then raises GatewayError cut, timeout or garbled, each time.
        """
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            waiter = self._waiting(wait_s)
            try:
                if not await waiter:
                    return None
            finally:
                self._waiter = None
        return self._drain()

    async def pump(self, take: Callable[[bytes], bool], wait_s: float) -> bool:
        """Hand each piece of the body to `take` the moment it arrives, without a turn of the event loop; `b""` is the proper end.

        Returns True once `take` said False or had the end, False when nothing has come for `wait_s`: call again. Raises what
        `take` raises, and as `read` does.
        """
        if self._chunks and not take(self._drain()):
            return True
        while self._error is None and not self._ended:
            waiter = self._waiting(wait_s)
            self._take, self._wait_s = take, wait_s
            try:
                has_moved = await waiter
            finally:
                self._take = self._waiter = None
            if not has_moved:
                return has_moved is None
            if self._chunks and not take(self._drain()):
                return True
        if self._error is not None:
            raise self._error
        take(b"")
        return True

    async def read_all(self, limit_bytes: int) -> bytes:
        """The whole body. Raises as `read` does, and GatewayError(garbled) past `limit_bytes`."""
        if self._ended and self._size <= limit_bytes:
            return self._drain()
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > limit_bytes:
                self.close()
                raise GatewayError(
                    Kind.GARBLED, f"the answer of `{self._place}` is longer than the {limit_bytes} bytes allowed", source="upstream"
                )
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Done with it. An unfinished answer loses its connection at once, so that the provider stops working for nobody."""
        if self._ended and not self._chunks:
            # Read to its end: what could still come is nothing.
            return
        self._alarms.off(self)
        self._again = None
        if self._retry is not None:
            self._retry.cancel()
        if not self._ended and self._error is None:
            self._error = GatewayError(Kind.CUT, f"the answer of `{self._place}` was closed before its end", source="gateway")
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        self._chunks.clear()
        self._size = 0
        self._wake(True)

    # ---- the pool's side ----

    def attach(self, connection: Connection, head: bytes, body: bytes | memoryview, again: Again | None) -> None:
        """Send the request on this connection. `again` starts over on a fresh one, if that is allowed."""
        self._connection = connection
        self._again = again
        self._request = None if again is None else (head, body)
        self.reused = connection.uses > 0
        self._moved = self._now()
        self.connected_s = self._moved - self._began
        connection.start(self, head, body)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come: complete, failed or closed."""
        return self._ended or self._error is not None

    # ---- the connection's side (Sink) ----

    def took_head(self, status: int, headers: Headers) -> None:
        """The head is there: from now on the idle deadline counts; the next wait sets the alarm."""
        self._again = self._request = None
        self._moved = self._now()
        self.status = status
        self.headers = headers
        self.first_byte_s = self._moved - self._began
        self._wake(True)

    def took_body(self, chunks: list[bytes]) -> None:
        """More body. Too much unread: pause the socket until it has been read."""
        self._moved = self._now()
        take = self._take
        if take is not None:
            # By far the most: who takes it waits for it.
            try:
                if take(chunks[0] if len(chunks) == 1 else b"".join(chunks)):
                    return
            except Exception as error:
                self._wake_with(error)
            else:
                self._wake(None)
            return
        self._chunks += chunks
        self._size += len(chunks[0]) if len(chunks) == 1 else sum(map(len, chunks))
        if self._size > _HIGH_WATER_BYTES and self._connection is not None:
            self._paused = True
            self._connection.pause()
        self._wake(True)

    def took_end(self, chunks: list[bytes]) -> None:
        """Complete."""
        # By now it may be somebody else's.
        self._connection = None
        if self._take is not None and chunks:
            self.took_body(chunks)
        elif chunks:
            self._moved = self._now()
            self._chunks += chunks
            self._size += len(chunks[0]) if len(chunks) == 1 else sum(map(len, chunks))
        self._take = None
        self._ended = True
        self._paused = False
        self._alarms.off(self)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(True)

    def took_fault(self, error: GatewayError) -> None:
        """Failed."""
        self._error = error
        self._detach()

    def took_stale(self, error: GatewayError) -> None:
        """A reused connection had been closed before the request arrived: once more, on a fresh one."""
        again, self._again = self._again, None
        request, self._request = self._request, None
        if again is None or request is None:
            self.took_fault(error)
            return
        self._connection = None
        self._retry = again(self, *request)

    # ---- private ----

    def _detach(self) -> None:
        self._connection = None
        self._paused = False
        self._alarms.off(self)
        self._wake(True)

    def _drain(self) -> bytes:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            self._moved = self._now()
            if self._connection is not None:
                self._connection.resume()
        return data

    def _waiting(self, wait_s: float | None) -> asyncio.Future[bool | None]:
        """What to wait for until something has moved (True) or `wait_s` is over; whoever waits takes `_waiter` away afterwards."""
        if self._waiter is not None:
            raise RuntimeError("two tasks read one reply")
        waiter = self._waiter = self._loop.create_future()
        due = self._due()
        if wait_s is None:
            self._wait_due = inf
        else:
            self._wait_due = self._now() + wait_s
            due = min(due, self._wait_due)
        self._alarms.by(self, due)
        return waiter

    def _wake(self, news: bool | None) -> None:
        self._take = None
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(news)

    def _wake_with(self, error: Exception) -> None:
        """It is raised where the pump is awaited."""
        self._take = None
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def _due(self) -> float:
        total = self._began + self.deadlines.total_s
        if self.status == 0:
            return min(total, self._moved + self.deadlines.first_byte_s)
        return total if self._paused else min(total, self._moved + self.deadlines.idle_s)

    def ring(self, now: float) -> float | None:
        """Do what is due: end an answer that is late, or a wait. Returns when to look again."""
        if self.is_over:
            return None
        due = self._due()
        if due <= now + TICK_S:
            self._expire(now)
            return None
        if self._take is not None:
            self._wait_due = max(self._wait_due, self._moved + self._wait_s)
        if self._wait_due <= now + TICK_S:
            self._wait_due = inf
            self._wake(False)
        return min(due, self._wait_due)

    def _expire(self, now: float) -> None:
        limits = self.deadlines
        if self._began + limits.total_s <= now + TICK_S:
            error = faults.timeout(self._place, "did not complete its answer", limits.total_s)
        elif self.status == 0:
            error = faults.timeout(self._place, "did not answer", limits.first_byte_s)
        else:
            error = faults.timeout(self._place, "sent nothing more of its answer", limits.idle_s)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        self.took_fault(error)
