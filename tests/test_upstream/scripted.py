"""A server that does byte by byte what a test says, and helpers to ask it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

from dragoman.ir.errors import GatewayError
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.pool import Pool
from dragoman.upstream.reply import Reply
from dragoman.wire.frame import Headers

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
PLENTY = Deadlines()
Run = Callable[[Coroutine[Any, Any, None]], None]
"""The fixture `run`."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """One whole request, head and body."""
        head = await self.head()
        size = re.search(rb"\r\ncontent-length: (\d+)\r\n", head)
        return head + (await self.reader.readexactly(int(size[1])) if size else b"")

    async def head(self) -> bytes:
        """The head of a request; its body stays unread."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, each on its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def send_bytewise(self, data: bytes) -> None:
        """Every byte by itself, the client getting its turn in between."""
        for byte in data:
            self.writer.write(bytes([byte]))
            await asyncio.sleep(0)

    def close(self) -> None:
        """Close properly."""
        self.writer.close()

    def reset(self) -> None:
        """Break the connection (RST)."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def left(self) -> bytes:
        """Wait until the client is gone; what it sent meanwhile."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b"(reset)"


Script = Callable[[Peer], Awaitable[object]]


class Server:
    """Runs the first script on the first connection, the second on the second, …; the last one on all that follow."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.connections = 0
        self._scripts = scripts
        self._tls = tls
        self._host = host
        self._tasks: list[asyncio.Task[object]] = []

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls, limit=1 << 24)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            if not task.done():
                task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and error is None:
                raise result

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        self._tasks.append(asyncio.ensure_future(self._run(script, Peer(reader, writer))))

    async def _run(self, script: Script, peer: Peer) -> None:
        try:
            await script(peer)
        except asyncio.CancelledError:
            peer.writer.transport.abort()
            raise
        finally:
            peer.writer.close()
        with suppress(ConnectionError):
            await peer.writer.wait_closed()

    def stop(self) -> None:
        """Listen no more."""
        self._server.close()

    @property
    def all_done(self) -> bool:
        """Whether every script has run to its end and its connection is closed."""
        return all(task.done() for task in self._tasks)

    @property
    def origin(self) -> Origin:
        """Where it listens."""
        return Origin("https" if self._tls else "http", self._host, self.port)

    @property
    def place(self) -> str:
        return self.origin.place


def answering(*answers: bytes) -> Script:
    """Take a request and give an answer, for each answer in turn, until the client leaves."""

    async def script(peer: Peer) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for answer in answers:
                await peer.request()
                await peer.send(answer)
            await peer.left()

    return script


def noting(bodies: list[bytes]) -> Script:
    """Take a request, note its body, say `OK`."""

    async def script(peer: Peer) -> None:
        bodies.append((await peer.request()).partition(b"\r\n\r\n")[2])
        await peer.send(OK)
        await peer.left()

    return script


def answering_then_closing(*pieces: bytes) -> Script:
    """Take a request, send pieces, close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)

    return script


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


async def post(
    pool: Pool, server: Server | Origin, body: bytes = b"{}", headers: Headers = (), deadlines: Deadlines = PLENTY, target: str = "/"
) -> Reply:
    """Open a POST."""
    origin = server.origin if isinstance(server, Server) else server
    return await pool.open(origin, "POST", target, headers, body, deadlines)


async def ask(
    pool: Pool, server: Server | Origin, body: bytes = b"{}", headers: Headers = (), deadlines: Deadlines = PLENTY, target: str = "/"
) -> Answer:
    """POST and read the whole answer."""
    reply = await post(pool, server, body, headers, deadlines, target)
    try:
        await reply.head()
        return Answer(reply.status, reply.headers, await reply.read_all(1 << 30))
    finally:
        reply.close()


async def failure(doing: Awaitable[object]) -> tuple[str, str]:
    """Kind and message of the GatewayError that this raises."""
    try:
        got = await doing
    except GatewayError as error:
        return error.kind.value, error.message
    raise AssertionError(f"no error but {got!r}")
