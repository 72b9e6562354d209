"""The connections to one origin: those that lie idle, how many there are, and who waits for one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from dragoman.ir.errors import GatewayError
from dragoman.upstream import faults
from dragoman.upstream.alarm import Alarm, within
from dragoman.upstream.connection import Connection
from dragoman.upstream.origin import Origin
from dragoman.upstream.proxy import Proxy
from dragoman.upstream.reply import Again
from dragoman.upstream.request import Heads, Route

_SERVER_MARGIN_S = 1.0
"""A server that says how long it keeps an idle connection is believed, less this: a request must still arrive in time."""


class Stock:
    """At most `limit` connections, used last in, first out, so that spare ones grow old and expire."""

    def __init__(
        self, origin: Origin, proxy: Proxy | None, *, limit: int, waiting: int, idle_s: float, alarm: Alarm, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.origin = origin
        self.proxy = proxy
        self.place = origin.place
        self.heads = Heads(Route.to(origin, proxy))
        self.again: Again | None = None
        self.open = 0
        self._limit = limit
        self._waiting = waiting
        self._idle_s = idle_s
        self._alarm = alarm
        self.loop = loop
        self._now = loop.time
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()

    def __repr__(self) -> str:
        through = f" through {self.proxy.place}" if self.proxy is not None else ""
        return f"Stock({self.origin}{through}: open={self.open}, idle={self.idle}, waiting={self.waiting})"

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return sum(not waiter.done() for waiter in self._waiters)

    def take(self, now: float) -> Connection | None:
        """The idle connection that was used last, if one is still alive."""
        while self._idle:
            connection = self._idle.pop()
            if now < connection.idle_until and connection.usable():
                return connection
            connection.abort()
        return None

    async def acquire(self, connect: Callable[[Stock], Awaitable[Connection]], wait_s: float) -> tuple[Connection, bool]:
        """A connection, and whether it is fresh: a new one while there are fewer than the limit, else the next that comes free.

        Raises GatewayError overloaded (source gateway) where none does within `wait_s` or too many wait already, and what
        `connect` raises.
        """
        if self.open >= self._limit and self._idle:
            self._idle[0].abort()
        if self.open >= self._limit:
            handed = await self._wait(wait_s)
            if handed is not None:
                return handed, False
        else:
            self.open += 1
        # From here on this request holds a place among `open`; the connection takes it over once it exists.
        try:
            connection = await connect(self)
        except BaseException:
            self._vacate()
            raise
        if connection.is_gone:
            # Lost between the handshake and now: `lost` was not ours to hear yet.
            self._vacate()
            raise faults.cut(self.origin.place, None, headed=False)
        self._all.add(connection)
        return connection, True

    def freed(self, connection: Connection) -> None:
        """A connection is done with its answer: to the first in line, else idle. One that ended meanwhile was `lost` already."""
        if connection.is_gone:
            return
        if self._waiters and (waiter := self._next()) is not None:
            waiter.set_result(connection)
            return
        idle_s = self._idle_s
        if connection.server_idle_s is not None:
            idle_s = min(idle_s, connection.server_idle_s - _SERVER_MARGIN_S)
        if idle_s <= 0:
            connection.abort()
            return
        connection.idle_until = until = self._now() + idle_s
        self._idle.append(connection)
        if until < self._alarm.when:
            self._alarm.by(until)

    def lost(self, connection: Connection) -> None:
        """A connection is gone: its place goes to the first in line."""
        if connection in self._all:
            self._all.discard(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._vacate()

    def expire(self, now: float) -> float | None:
        """Close what has lain idle too long; when the next will have."""
        for connection in [connection for connection in self._idle if connection.idle_until <= now]:
            connection.abort()
        return min((connection.idle_until for connection in self._idle), default=None)

    def close(self, error: GatewayError) -> None:
        """Abort every connection and send those away who wait; whoever reads an answer is told `error`."""
        while (waiter := self._next()) is not None:
            waiter.set_exception(error)
        for connection in list(self._all):
            connection.fail(error)

    async def _wait(self, wait_s: float) -> Connection | None:
        if self.waiting >= self._waiting:
            raise faults.pool_full(self.origin.place, self._limit, self.waiting)
        waiter: asyncio.Future[Connection | None] = self.loop.create_future()
        self._waiters.append(waiter)
        try:
            async with within(wait_s):
                return await waiter
        except BaseException as error:
            self._hand_back(waiter)
            if isinstance(error, TimeoutError):
                raise faults.pool_timeout(self.origin.place, self._limit, wait_s) from error
            raise

    def _hand_back(self, waiter: asyncio.Future[Connection | None]) -> None:
        """The one who waited left: what was handed over in the same moment goes on to the next."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._vacate()
            else:
                self.freed(connection)

    def _vacate(self) -> None:
        """A place is free: the first in line may connect in it."""
        waiter = self._next()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self.open -= 1

    def _next(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None
