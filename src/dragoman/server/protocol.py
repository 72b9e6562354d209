"""uvicorn's HTTP/1.1 protocol with the limits that it lacks, and a request task that ends when its client leaves.

It knows nothing of paths and dialects: whoever builds it says how a refusal is worded.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio.events import TimerHandle
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.answer import Answer, HalfClosing
from dragoman.server.faults import body_late, head_late, headers_too_large, judge_head, not_http, shutting_down, too_many_connections
from dragoman.server.idle import Idle
from dragoman.server.refusal import Policy, refusing, words
from dragoman.server.scope import BodyOnly, scope_of
from dragoman.server.stall import Stall
from dragoman.tasks import start

logger = logging.getLogger(__name__)

_FRAMING = (b"content-length", b"transfer-encoding")

# Plain numbers: the look-up of an Enum's member costs 0.13 µs, and each request makes a dozen.
_IDLE, _HEAD, _BODY = range(3)


class Connection(HttpToolsProtocol):
    """One client connection. Requests on it run one after another."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        policy: Policy,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False
        self._policy = policy
        self._limits = policy.limits
        self._phase = _IDLE
        self._head_bytes = self._silent_bytes = 0
        self._began = 0
        self._is_upgrade = False
        self._deadline: TimerHandle | None = None
        self._stall = Stall(self.loop, policy.limits.write_stall_s)
        self._idle = Idle(self.loop, policy.limits.idle_s, self._close)
        self._newest: Answer | None = None
        self._running: Answer | None = None
        self._target: ASGI3Application = self.app
        self._task: asyncio.Task[Any] | None = None
        self._fault: GatewayError | None = None
        self._last_words: bytes | None = None
        self._deaf = False
        self._lingering = False
        self._draining: GatewayError | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request; refuse it already if there are too many connections."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=self._limits.write_buffer_bytes)
        count = len(self.connections)
        if count > self._limits.connections:
            self._refuse_from_now(too_many_connections(self._limits))
        if count > 2 * self._limits.connections:
            transport.abort()
        self._set_deadline(self._limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: the request that runs for it is cancelled at once."""
        self._clear_deadline()
        self._stall.end()
        self._idle.end()
        self.pipeline.clear()
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            if self._task is not None:
                self._task.cancel()
        super().connection_lost(exc)
        self._policy.connection_gone()

    def shutdown(self) -> None:
        """The server stops: close if nothing is under way, else after the running answer. What comes later is refused."""
        self._draining = shutting_down()
        self._target = self.app = refusing(self._policy, self._draining)
        if self._is_answering():
            if self._running is not None and not self.pipeline:
                self._running.keep_alive = False
        elif self._phase == _IDLE:
            self._close()

    def stop(self) -> None:
        """End the running request now: with a sentence if nothing was sent, else by cutting the connection."""
        if self._is_answering():
            self._end_running(self._draining or shutting_down())
        else:
            self.transport.abort()

    # Bytes in

    def data_received(self, data: bytes) -> None:
        """Parse, then look at what is still missing: an unfinished head or body is on the clock."""
        if self._deaf:
            return
        self._began = 0
        was_idle = self._phase == _IDLE
        if self._phase == _BODY:
            self._silent_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._on_broken(error)
            return
        if self._phase == _HEAD:
            # Where other requests end in this chunk it is not known how much of it is head; the next chunk is counted.
            self._watch_head(len(data) if self._began == was_idle else 0)
        elif self._phase == _BODY:
            self._watch_body()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Java's client offers h2c with its first request, POST too; who ignores that must read the body, and httptools does not."""
        framing = [b"%s: %s\r\n" % header for header in self.headers if header[0] in _FRAMING]
        self.parser = httptools.HttpRequestParser(BodyOnly(self.on_body, self._on_last_message_complete))
        self._is_upgrade = False
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n" % b"".join(framing))
            self.parser.feed_data(rest)
        except httptools.HttpParserError as error:
            self._on_broken(error)

    def _on_last_message_complete(self) -> None:
        self.on_message_complete()
        self._deaf = True

    def _watch_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.header_bytes + self._limits.target_bytes:
            self._refuse_head(headers_too_large(self._limits))
        elif self._deadline is None:
            self._set_deadline(self._limits.head_s)

    def _watch_body(self) -> None:
        if self._silent_bytes > self._limits.header_bytes:
            # Chunk extensions or trailers without end; the parser keeps them.
            self._refuse_body(headers_too_large(self._limits))
        elif self._deadline is None:
            self._set_deadline(self._limits.body_s)
            self._close_gently(self.cycle)

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._idle.pause()
        self._phase = _HEAD
        self._head_bytes = 0
        self._began += 1

    def on_headers_complete(self) -> None:
        """The head is whole: check it and start the request, after those that still run."""
        parser = self.parser
        version = parser.get_http_version()
        error = judge_head(version, self.url, self.headers, self._limits)
        if error is not None:
            self._refuse_from_now(error)
            self._deaf = True
        self._is_upgrade = parser.should_upgrade()
        self._silent_bytes = 0
        before = self._newest
        cycle = self.cycle = self._newest = Answer(
            # A copy: the parser adds trailers to its own, and those must not count as headers (RFC 9110, section 6.5.1).
            scope_of(self.url, parser.get_method(), version, self.headers[:], self.client),
            self.transport,
            self.flow,
            default_headers=self.server_state.default_headers,
            expect_100_continue=self.expect_100_continue,
            keep_alive=error is None and not self._is_upgrade and version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self._clear_deadline()
        self._phase = _BODY
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Keep the body for the request."""
        self._silent_bytes = 0
        cycle = self._newest
        if cycle is None or cycle.response_complete:
            return
        cycle.took_body(body)
        if cycle.size > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """The request is whole. Reading goes on: that is how the end of the client is noticed."""
        if self._is_upgrade:
            return
        self._phase = _IDLE
        self._clear_deadline()
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()
        if not self.pipeline:
            self.flow.resume_reading()

    # The request's task

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        assert isinstance(cycle, Answer)
        self._idle.pause()
        self._running = cycle
        self._target = app if self._draining is None else self.app
        self._task = None
        cycle.task = start(self.loop, self._run(cycle))
        self.tasks.add(cycle.task)

    async def _run(self, cycle: Answer) -> None:
        """Answer one request. The task is forgotten when it ends by itself: a callback would cost a turn of the loop."""
        try:
            if not cycle.disconnected:
                self._task = cycle.task
                await self._answer(cycle)
        except Exception:
            logger.exception("a request failed in the server")
            self.transport.abort()
        finally:
            if cycle.task is not None:
                self.tasks.discard(cycle.task)
            # The two would keep each other alive.
            cycle.task = None
            cycle.on_response = _nothing

    async def _answer(self, cycle: Answer) -> None:
        try:
            if self._fault is None:
                await self._target(cycle.scope, cycle.receive, cycle.send)
        except asyncio.CancelledError:
            if self._fault is None:
                cycle.disconnected = True
                self.transport.abort()
        if cycle.response_complete or cycle.disconnected:
            return
        if cycle.response_started:
            cycle.disconnected = True
            self.transport.abort()
        else:
            error = self._fault or GatewayError(Kind.INTERNAL, "the gateway gave no answer to this request")
            await refusing(self._policy, error)(cycle.scope, cycle.receive, cycle.send)

    def on_response_complete(self) -> None:
        """An answer is whole: the next request of the connection may run."""
        self.server_state.total_requests += 1
        if self._lingering:
            return
        if self.transport.is_closing():
            self._stall.watch(self.transport)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle.begin()
        if self._last_words is not None:
            self._say_last_words(self._last_words)
        elif self._draining is not None:
            self.linger()

    def _is_answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _end_running(self, error: GatewayError) -> None:
        self._fault = error
        self._deaf = True
        if self._task is not None:
            self._task.cancel()

    # Refusals

    def _refuse_from_now(self, error: GatewayError) -> None:
        self.app = refusing(self._policy, error)

    def _refuse_head(self, error: GatewayError) -> None:
        """Refuse a request whose head never became whole, after the answers that are still owed."""
        self._deaf = True
        self._clear_deadline()
        told = words(self._policy, error, self.headers or [])
        if self._is_answering():
            self._last_words = told
        else:
            self._say_last_words(told)

    def _say_last_words(self, told: bytes) -> None:
        self.transport.write(told)
        self.linger()

    def _on_broken(self, error: httptools.HttpParserError) -> None:
        reason = str(error.args[0]) if error.args else "no reason given"
        fault = not_http(reason)
        if self._phase == _BODY:
            self._refuse_body(fault)
        else:
            self._refuse_head(fault)

    def _refuse_body(self, error: GatewayError) -> None:
        self._clear_deadline()
        if self.pipeline:
            # The request whose body is wrong has not begun; those before it are answered first.
            self.pipeline.popleft()
            self._refuse_head(error)
        elif self._is_answering():
            self._close_gently(self.cycle)
            self._end_running(error)
        else:
            self.linger()

    def _close_gently(self, cycle: RequestResponseCycle) -> None:
        """Closing with unread input would reset the connection and with it the answer that says what was wrong."""
        cycle.transport = HalfClosing(self.transport, self.linger)  # type: ignore[assignment]

    # Clocks

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._on_deadline)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        if self._lingering:
            self.transport.abort()
        elif self._phase == _BODY:
            self._refuse_body(body_late(self._limits))
        elif self._is_answering():
            # The client is owed an answer first; meanwhile its next request may take its time.
            self._set_deadline(self._limits.head_s)
        elif self._phase == _HEAD:
            self._refuse_head(head_late(self._limits))
        else:
            self._close()

    def pause_writing(self) -> None:
        """The client is slow: writers wait, for `write_stall_s` without any progress at most."""
        super().pause_writing()
        self._stall.watch(self.transport)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stall.end()
        super().resume_writing()

    # Endings

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
            # A closed transport waits for the client to read the rest: not for ever.
            self._stall.watch(self.transport)

    def linger(self) -> None:
        """Close our side and drop what still comes, so that no reset destroys the answer on its way to the client."""
        if self._phase == _IDLE and not self._deaf:
            self._close()
        if self.transport.is_closing() or self._lingering:
            return
        self._deaf = self._lingering = True
        self._clear_deadline()
        self._idle.pause()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._set_deadline(self._limits.linger_s)


def _nothing() -> None:
    """What an answer tells its connection once its task is over."""
