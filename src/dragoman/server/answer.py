"""One request of a connection and its HTTP/1.1 answer, in place of uvicorn's own cycle: one system call for the head and the first bytes
together, where that has two, and a small part of its work.

uvloop writes at once what it is given, and a write of a few bytes costs more (7 to 15 µs, and the client wakes twice) than
everything else that is done to a small answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from dragoman.ir.errors import GatewayError
from dragoman.server.asked import Target
from dragoman.server.head import Openings, write_lines
from dragoman.wire.frame import Headers

_WITHOUT_BODY = frozenset({204, 304})
_FRAMING = frozenset({"content-length", "connection"})
_CLOSE = b"connection: close\r\n"


class ClientGone(Exception):
    """The client left while it was still sending."""


class Transport(Protocol):
    """As much of a connection's transport as an answer needs."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def is_closing(self) -> bool: ...


class Line(Protocol):
    """The connection, as its answers see it."""

    flow: FlowControl
    address: str
    openings: Openings

    def on_response_complete(self) -> None:
        """An answer is whole."""
        ...


class Answer:
    """A request, read as far as it has come, and the answer to it: `core`'s Outbound. Header names are in lower case.

    The connection fills in `pieces`, `size`, `more_body` and sets `news`, if somebody waits for any. `extra` headers go out with every
    answer. refusal: what the connection has against the request. keep_alive: whether another request may follow on the connection.
    """

    __slots__ = (
        "_has_body",
        "_head",
        "_is_chunked",
        "_is_read",
        "_left_bytes",
        "_line",
        "_said_100",
        "_write",
        "address",
        "complete",
        "disconnected",
        "extra",
        "flow",
        "headers",
        "keep_alive",
        "method",
        "more_body",
        "news",
        "pieces",
        "refusal",
        "size",
        "started",
        "target",
        "transport",
        "version",
    )

    def __init__(
        self, line: Line, transport: Transport, method: str, target: Target, version: str, headers: dict[str, str], keep_alive: bool
    ) -> None:
        self._line = line
        self.transport = transport
        self.flow = line.flow
        self.address = line.address
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.keep_alive = keep_alive
        self._said_100 = False
        self.extra: Headers = ()
        self.pieces: list[bytes] = []
        self.size = 0
        self.more_body = True
        self.started = False
        self.complete = False
        self.disconnected = False
        self.refusal: GatewayError | None = None
        self.news: asyncio.Event | None = None
        self._is_read = False
        self._head = b""
        self._is_chunked = False
        self._write: Callable[[bytes], None] | None = None

    # The request's body

    def left(self) -> None:
        """The client is gone."""
        self.disconnected = True
        self._write = None
        if self.news is not None:
            self.news.set()

    def taken(self) -> bytes:
        """What has come of the body since the last time. In one piece, it is not copied."""
        pieces = self.pieces
        self._is_read = not self.more_body
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.pieces, self.size = [], 0
        return body

    async def read(self) -> tuple[bytes, bool]:
        """What has come of the body so far, waiting for something to come, and whether more follows. Raises ClientGone, also where
        the answer is complete already."""
        if self._is_wanted_100() and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._said_100 = True
        while not (self.pieces or self._is_settled()):
            if self.news is None:
                self.news = asyncio.Event()
            self.flow.resume_reading()
            self.news.clear()
            await self.news.wait()
        if self.disconnected or self.complete:
            raise ClientGone
        return self.taken(), self.more_body

    def _is_wanted_100(self) -> bool:
        return self.headers.get("expect", "").lower() == "100-continue" and not (self._said_100 or self.started)

    def _is_settled(self) -> bool:
        return not (self.more_body or self._is_read) or self.disconnected or self.complete

    # The answer

    async def drained(self) -> None:
        """Wait while the client is slow."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer at once; its length is told here."""
        if self.flow.write_paused:
            await self.drained()
        if self.disconnected:
            return
        if self.started:
            raise RuntimeError("an answer was begun twice")
        lines = write_lines(headers + self.extra if self.extra else headers)
        self.started = True
        # An answer that comes before the whole request refuses it: the rest is not worth waiting for.
        if self.more_body:
            self.keep_alive = False
        length = b"" if status in _WITHOUT_BODY else b"content-length: %d\r\n" % len(body)
        if status in _WITHOUT_BODY or self.method == "HEAD":
            body = b""
        ending = b"\r\n" if self.keep_alive else _CLOSE + b"\r\n"
        line = self._line
        self.transport.write(b"".join((line.openings[status], lines, length, ending, body)))
        self.complete = True
        if self.news is not None:
            self.news.set()
        if not self.keep_alive:
            self.transport.close()
        line.on_response_complete()

    async def start(self, status: int, headers: Headers) -> None:
        """Begin the answer. The head goes out with what is written first, or alone where nothing is for now and no length is told."""
        if self.flow.write_paused:
            await self.drained()
        if self.disconnected:
            return
        if self.started:
            raise RuntimeError("an answer was begun twice")
        lines = write_lines(headers + self.extra if self.extra else headers)
        self._has_body = status not in _WITHOUT_BODY and self.method != "HEAD"
        framing = self._frame(headers)
        self.started = True
        self._head = b"".join((self._line.openings[status], lines, framing, b"\r\n"))
        if self._left_bytes <= 0:
            asyncio.get_running_loop().call_soon(self._flush)

    def _frame(self, headers: Headers) -> bytes:
        """How the client shall know where the answer ends: sets that down and returns the header lines that say so."""
        length = None
        says_close = False
        for name, value in headers:
            if name in _FRAMING:
                length = int(value) if name == "content-length" else length
                says_close = says_close or (name == "connection" and "close" in value)
        if says_close or self.more_body:
            self.keep_alive = False
        lines = b"" if self.keep_alive or says_close else _CLOSE
        self._left_bytes = 0
        if length is not None:
            self._left_bytes = length if self._has_body else 0
        elif self._has_body and self.version == "1.1":
            self._is_chunked = True
            lines += b"transfer-encoding: chunked\r\n"
        elif self._has_body:
            # HTTP/1.0 knows no chunks: the end of the connection is the end of the answer.
            self._left_bytes = -1
        return lines

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body; waits while the client is slow."""
        if self.flow.write_paused:
            await self.drained()
        self.push(chunk)

    def push(self, chunk: bytes) -> bool:
        """Send a piece of the body without waiting. False: the client is slow, the next piece shall `write` and wait."""
        write = self._write
        if write is not None and chunk:
            # By far the most: a piece of a stream that is under way.
            write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        else:
            self._send(chunk, b"")
        return not self.flow.write_paused

    async def finish(self) -> None:
        """End the body properly."""
        if self.flow.write_paused:
            await self.drained()
        if self.disconnected:
            return
        self._send(b"", b"0\r\n\r\n")
        if self._left_bytes > 0:
            raise RuntimeError("the body is shorter than its `content-length`")
        self._finished()

    def _send(self, body: bytes, last: bytes) -> None:
        if self.disconnected:
            return
        if not self.started or self.complete:
            raise RuntimeError("a body was written before the answer began or after it ended")
        data = self._framed(body, last) if self._has_body else b""
        if data or last:
            data, self._head = self._head + data, b""
            if data:
                self.transport.write(data)
            self._write = None if last or not self._is_chunked else self.transport.write

    def _framed(self, body: bytes, last: bytes) -> bytes:
        if self._is_chunked:
            return b"%x\r\n%b\r\n%b" % (len(body), body, last) if body else last
        if self._left_bytes >= 0:
            self._left_bytes -= len(body)
            if self._left_bytes < 0:
                raise RuntimeError("the body is longer than its `content-length`")
        return body

    def _finished(self) -> None:
        self.complete = True
        if self.news is not None:
            self.news.set()
        if not self.keep_alive:
            self.transport.close()
        self._line.on_response_complete()

    def _flush(self) -> None:
        """Nothing was written after the head so far: it goes alone."""
        if self._head and not self.disconnected:
            self.transport.write(self._head)
            self._head = b""


class HalfClosing:
    """The transport of an answer whose request was not read to its end."""

    def __init__(self, transport: Transport, linger: Callable[[], None]) -> None:
        self._transport = transport
        self._linger = linger

    def write(self, data: bytes) -> None:
        """Send."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether it is over."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Say that we are done, and let the client finish its sentence."""
        self._linger()
