"""Runs the application on a socket until it is told to stop, and lets running answers finish."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine
from email.utils import formatdate
from typing import Any, TypeVar

import msgspec
import uvloop
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from dragoman.server.answer import Answer
from dragoman.server.app import App
from dragoman.server.head import Openings
from dragoman.server.listen import BACKLOG, check_exposure, open_sockets
from dragoman.server.protocol import Connection
from dragoman.tasks import Errand

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SETTLE_S = 5.0
_DATE_S = 1.0
_OTHER_FILES = 256


class Address(msgspec.Struct, frozen=True):
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as the start of a URL."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class Server:
    """Accepts connections on open sockets. `stop` may be called once; `force` cuts its waiting short."""

    def __init__(self, app: App[Any], sockets: list[socket.socket]) -> None:
        self.limits = app.settings.limits
        self.openings = Openings()
        self.refuse = app.word
        self.errands: set[Errand | None] = set()
        self._app = app
        self._sockets = sockets
        self._listeners: list[asyncio.Server] = []
        self._state = ServerState()
        self._gone = asyncio.Event()
        self._forced = False
        self._date: asyncio.TimerHandle | None = None
        self._config = Config(
            app=app.take,
            http=HttpToolsProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )

    @property
    def address(self) -> Address:
        """The first socket's address."""
        host, port = self._sockets[0].getsockname()[:2]
        return Address(host, port)

    async def start(self) -> None:
        """Begin to accept."""
        self._config.load()
        loop = asyncio.get_running_loop()
        self._keep_date(loop)
        for listener in self._sockets:
            self._listeners.append(await loop.create_server(self._connection, sock=listener, backlog=BACKLOG))

    async def stop(self, grace_s: float) -> None:
        """Accept nothing more, close what is idle, let running answers finish, and end after `grace_s` those that did not."""
        for listener in self._listeners:
            listener.close()
        for connection in self._connections():
            connection.shutdown()
        self._app.stop()
        await self._wait(grace_s, self._state.connections)
        for connection in self._connections():
            connection.stop()
        self._forced = False
        await self._wait(self.limits.linger_s, self._state.connections)
        for connection in self._connections():
            connection.transport.abort()
        await self._wait(_SETTLE_S, self.errands)
        if self._date is not None:
            self._date.cancel()

    def force(self) -> None:
        """Wait no longer for running answers."""
        self._forced = True
        self._gone.set()

    @property
    def take(self) -> Callable[[Answer], Awaitable[None]]:
        """What answers a request."""
        return self._app.take

    def request_gone(self) -> None:
        """A request is done with, after the server was told to stop."""
        if not self.errands:
            self._gone.set()

    def connection_gone(self) -> None:
        """A connection is over."""
        if not self._state.connections:
            self._gone.set()

    def _connection(self) -> Connection:
        return Connection(self._config, self._state, self, asyncio.get_running_loop())

    def _connections(self) -> list[Connection]:
        return [connection for connection in self._state.connections if isinstance(connection, Connection)]

    async def _wait(self, seconds: float, left: Collection[object]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while left and not self._forced:
                    self._gone.clear()
                    await self._gone.wait()

    def _keep_date(self, loop: asyncio.AbstractEventLoop) -> None:
        self.openings.move(formatdate(usegmt=True))
        self._date = loop.call_later(_DATE_S, self._keep_date, loop)


@contextlib.asynccontextmanager
async def running(app: App[Any], *, is_exposed: bool = False) -> AsyncGenerator[Address]:
    """The application, served as its settings say for as long as the block lasts.

    Raises GatewayError(config) if the port is taken, or if the address is open to the network without client keys and
    `is_exposed` does not say that this is wanted.
    """
    server = _open(app, is_exposed)
    await server.start()
    try:
        yield server.address
    finally:
        await server.stop(app.settings.shutdown_grace_s)


async def serve(app: App[Any], on_ready: Callable[[Address], None], *, is_exposed: bool = False) -> None:
    """Serve until SIGINT or SIGTERM; a second one ends running answers at once. Raises as `running`."""
    server = _open(app, is_exposed)
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if told.is_set():
            server.force()
        told.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        await server.start()
        on_ready(server.address)
        await told.wait()
        await server.stop(app.settings.shutdown_grace_s)
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program's main coroutine on the event loop that the server is made for."""
    return uvloop.run(main)


def _open(app: App[Any], is_exposed: bool) -> Server:
    settings = app.settings
    if not is_exposed:
        check_exposure(settings, closed=app.about.closed)
    _allow_files(2 * settings.limits.connections + _OTHER_FILES)
    return Server(app, open_sockets(settings.host, settings.port))


def _allow_files(wanted: int) -> None:
    """Each exchange holds two connections, and shells start programs with 1,024 open files at most, though the system allows more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
