"""One connection and the HTTP/1.1 on it: writes a request, parses its answer into a sink, knows whether it may be used again.

Parsing is llhttp's (httptools), in its strict mode: obsolete folding, bare LF, Content-Length beside Transfer-Encoding, repeated
or unreadable Content-Length are errors there. What llhttp lets pass is refused here.
"""

from __future__ import annotations

import asyncio
import select
from typing import Protocol, cast

import httptools
import msgspec

from dragoman.ir.errors import GatewayError
from dragoman.upstream import faults
from dragoman.upstream.request import COPIED_BYTES
from dragoman.wire.frame import Headers

_PIECE_BYTES = 256 * 1024
"""Bodies up to this size are given to the transport at once; longer ones piece by piece, as it takes them."""
_STALE_S = 1.0
"""A connection that was closed while it lay idle shows it within one round trip of the next request."""
_POLL_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


_FRAMING = frozenset({"transfer-encoding", "keep-alive"})
_NAMES_KEPT = 1000


class _Names(dict[bytes, str]):
    """Header names seen before, in lower case as text. Bounded, since servers choose them."""

    def __missing__(self, raw: bytes) -> str:
        name = raw.decode("latin-1").lower()
        if len(self) < _NAMES_KEPT:
            self[raw] = name
        return name


_names = _Names()


class Limits(msgspec.Struct, frozen=True):
    """Bounds on an answer that are no matter of taste."""

    head_bytes: int = 64 * 1024
    """Status line and headers together, and as much between two pieces of a body (chunk extensions, trailers)."""
    headers: int = 256


class Sink(Protocol):
    """Who gets the answer. Called from the event loop; must not block and not raise."""

    def took_head(self, status: int, headers: Headers) -> None:
        """The final status and headers; names in lower case, in wire order."""
        ...

    def took_body(self, chunks: list[bytes]) -> None:
        """Pieces of the body that arrived together."""
        ...

    def took_end(self, chunks: list[bytes]) -> None:
        """The answer is complete with these last pieces of the body."""
        ...

    def took_fault(self, error: GatewayError) -> None:
        """The answer failed; nothing more will come."""
        ...

    def took_stale(self, error: GatewayError) -> None:
        """The connection was reused and was closed by the other side, at once and before any byte of an answer."""
        ...


