"""What a client sends, from bytes to requests, within limits: uvicorn's HTTP/1.1 protocol, fed with care.

How the requests are answered and how a connection ends is `protocol`'s affair, which fills in the methods at the end.
"""

from __future__ import annotations

import asyncio

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from dragoman.ir.errors import GatewayError
from dragoman.server.answer import Answer
from dragoman.server.asked import BodyOnly, RawHeaders, Target, read_headers, read_target
from dragoman.server.faults import headers_too_large, judge_head, not_http
from dragoman.server.refusal import Policy
from dragoman.upstream.alarm import TICK_S, Alarm

_FRAMING = ("content-length", "transfer-encoding")
_METHODS = {b"POST": "POST", b"GET": "GET", b"HEAD": "HEAD", b"OPTIONS": "OPTIONS"}
_USUAL_VERSION = b" HTTP/1.1\r\n"

# Plain numbers: the look-up of an Enum's member costs 0.13 µs, and each request makes a dozen.
IDLE, HEAD, BODY = range(3)
"""What is awaited of a client: a request, the rest of a head, the rest of a body."""


class Reading(HttpToolsProtocol):
    """The reading half of a connection. `newest` is the request that was read last, `deaf` says that nothing more is listened to."""

    def __init__(self, config: Config, server_state: ServerState, policy: Policy, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, server_state, {}, loop)
        self.policy = policy
        self.limits = policy.limits
        self.openings = policy.openings
        self.address = ""
        self.phase = IDLE
        self.deaf = False
        self.newest: Answer | None = None
        self.refusal: GatewayError | None = None
        self.headers: RawHeaders = []
        self._head_bytes = self._silent_bytes = 0
        self._chunk = b""
        self._is_fresh = True
        self._has_ended = False
        self._target: list[bytes] = []
        self._quiet = [True]
        # C functions as callbacks of the parser: no Python frame for them. What begins takes the mark of quiet away.
        self.on_url = self._target.append  # type: ignore[method-assign]
        self.on_message_begin = self._quiet.clear  # type: ignore[method-assign]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._is_upgrade = False
        self._deadline: float | None = None
        self._clock = Alarm(loop, self._ring)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The client is there."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: nothing is awaited any more."""
        self._deadline = None
        self._clock.end()
        super().connection_lost(exc)

    # Bytes in

    def data_received(self, data: bytes) -> None:
        """Parse, then look at what is still missing: an unfinished head or body is on the clock."""
        if self.deaf:
            return
        self._has_ended = False
        self._is_fresh = self.phase == IDLE
        self._chunk = data
        if self.phase == BODY:
            self._silent_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._on_broken(error)
        else:
            if self.phase == BODY:
                self._watch_body()
            elif not self._quiet:
                self.phase = HEAD
                # Where another request ends in this chunk it is not known how much of it is head; the next chunk is counted.
                self._watch_head(0 if self._has_ended else len(data))
        self._chunk = b""
        self.go_on()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Java's client offers h2c with its first request, POST too; who ignores that must read the body, and httptools does not."""
        assert self.newest is not None
        asked = self.newest.headers
        framing = [f"{name}: {asked[name]}\r\n".encode("latin-1") for name in _FRAMING if name in asked]
        self.parser = httptools.HttpRequestParser(BodyOnly(self.on_body, self._on_last_message_complete))
        self._is_upgrade = False
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))
            self.parser.feed_data(rest)
        except httptools.HttpParserError as error:
            self._on_broken(error)

    def _on_last_message_complete(self) -> None:
        self.on_message_complete()
        self.deaf = True

    def _watch_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.limits.header_bytes + self.limits.target_bytes:
            self.refuse_head(headers_too_large(self.limits))
        elif self._deadline is None:
            self.set_deadline(self.limits.head_s)

    def _watch_body(self) -> None:
        if self._silent_bytes > self.limits.header_bytes:
            # Chunk extensions or trailers without end; the parser keeps them.
            self.refuse_body(headers_too_large(self.limits))
        elif self._deadline is None:
            self.set_deadline(self.limits.body_s)
            assert self.newest is not None
            self.close_gently(self.newest)

    def _on_broken(self, error: httptools.HttpParserError) -> None:
        fault = not_http(str(error.args[0]) if error.args else "no reason given")
        if self.phase == BODY:
            self.refuse_body(fault)
        else:
            self.refuse_head(fault)

    # The parser's callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which does not count (RFC 9110, section 6.5.1): its list is dropped at the end."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: check it and have the request answered, after those that still run."""
        parser, raw, limits, chunk = self.parser, self.headers, self.limits, self._chunk
        target, method = b"".join(self._target), parser.get_method()
        headers = read_headers(raw)
        # The parser makes a new text of the version each time. Where this head began with the chunk, it can be seen there.
        begun = self._is_fresh and not self._has_ended
        is_usual = begun and chunk.startswith(_USUAL_VERSION, len(method) + 1 + len(target))
        version = "1.1" if is_usual else parser.get_http_version()
        keep_alive = version == "1.1"
        is_small = is_usual and len(chunk) <= limits.header_bytes and len(target) <= limits.target_bytes
        if not is_small or len(raw) > limits.header_count or "transfer-encoding" in headers:
            error = judge_head(version, target, raw, headers, limits)
            if error is not None:
                self.refusal = error
                self.deaf = True
                keep_alive = False
        if "connection" in headers or method == b"CONNECT":
            self._is_upgrade = parser.should_upgrade()
            keep_alive = keep_alive and not self._is_upgrade and parser.should_keep_alive()
        try:
            asked = read_target(target)
        except ValueError:
            asked, self.refusal = Target(target, "", ""), not_http("its target is no path")
            self.deaf = True
            keep_alive = False
        if asked.host:
            # RFC 9112, section 3.2.2: what the header says does not count then.
            headers["host"] = asked.host
        answer = Answer(self, self.transport, _METHODS.get(method) or method.decode("ascii"), asked, version, headers, keep_alive)
        answer.refusal = self.refusal
        self.headers = []
        self._target.clear()
        self._silent_bytes = self._head_bytes = 0
        self._deadline = None
        self.phase = BODY
        self.newest = answer
        self.enqueue(answer)

    def on_body(self, body: bytes) -> None:
        """Keep the body for the request."""
        self._silent_bytes = 0
        answer = self.newest
        if answer is None or answer.complete:
            return
        answer.pieces.append(body)
        size = answer.size = answer.size + len(body)
        if answer.news is not None:
            answer.news.set()
        if size > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """The request is whole. Reading goes on: that is how the end of the client is noticed."""
        if self._is_upgrade:
            return
        self.phase = IDLE
        self._has_ended = True
        self._quiet.append(True)
        if self.headers:
            self.headers = []
        self._deadline = None
        answer = self.newest
        if answer is not None and not answer.complete:
            answer.more_body = False
            if answer.news is not None:
                answer.news.set()
        if self.flow.read_paused and not self.has_waiting():
            self.flow.resume_reading()

    # Clocks

    def set_deadline(self, seconds: float) -> None:
        """What is awaited must be there in so many seconds, in which the process itself runs."""
        self._deadline = due = self.loop.time() + seconds
        self._clock.by(due)

    def clear_deadline(self) -> None:
        """It is there, or no longer wanted."""
        self._deadline = None

    def _ring(self, now: float) -> float | None:
        due = self._deadline
        if due is None or due - now > TICK_S:
            return due
        self._deadline = None
        self.on_deadline()
        return None

    # What is done about it

    def enqueue(self, answer: Answer) -> None:
        """A request whose head is whole: to be answered after those before it."""
        raise NotImplementedError

    def has_waiting(self) -> bool:
        """Whether requests wait for their turn."""
        raise NotImplementedError

    def go_on(self) -> None:
        """A chunk of bytes is done with: now answer what can be answered."""
        raise NotImplementedError

    def refuse_head(self, error: GatewayError) -> None:
        """Refuse a request whose head never became whole, after the answers that are still owed."""
        raise NotImplementedError

    def refuse_body(self, error: GatewayError) -> None:
        """Refuse a request whose body never became whole."""
        raise NotImplementedError

    def on_deadline(self) -> None:
        """What was awaited did not come."""
        raise NotImplementedError

    def close_gently(self, answer: Answer) -> None:
        """Closing with unread input would reset the connection and with it the answer that says what was wrong."""
        raise NotImplementedError
