"""A small HTTP/1.1 server that controls every byte it sends: it can stall, trickle, stop in mid-event, close or reset at an exact place.

Built on asyncio's streams alone: a server made for correctness (uvicorn) does its best to prevent just these faults.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec

from dragoman.simulator.performance import Beat, Close, Closing, Pause, Performance, Step

_LIMIT_BYTES = 1 << 20
_JOIN_BYTES = 1 << 16
_NUMBERS = itertools.count(1)


class Asked(msgspec.Struct, frozen=True):
    """One HTTP request as it came: names of headers in lower case, repeated ones joined by ", "."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    number: int = 0
    """Distinct for each request of a process."""


class Heard(msgspec.Struct):
    """What came of one performance: bytes of the body sent, and whether the client left before the end."""

    sent_bytes: int = 0
    left: bool = False


Handler = Callable[[Asked], Awaitable[Performance]]
Report = Callable[[Asked, Heard], None]


class Listener:
    """Accepts connections and performs what `handler` says; `report` hears how each performance went."""

    def __init__(self, handler: Handler, report: Report) -> None:
        self._handler = handler
        self._report = report
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def open(self, host: str, port: int) -> int:
        """Listen. Returns the port, which was chosen by the system if `port` is 0. Raises OSError if it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host, port, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        serving = [connection.task for connection in self._connections if connection.task is not None]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _protocol(self) -> _Connection:
        return _Connection(self._serve)

    async def _serve(self, connection: _Connection) -> None:
        self._connections.add(connection)
        connection.task = asyncio.current_task()
        try:
            await self._converse(connection)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            connection.abort()
        except asyncio.CancelledError:
            # Only `close` cancels this task, and nothing waits above it but asyncio, which would log the cancellation as a fault.
            connection.abort()
        finally:
            self._connections.discard(connection)
            connection.close()

    async def _converse(self, connection: _Connection) -> None:
        while (asked := await connection.read_request()) is not None:
            heard = Heard()
            performance = await self._handler(asked)
            try:
                proper = await _perform(connection, performance, heard)
            except ConnectionError:
                heard.left = True
                raise
            finally:
                self._report(asked, heard)
            if not proper or asked.headers.get("connection", "").lower() == "close":
                return


class _Connection(asyncio.StreamReaderProtocol):
    """One connection, with an event for the moment in which the client leaves."""

    def __init__(self, serve: Callable[[_Connection], Awaitable[None]]) -> None:
        self.gone = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._source = asyncio.StreamReader(limit=_LIMIT_BYTES)
        self._sink: asyncio.StreamWriter | None = None
        self._serve = serve
        super().__init__(self._source, self._connected)

    def eof_received(self) -> bool | None:
        """The client closed its side."""
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self.gone.set()
        super().connection_lost(exc)

    async def read_request(self) -> Asked | None:
        """The next request, None at the proper end of the connection. Raises ValueError for what is not HTTP."""
        try:
            head = await self._source.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                return None
            raise
        line, *fields = head.decode("latin-1").split("\r\n")[:-2]
        method, target, version = line.split(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError("not HTTP/1")
        headers: dict[str, str] = {}
        for field in fields:
            name, _, value = field.partition(":")
            key = name.strip().lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            await self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        path, _, query = target.partition("?")
        return Asked(method, path, query, headers, await self._read_body(headers), next(_NUMBERS))

    async def _read_body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            chunks: list[bytes] = []
            while size := int((await self._source.readuntil(b"\r\n")).split(b";")[0], 16):
                chunks.append(await self._source.readexactly(size))
                await self._source.readexactly(2)
            while await self._source.readuntil(b"\r\n") != b"\r\n":
                pass
            return b"".join(chunks)
        return await self._source.readexactly(int(headers.get("content-length", 0)))

    async def write(self, data: bytes) -> None:
        """Send; waits while the client is slow. Raises ConnectionError when it left."""
        if self._sink is None or self.gone.is_set():
            raise ConnectionResetError("the client left")
        self._sink.write(data)
        await self._sink.drain()

    async def rest(self, seconds: float | None) -> bool:
        """Wait (None: until the client leaves). True if the client left meanwhile."""
        try:
            await asyncio.wait_for(self.gone.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def flush(self) -> None:
        """Wait until the kernel has taken everything that was written."""
        if self._sink is not None:
            transport = self._sink.transport
            transport.set_write_buffer_limits(high=0)
            await self._sink.drain()

    def close(self) -> None:
        """Send what is left and close."""
        if self._sink is not None:
            self._sink.close()

    def abort(self) -> None:
        """Tear the connection down with an RST."""
        if self._sink is None:
            return
        sock = self._sink.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sink.transport.abort()

    async def _connected(self, _source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._sink = sink
        await self._serve(self)


async def _perform(connection: _Connection, performance: Performance, heard: Heard) -> bool:
    """Send one answer. False when the connection cannot be used again."""
    if performance.wait_s != 0 and await connection.rest(performance.wait_s):
        heard.left = True
        return False
    if performance.silent is not None:
        return await _shut(connection, performance.silent)
    chunked = performance.length is None
    pending = bytearray(_head(performance))
    for step in performance.steps:
        if isinstance(step, Beat):
            pending += _framed(step.data, chunked)
            heard.sent_bytes += len(step.data)
            if len(pending) >= _JOIN_BYTES:
                await connection.write(bytes(pending))
                pending.clear()
            continue
        if pending:
            await connection.write(bytes(pending))
            pending.clear()
        if not await _act(connection, step, heard):
            return False
    if chunked:
        pending += b"0\r\n\r\n"
    await connection.write(bytes(pending))
    return True


async def _act(connection: _Connection, step: Step, heard: Heard) -> bool:
    if isinstance(step, Pause):
        heard.left = await connection.rest(step.seconds)
        return not heard.left
    return await _shut(connection, step.how) if isinstance(step, Closing) else True


async def _shut(connection: _Connection, how: Close) -> bool:
    await connection.flush()
    if how == "reset":
        connection.abort()
    connection.close()
    return False


def _framed(data: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if chunked and data else data


def _head(performance: Performance) -> bytes:
    framing = ("transfer-encoding", "chunked") if performance.length is None else ("content-length", str(performance.length))
    fields = "".join(f"{name}: {value}\r\n" for name, value in (*performance.headers, framing))
    return f"HTTP/1.1 {performance.status} {_phrase(performance.status)}\r\n{fields}\r\n".encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
