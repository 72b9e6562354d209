"""A client's connection: its requests are answered one after another, a request's task ends when its client leaves, and the end is gentle.

It knows nothing of paths and dialects: whoever builds it says who answers and how a refusal is worded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from uvicorn.config import Config
from uvicorn.server import ServerState

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.answer import Answer, HalfClosing
from dragoman.server.asked import read_headers
from dragoman.server.faults import body_late, head_late, shutting_down, too_many_connections
from dragoman.server.idle import Idle
from dragoman.server.reading import BODY, HEAD, IDLE, Reading
from dragoman.server.refusal import Policy, refuse, words
from dragoman.server.stall import Stall
from dragoman.tasks import Errand

logger = logging.getLogger(__name__)


class Connection(Reading):
    """One client connection."""

    def __init__(self, config: Config, server_state: ServerState, policy: Policy, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, server_state, policy, loop)
        self._stall = Stall(self.loop, self.limits.write_stall_s)
        self._idle = Idle(self.loop, self.limits.idle_s, self._on_idle)
        self._running: Answer | None = None
        self._is_due = False
        self._waiting: deque[Answer] = deque()
        self._task: Errand | None = None
        self._fault: GatewayError | None = None
        self._last_words: bytes | None = None
        self._lingering = False
        self._draining: GatewayError | None = None
        self._take = policy.take
        self._errands: set[Errand | None] = policy.errands

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request; refuse it already if there are too many connections."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=self.limits.write_buffer_bytes)
        count = len(self.connections)
        if count > self.limits.connections:
            self.refusal = too_many_connections(self.limits)
        if count > 2 * self.limits.connections:
            transport.abort()
        self.set_deadline(self.limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: the request that runs for it is cancelled at once."""
        self._stall.end()
        self._idle.end()
        self._waiting.clear()
        running = self._running
        if running is not None and not running.complete:
            running.left()
            if self._task is not None:
                self._task.cancel()
        super().connection_lost(exc)
        self.policy.connection_gone()

    def shutdown(self) -> None:
        """The server stops: close if nothing is under way, else after the running answer. What comes later is refused."""
        self._draining = self.refusal = shutting_down()
        if self._is_answering():
            if self._running is not None and not self._waiting:
                self._running.keep_alive = False
        elif self.phase == IDLE:
            self._close()

    def stop(self) -> None:
        """End the running request now: with a sentence if nothing was sent, else by cutting the connection."""
        if self._is_answering():
            self._end_running(self._draining or shutting_down())
        else:
            self.transport.abort()

    # The request's task

    def enqueue(self, answer: Answer) -> None:
        """First come, first answered."""
        running = self._running
        if running is not None and not running.complete:
            self.flow.pause_reading()
            self._waiting.append(answer)
        else:
            self._running = answer
            self._is_due = True

    def has_waiting(self) -> bool:
        """Whether requests wait for their turn."""
        return bool(self._waiting)

    def go_on(self) -> None:
        """Start the task of the request whose turn it is. By now as much of its body is here as came with its head."""
        running = self._running
        if running is None or not self._is_due:
            return
        self._is_due = False
        self._task = task = Errand(self.loop, self._run(running))
        self._errands.add(task)
        task.run()

    async def _run(self, answer: Answer) -> None:
        """Answer one request, whatever happens."""
        task = self._task
        try:
            refusal = self._fault or self._draining or answer.refusal
            if answer.disconnected:
                return
            if refusal is None:
                await self._take(answer)
            else:
                await refuse(self.policy, answer, refusal)
            if not answer.complete:
                await self._settle(answer)
        except asyncio.CancelledError:
            if self._fault is None:
                answer.left()
                self.transport.abort()
            else:
                await self._settle(answer)
        except Exception:
            logger.exception("a request failed in the server")
            self.transport.abort()
        finally:
            self._errands.discard(task)
            if self._draining is not None:
                self.policy.request_gone()
            if self._task is task:
                # The two would keep each other alive.
                self._task = None

    async def _settle(self, answer: Answer) -> None:
        """The handler is done and the answer is not."""
        if answer.complete or answer.disconnected:
            return
        if answer.started:
            answer.left()
            self.transport.abort()
        else:
            error = self._fault or GatewayError(Kind.INTERNAL, "the gateway gave no answer to this request")
            await refuse(self.policy, answer, error)

    def on_response_complete(self) -> None:
        """An answer is whole: the next request of the connection may run."""
        if self._lingering:
            return
        if self.transport.is_closing():
            self._stall.watch(self.transport)
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self._waiting:
            self._running = self._waiting.popleft()
            self._is_due = True
            if self.phase == BODY:
                self.set_deadline(self.limits.body_s)
            # Not here, inside the task of the request before it.
            self.loop.call_soon(self.go_on)
            return
        self._idle.begin()
        if self._last_words is not None:
            self._say_last_words(self._last_words)
        elif self._draining is not None:
            self.linger()

    def _is_answering(self) -> bool:
        return self._running is not None and not self._running.complete

    def _end_running(self, error: GatewayError) -> None:
        self._fault = error
        self.deaf = True
        if self._task is not None:
            self._task.cancel()

    # Refusals

    def refuse_head(self, error: GatewayError) -> None:
        """Refuse a request whose head never became whole, after the answers that are still owed."""
        self.deaf = True
        self.clear_deadline()
        told = words(self.policy, error, read_headers(self.headers))
        if self._is_answering():
            self._last_words = told
        else:
            self._say_last_words(told)

    def _say_last_words(self, told: bytes) -> None:
        self.transport.write(told)
        self.linger()

    def refuse_body(self, error: GatewayError) -> None:
        """Refuse a request whose body never became whole: in its own answer, where that has not ended yet."""
        self.clear_deadline()
        if self._waiting:
            # The request whose body is wrong has not begun; those before it are answered first.
            self._waiting.pop()
            self.refuse_head(error)
        elif self._running is not None and not self._running.complete:
            self.close_gently(self._running)
            self._end_running(error)
        else:
            self.linger()

    def close_gently(self, answer: Answer) -> None:
        """Closing with unread input would reset the connection and with it the answer that says what was wrong."""
        answer.transport = HalfClosing(self.transport, self.linger)

    # Clocks

    def on_deadline(self) -> None:
        """What was awaited did not come."""
        if self._lingering:
            self.transport.abort()
        elif self.phase == BODY and not self._waiting:
            self.refuse_body(body_late(self.limits))
        elif self._is_answering():
            # The client is owed an answer first; meanwhile its next request may take its time, or is not even read.
            self.set_deadline(self.limits.head_s)
        elif self.phase == HEAD:
            self.refuse_head(head_late(self.limits))
        else:
            self._close()

    def _on_idle(self) -> None:
        if self.phase == IDLE and not self._is_answering() and not self._lingering:
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
        if self.phase == IDLE and not self.deaf:
            self._close()
        if self.transport.is_closing() or self._lingering:
            return
        self.deaf = self._lingering = True
        self.clear_deadline()
        self.flow.resume_reading()
        self.transport.write_eof()
        self.set_deadline(self.limits.linger_s)