class Keeper(Protocol):
    """Who owns the connection between two requests."""

    def freed(self, connection: Connection) -> None:
        """The answer is complete and the connection is good for another request."""
        ...

    def lost(self, connection: Connection) -> None:
        """The connection is gone. Called once."""
        ...


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection; carries one request at a time."""

    __slots__ = (
        "_answered",
        "_began",
        "_complete",
        "_ends",
        "_feed",
        "_gone",
        "_headed",
        "_incoming",
        "_keep_alive",
        "_keeper",
        "_last",
        "_limits",
        "_loop",
        "_parser",
        "_place",
        "_poll",
        "_problem",
        "_raw",
        "_read_paused",
        "_silent_bytes",
        "_sink",
        "_transport",
        "_unsent",
        "_until_eof",
        "_version",
        "_write_paused",
        "idle_until",
        "on_body",
        "on_message_begin",
        "server_idle_s",
        "uses",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, place: str, keeper: Keeper, limits: Limits) -> None:
        self.uses = 0
        self.idle_until = 0.0
        self.server_idle_s: float | None = None
        self._loop = loop
        self._place = place
        self._keeper = keeper
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._sink: Sink | None = None
        self._gone = False
        self._write_paused = False
        self._read_paused = False
        self._unsent: memoryview | None = None
        self._began = 0.0
        self._version = ""
        self._until_eof = self._keep_alive = False
        self._problem: str | None = None
        self._raw: list[tuple[bytes, bytes]] = []
        self._last: list[bytes] = []
        self._incoming: list[bytes] = []
        self._ends: list[bool] = []
        # C functions as callbacks of the parser: no Python frame per piece of a body. What begins after an end takes the end's mark away.
        self.on_body = self._incoming.append
        self.on_message_begin = self._ends.clear
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data

    def __repr__(self) -> str:
        state = "gone" if self._gone else "idle" if self._sink is None else "busy"
        return f"Connection({self._place}, {state}, uses={self.uses})"

    # ---- what the pool and the reply do ----

    @property
    def is_gone(self) -> bool:
        """Whether the connection has ended."""
        return self._gone

    def usable(self) -> bool:
        """Whether an idle connection still looks alive: not closed, and nothing to read (neither an end nor unasked bytes).

        The kernel is asked, since the event loop may not have come to telling us (1 µs).
        """
        return not self._gone and (self._poll is None or not self._poll.poll(0))

    def start(self, sink: Sink, head: bytes, body: bytes | memoryview) -> None:
        """Write a request and give its answer to `sink`. Returns at once; the transport's flow control is followed."""
        self.uses += 1
        self._raw = []
        self._headed = self._complete = self._answered = False
        self._silent_bytes = 0
        self._sink = sink
        self._began = self._loop.time()
        transport = self._transport
        if transport is None or self._gone:
            self._over(None)
        elif not body:
            transport.write(head)
        elif len(body) <= COPIED_BYTES:
            transport.write(head + body)
        elif len(body) <= _PIECE_BYTES:
            transport.writelines((head, body))
        else:
            transport.write(head)
            self._unsent = memoryview(body)
            self._send_more()

    def abort(self) -> None:
        """Drop the connection at once; an unfinished answer is over and its sink hears no more of it."""
        self._sink = None
        self._unsent = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._leave()

    def fail(self, error: GatewayError) -> None:
        """Drop the connection at once and tell the sink why."""
        sink = self._sink
        self.abort()
        if sink is not None:
            sink.took_fault(error)

    def pause(self) -> None:
        """Read no more for now."""
        if not self._read_paused and self._transport is not None and not self._transport.is_closing():
            self._read_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._read_paused:
            self._read_paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        socket = transport.get_extra_info("socket")
        if socket is not None:
            self._poll = select.poll()
            self._poll.register(socket.fileno(), _POLL_READABLE)

    def pause_writing(self) -> None:
        """The transport has enough to send."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The transport takes more."""
        self._write_paused = False
        if self._unsent is not None:
            self._send_more()

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer, or bytes that nobody asked for."""
        sink = self._sink
        if sink is None:
            self.abort()
            return
        if not self._answered:
            self._answered = True
            # The parser makes a new text of the version each time.
            self._version = "1.1" if data.startswith(b"HTTP/1.1 ") else ""
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            self._problem = "it switches to a protocol that was not asked for"
        except httptools.HttpParserError as error:
            if not self._complete:
                self._problem = str(error) or "it cannot be read"
            self._keep_alive = False
        incoming = self._incoming
        if self._problem is not None:
            self.fail(faults.garbled(self._place, self._problem))
        elif self._complete:
            self._finish(sink)
        elif incoming:
            self._silent_bytes = 0
            sink.took_body(incoming)
            incoming.clear()
        else:
            self._silent_bytes += len(data)
            if self._silent_bytes > self._limits.head_bytes:
                self.fail(faults.garbled(self._place, f"more than {self._limits.head_bytes} bytes of headers"))

    def eof_received(self) -> None:
        """The other side sends no more: the proper end of an answer without a length, a cut for any other."""
        self._over(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._over(exc)

    # ---- httptools callbacks ----

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody looks at."""
        self._raw.append((name, value))

    def on_headers_complete(self) -> None:
        """Look at the status and at what says how long the body is."""
        if self._headed:
            return
        status = self._parser.get_status_code()
        if status < 200:
            if status == 101:
                self._problem = "it switches to a protocol that was not asked for"
            elif status < 100:
                self._problem = f"status {status:03}"
            elif any(name.lower() in (b"transfer-encoding", b"content-length") and value != b"0" for name, value in self._raw):
                self._problem = "an interim answer with a body"
            self._raw = []
            self._version = ""
            return
        self._headed = True
        if len(self._raw) > self._limits.headers:
            self._problem = f"more than {self._limits.headers} headers"
            return
        raw = self._raw
        fields = {_names[name]: value.decode("latin-1") for name, value in raw}
        is_repeating = len(fields) != len(raw)
        if is_repeating or self._version != "1.1" or not fields.keys().isdisjoint(_FRAMING):
            self._judge_framing(fields)
        self._until_eof = not ("content-length" in fields or "transfer-encoding" in fields or status in (204, 304))
        if self._problem is None and self._sink is not None:
            headers = [(_names[name], value.decode("latin-1")) for name, value in raw] if is_repeating else fields.items()
            self._sink.took_head(status, tuple(headers))

    def on_message_complete(self) -> None:
        """The end of an interim answer, or of the final one."""
        if self._headed and not self._complete:
            self._complete = True
            self._ends.append(True)
            # What would follow was not asked for and is no part of it.
            self._last = self._incoming.copy()
            self._keep_alive = self._parser.should_keep_alive()

    # ---- private ----

    def _judge_framing(self, fields: dict[str, str]) -> None:
        version = self._version or self._parser.get_http_version()
        if "transfer-encoding" in fields:
            codings = [value.strip().lower() for name, value in self._raw if _names[name] == "transfer-encoding"]
            if codings != [b"chunked"] or version == "1.0":
                self._problem = "a transfer coding other than `chunked` in HTTP/1.1"
        if version[:2] != "1.":
            self._problem = f"HTTP version {version}"
        if "keep-alive" in fields:
            self.server_idle_s = _keep_alive_s(fields["keep-alive"])

    def _send_more(self) -> None:
        transport, unsent = self._transport, self._unsent
        while transport is not None and unsent is not None and not self._write_paused and not transport.is_closing():
            transport.write(unsent[:_PIECE_BYTES])
            unsent = unsent[_PIECE_BYTES:] if len(unsent) > _PIECE_BYTES else None
            # write() may have called pause_writing, never resume_writing: nobody else moved on meanwhile.
            self._unsent = unsent

    def _finish(self, sink: Sink) -> None:
        """The answer is complete: to the next request, or close."""
        self._sink = None
        self._incoming.clear()
        transport = self._transport
        # An answer that came before all of the request was sent leaves the rest of it in the way of the next one.
        unsent, self._unsent = self._unsent, None
        is_good = self._keep_alive and self._ends and not self._gone
        if is_good and unsent is None and transport is not None and not transport.get_write_buffer_size():
            if self._read_paused:
                self.resume()
            self._keeper.freed(self)
        else:
            self.abort()
        sink.took_end(self._last)

    def _over(self, error: BaseException | None) -> None:
        """The other side ended the connection."""
        sink, self._sink = self._sink, None
        if sink is not None:
            if self._until_eof and self._headed and error is None:
                sink.took_end([])
            else:
                fault = faults.cut(self._place, error, headed=self._headed)
                stale = self.uses > 1 and not self._answered and self._loop.time() - self._began < _STALE_S
                (sink.took_stale if stale else sink.took_fault)(fault)
        self.abort()

    def _leave(self) -> None:
        if not self._gone:
            self._gone = True
            self._keeper.lost(self)


def _keep_alive_s(value: str) -> float | None:
    """The seconds of `Keep-Alive: timeout=5, max=100`."""
    for word in value.split(","):
        name, _, number = word.strip().partition("=")
        if name.lower() == "timeout" and number.isascii() and number.isdecimal() and len(number) < 9:
            return float(number)
    return None
