"""One request of a connection and its HTTP/1.1 answer, in place of uvicorn's own cycle: one system call for the head and the first bytes
together, where that has two, and a third of its work.

uvloop writes at once what it is given, and a write of a few bytes costs more (7 to 15 µs, and the client wakes twice) than
everything else that is done to a small answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent, HTTPScope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from dragoman.wire.frame import Headers

EXTENSION = "dragoman.answer"
"""Where an ASGI scope's `extensions` hold the Answer: who finds it there may do without messages."""

# RFC 9110, sections 5.1 and 5.5: what may stand in names and values.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WITHOUT_BODY = frozenset({204, 304})

_good_names: set[str] = set()
"""Names found good before. Bounded, since providers choose some."""
_NAMES_KEPT = 1000


class Answer(RequestResponseCycle):
    """The state that uvicorn's connection keeps of a request, and the answer to it. Header names are in lower case."""

    def __init__(
        self,
        scope: HTTPScope,
        transport: asyncio.Transport,
        flow: FlowControl,
        *,
        default_headers: list[tuple[bytes, bytes]],
        expect_100_continue: bool,
        keep_alive: bool,
        on_response: Callable[[], None],
    ) -> None:
        # Not the base's own: half of what that sets is for its ways to log and to write.
        self.scope = scope
        scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]
        self.transport = transport
        self.flow = flow
        self.default_headers = default_headers
        self.message_event = asyncio.Event()
        self.on_response = on_response
        self.disconnected = False
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expect_100_continue
        self.pieces: list[bytes] = []
        self.size = 0
        self.more_body = True
        self._is_read = False
        self.response_started = False
        self.response_complete = False
        self.task: asyncio.Task[None] | None = None
        self._head = b""
        self._has_body = True
        self._is_chunked = False
        self._left_bytes = 0

    # The request's body

    def took_body(self, piece: bytes) -> None:
        """A piece of the body has come."""
        self.pieces.append(piece)
        self.size += len(piece)
        self.message_event.set()

    async def receive(self) -> ASGIReceiveEvent:
        """ASGI's `receive`: what has come of the body so far, waiting for something to come. A body in one piece is not copied."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        while not self._has_news():
            self.flow.resume_reading()
            self.message_event.clear()
            await self.message_event.wait()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        pieces, self.pieces, self.size = self.pieces, [], 0
        self._is_read = not self.more_body
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    def _has_news(self) -> bool:
        return bool(self.pieces) or not (self.more_body or self._is_read) or self.disconnected or self.response_complete

    # The answer

    async def send(self, message: ASGISendEvent) -> None:
        """ASGI's `send`: waits while the client is slow, says nothing to one that is gone."""
        await self.drained()
        if message["type"] == "http.response.body":
            self.write(message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] == "http.response.start":
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ()))
            self.start(message["status"], headers)

    async def drained(self) -> None:
        """Wait while the client is slow."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()

    def start(self, status: int, headers: Headers) -> None:
        """Begin the answer. The head goes out with what is written first, or alone where nothing is for now and no length is told."""
        if self.disconnected:
            return
        if self.response_started:
            raise RuntimeError("an answer was begun twice")
        _check(headers)
        self._has_body = status not in _WITHOUT_BODY and self.scope["method"] != "HEAD"
        lines = [f"{name}: {value}\r\n" for name, value in headers]
        lines += self._frame(headers)
        lines.append("\r\n")
        self.response_started = True
        self.waiting_for_100_continue = False
        standing = [b"%b: %b\r\n" % header for header in self.default_headers]
        self._head = b"".join((STATUS_LINE[status], *standing, "".join(lines).encode("latin-1", "replace")))
        if self._left_bytes <= 0:
            asyncio.get_running_loop().call_soon(self._flush)

    def _frame(self, headers: Headers) -> list[str]:
        """How the client shall know where the answer ends: sets that down and returns the header lines that say so."""
        lines: list[str] = []
        length = None
        says_close = False
        for name, value in headers:
            if name == "content-length":
                length = int(value)
            elif name == "connection" and "close" in value:
                says_close = True
        # An answer that comes before the whole request refuses it: the rest is not worth waiting for.
        if says_close or self.more_body:
            self.keep_alive = False
        if not self.keep_alive and not says_close:
            lines.append("connection: close\r\n")
        if length is not None:
            self._left_bytes = length if self._has_body else 0
        elif self._has_body and self.scope["http_version"] == "1.1":
            self._is_chunked = True
            lines.append("transfer-encoding: chunked\r\n")
        elif self._has_body:
            # HTTP/1.0 knows no chunks: the end of the connection is the end of the answer.
            self._left_bytes = -1
        return lines

    def write(self, body: bytes, *, more: bool) -> None:
        """Send a piece of the body; `more` False: it was the last."""
        if self.disconnected:
            return
        if not self.response_started or self.response_complete:
            raise RuntimeError("a body was written before the answer began or after it ended")
        data = self._framed(body, more) if self._has_body else b""
        if self._head and (data or not more):
            data = self._head + data
            self._head = b""
        if data:
            self.transport.write(data)
        if not more:
            self._finish()

    def _framed(self, body: bytes, more: bool) -> bytes:
        if self._is_chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._left_bytes >= 0:
            self._left_bytes -= len(body)
            if self._left_bytes < 0:
                raise RuntimeError("the body is longer than its `content-length`")
        return body

    def _finish(self) -> None:
        if self._left_bytes > 0:
            raise RuntimeError("the body is shorter than its `content-length`")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _flush(self) -> None:
        """Nothing was written after the head so far: it goes alone."""
        if self._head and not self.disconnected:
            self.transport.write(self._head)
            self._head = b""


def _check(headers: Headers) -> None:
    """Raises ValueError for a header that would not be one, or be two."""
    for name, _ in headers:
        if name not in _good_names:
            if _NAME.fullmatch(name) is None:
                raise ValueError("a header of the answer has a name that no header may have")
            if len(_good_names) < _NAMES_KEPT:
                _good_names.add(name)
    # All values in one look: what is printable has no line ends. What is rarer is searched.
    values = "".join([value for _, value in headers])
    if not values.isprintable() and _BAD_VALUE.search(values):
        raise ValueError("a header of the answer has characters that no header may have")


def answer_of(scope: HTTPScope) -> Answer:
    """The Answer of a request that came through our own connections."""
    return cast(Answer, (scope.get("extensions") or {})[EXTENSION])


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
