"""Writes an HTTP/1.1 answer in place of uvicorn's own `send`: one system call for head and first bytes together, where that has two.

uvloop writes at once what it is given, and a write of a few bytes costs more (7 to 15 µs, and the client wakes twice) than
everything else that is done to a small answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

# RFC 9110, sections 5.1 and 5.5: what may stand in names and values. One search over all names, one over all values.
_BAD_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9a-z]")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WITHOUT_BODY = frozenset({204, 304})


class Answer:
    """The answer of one cycle. Header names are in lower case."""

    def __init__(self, cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop) -> None:
        self._cycle = cycle
        self._loop = loop
        self._head = b""
        self._has_body = True
        self._is_chunked = False
        self._left_bytes = 0

    async def send(self, message: ASGISendEvent) -> None:
        """ASGI's `send`: waits while the client is slow, says nothing to one that is gone."""
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        if message["type"] == "http.response.body":
            self._write(message.get("body", b""), message.get("more_body", False))
        elif message["type"] == "http.response.start":
            self._start(message["status"], list(message.get("headers", ())))

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        cycle = self._cycle
        if cycle.response_started:
            raise RuntimeError("an answer was begun twice")
        names = [name for name, _ in headers]
        if _BAD_NAME.search(b"".join(names)) or _BAD_VALUE.search(b"".join([value for _, value in headers])):
            raise ValueError("a header of the answer has characters that no header may have")
        lines = [b"%s: %s\r\n" % header for header in (*cycle.default_headers, *headers)]
        self._has_body = status not in _WITHOUT_BODY and cycle.scope["method"] != "HEAD"
        lines += self._frame(dict(headers))
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        self._head = b"".join((STATUS_LINE[status], *lines, b"\r\n"))
        self._loop.call_soon(self._flush)

    def _frame(self, headers: dict[bytes, bytes]) -> list[bytes]:
        """How the client shall know where the answer ends: sets that down and returns the header lines that say so."""
        lines: list[bytes] = []
        if self._cycle.more_body:
            # An answer that comes before the whole request refuses it: the rest is not worth waiting for.
            self._cycle.keep_alive = False
        if b"close" in headers.get(b"connection", b""):
            self._cycle.keep_alive = False
        elif not self._cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        if b"content-length" in headers:
            self._left_bytes = int(headers[b"content-length"]) if self._has_body else 0
        elif self._has_body and self._cycle.scope["http_version"] == "1.1":
            self._is_chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        elif self._has_body:
            # HTTP/1.0 knows no chunks: the end of the connection is the end of the answer.
            self._left_bytes = -1
        return lines

    def _write(self, body: bytes, more: bool) -> None:
        cycle = self._cycle
        if not cycle.response_started or cycle.response_complete:
            raise RuntimeError("a body was written before the answer began or after it ended")
        data = self._framed(body, more) if self._has_body else b""
        if self._head:
            data = self._head + data
            self._head = b""
        if data:
            cycle.transport.write(data)
        if not more:
            self._finish()

    def _framed(self, body: bytes, more: bool) -> bytes:
        if self._is_chunked:
            chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._left_bytes >= 0:
            self._left_bytes -= len(body)
            if self._left_bytes < 0:
                raise RuntimeError("the body is longer than its `content-length`")
        return body

    def _finish(self) -> None:
        cycle = self._cycle
        if self._left_bytes > 0:
            raise RuntimeError("the body is shorter than its `content-length`")
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    def _flush(self) -> None:
        """Nothing was written after the head so far: it goes alone."""
        if self._head and not self._cycle.disconnected:
            self._cycle.transport.write(self._head)
            self._head = b""


class HalfClosing:
    """The transport of an answer whose request was not read to its end."""

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.abort = transport.abort
        self._transport = transport
        self._linger = linger

    def close(self) -> None:
        """Say that we are done, and let the client finish its sentence."""
        self._linger()
