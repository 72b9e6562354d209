"""The client: opens requests on pooled connections. One pool serves all providers; each origin has its own stock."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.tasks import Tasks, spawn
from dragoman.upstream.alarm import Alarm, Alarms
from dragoman.upstream.connect import Connecting, tls_context
from dragoman.upstream.connection import Connection, Limits
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.proxy import Proxies
from dragoman.upstream.reply import Reply
from dragoman.upstream.stock import Stock
from dragoman.wire.frame import Headers
from dragoman.wire.splice import Splice


class PoolSettings(msgspec.Struct, frozen=True):
    """How many connections, for how long, and which way."""

    connections: int = 1000
    """Connections to one origin at a time. Default: 1000."""
    waiting: int = 1000
    """Requests that may wait for a connection to one origin. Default: 1000; more are refused."""
    idle_s: float = 60.0
    """How long an unused connection is kept. Default: 60; less where the server says so."""
    proxies: Proxies = Proxies()
    limits: Limits = Limits()
    tls: ssl.SSLContext | None = None
    """Default: the system's trust store; made when first needed."""


class PoolStats(msgspec.Struct, frozen=True):
    """Connections open, of these idle, and requests waiting for one."""

    open: int
    idle: int
    waiting: int


class _Life(msgspec.Struct, frozen=True):
    """What a pool has once it is in use: its loop, the clock of idle connections, the clock of running replies."""

    loop: asyncio.AbstractEventLoop
    alarm: Alarm
    alarms: Alarms


class Pool:
    """Sends requests. Belongs to one event loop; `close` it in the end."""

    def __init__(self, settings: PoolSettings | None = None) -> None:
        self._settings = settings or PoolSettings()
        self._stocks: dict[Origin, Stock] = {}
        self._tasks = Tasks("upstream")
        self._context = self._settings.tls
        self._life: _Life | None = None
        self._closed = False

    def __repr__(self) -> str:
        stats = self.stats()
        return f"Pool({len(self._stocks)} origins, open={stats.open}, idle={stats.idle}, waiting={stats.waiting})"

    def stats(self) -> PoolStats:
        """The sums over all origins."""
        stocks = self._stocks.values()
        return PoolStats(sum(s.open for s in stocks), sum(s.idle for s in stocks), sum(s.waiting for s in stocks))

    async def open(
        self, origin: Origin, method: str, target: str, headers: Headers, body: bytes, deadlines: Deadlines, splice: Splice | None = None
    ) -> Reply:
        """Send a request over a connection that lies idle, or a new one; its answer is the Reply's to wait for.

        `target` is path and query, beginning with `/`; splice: what is put into the body on its way. Returns as soon as the request is
        sent off: a long body is sent on while the answer is waited for. Redirects are answers like any other, never followed.

        Raises GatewayError: unreachable, timeout (`connect_s`), config (a header or a proxy setting that cannot be used) or
        overloaded with source gateway (no connection came free).

        A request is sent a second time, on a fresh connection, in one case only: a reused connection turns out to be closed within
        a second and before any byte of an answer, which is what it looks like when the server's keep-alive limit and our request
        crossed. A server that took the request, died at once and closed without a word looks the same; it could have billed the
        first one. That risk is taken once; every other repetition is decided above, where it is counted and recorded.
        """
        life = self._life
        if life is None or self._closed:
            life = self._started()
        loop = life.loop
        began = loop.time()
        stock = self._stocks.get(origin) or self._stock(origin, life)
        rest: bytes | memoryview = body
        if splice is None:
            head = stock.heads.write(method, target, headers, len(body))
        else:
            head, rest = stock.heads.write_spliced(method, target, headers, body, splice)
        reply = Reply(loop, stock.place, deadlines, began, life.alarms)
        connection = stock.take(began)
        fresh = False
        if connection is None:
            limit_s = min(deadlines.connect_s, deadlines.total_s)
            connection, fresh = await stock.acquire(partial(self._connect, limit_s=limit_s), limit_s)
        reply.attach(connection, head, rest, None if fresh else stock.again)
        return reply

    async def close(self) -> None:
        """Abort every connection and wait until all is over. Nothing can be opened afterwards."""
        self._closed = True
        if self._life is not None:
            self._life.alarm.end()
            self._life.alarms.end()
        for stock in self._stocks.values():
            stock.close(_closed())
        await self._tasks.close()

    # ---- private ----

    def _started(self) -> _Life:
        if self._closed:
            raise _closed()
        if self._life is None:
            # Kept, since asking for the running loop asks the kernel for the process's id.
            loop = asyncio.get_running_loop()
            self._life = _Life(loop, Alarm(loop, self._expire), Alarms(loop))
        return self._life

    def _stock(self, origin: Origin, life: _Life) -> Stock:
        settings = self._settings
        stock = Stock(
            origin,
            settings.proxies.pick(origin),
            limit=settings.connections,
            waiting=settings.waiting,
            idle_s=settings.idle_s,
            alarm=life.alarm,
            loop=life.loop,
        )
        stock.again = partial(self._again, stock)
        self._stocks[origin] = stock
        return stock

    async def _connect(self, stock: Stock, limit_s: float) -> Connection:
        origin = stock.origin
        context = None
        if origin.scheme == "https":
            context = self._context = self._context or tls_context()
        connecting = Connecting(origin, stock.proxy, context, self._tasks)
        connection = await connecting.run(partial(self._made, stock), limit_s)
        if self._closed:
            connection.abort()
            raise _closed()
        return connection

    def _made(self, stock: Stock) -> Connection:
        return Connection(stock.loop, stock.place, stock, self._settings.limits)

    def _again(self, stock: Stock, reply: Reply, head: bytes, body: bytes | memoryview) -> asyncio.Task[None]:
        return spawn(self._start_over(stock, reply, head, body), name="send again", owner=self._tasks)

    async def _start_over(self, stock: Stock, reply: Reply, head: bytes, body: bytes | memoryview) -> None:
        limit_s = reply.deadlines.connect_s
        try:
            connection, _ = await stock.acquire(partial(self._connect, limit_s=limit_s), limit_s)
        except GatewayError as error:
            reply.took_fault(error)
            return
        except asyncio.CancelledError:
            if not reply.is_over:
                reply.took_fault(_closed())
            raise
        if reply.is_over:
            stock.freed(connection)
        else:
            reply.attach(connection, head, body, None)

    def _expire(self, now: float) -> float | None:
        return min((due for stock in self._stocks.values() if (due := stock.expire(now)) is not None), default=None)


def _closed() -> GatewayError:
    return GatewayError(Kind.SHUTTING_DOWN, "the gateway is shutting down")
