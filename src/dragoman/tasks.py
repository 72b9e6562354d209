"""The only place that starts tasks. Those of `spawn` have a name and an owner, and the owner waits for them at shutdown; an `Errand` is
asyncio's task reduced to what a request needs."""

from __future__ import annotations

import asyncio
import logging
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")

_log = logging.getLogger("dragoman.tasks")


class Tasks:
    """The tasks of one owner. An asyncio task that nobody holds may be collected while it runs; these are held until they end."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def __repr__(self) -> str:
        return f"Tasks({self._owner!r}, running={sorted(task.get_name() for task in self._running)})"

    async def close(self, grace_s: float = 0.0) -> None:
        """Give the tasks `grace_s` seconds to end by themselves, cancel the rest and wait until all are over.

        Tasks that are started meanwhile are waited for too. Called by one of the tasks, it leaves that one running.
        """
        running = self._others()
        if running and grace_s > 0:
            await asyncio.wait(running, timeout=grace_s)
        while running := self._others():
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    def _others(self) -> set[asyncio.Task[Any]]:
        return self._running - {asyncio.current_task()} if self._running else set()

    def hold(self, task: asyncio.Task[Any]) -> None:
        """Own this task until it ends. `spawn` does it."""
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("task `%s` of `%s` died: %r", task.get_name(), self._owner, error, exc_info=error)


class Errand:
    """A coroutine on its way, without a name and an owner, for each request: the caller keeps it, and the coroutine handles every error.

    It runs at once up to its first wait, where asyncio's task costs a turn of the event loop and half as much again before it begins
    (Python 3.12 can do that by itself: `eager_start`). To the coroutine it is the current task, as asyncio provides for tasks of
    others (https://docs.python.org/3.11/library/asyncio-extending.html), so that `asyncio.timeout` and `cancel` do what they should.
    """

    __slots__ = ("__weakref__", "_awaited", "_cancels", "_coro", "_is_over", "_loop", "_must_cancel")

    def __init__(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, None]) -> None:
        self._loop = loop
        self._coro = coro
        self._awaited: asyncio.Future[Any] | None = None
        self._must_cancel = False
        self._cancels = 0
        self._is_over = False

    def run(self, _done: object = None) -> None:
        """Go on to the next wait: to be called once, to begin; from then on what is waited for calls it."""
        loop = self._loop
        try:
            _enter_task(loop, self)  # type: ignore[arg-type]
        except RuntimeError:
            # Begun by another task, which has to come to its own wait first.
            loop.call_soon(self.run)
            return
        self._awaited = None
        try:
            if self._must_cancel:
                self._must_cancel = False
                awaited = self._coro.throw(asyncio.CancelledError())
            else:
                awaited = self._coro.send(None)
        except (StopIteration, asyncio.CancelledError):
            self._is_over = True
        except BaseException:
            self._is_over = True
            raise
        else:
            self._wait_for(awaited)
        finally:
            _leave_task(loop, self)  # type: ignore[arg-type]

    def _wait_for(self, awaited: Any) -> None:
        if awaited is None:
            # asyncio.sleep(0): everybody else's turn.
            self._loop.call_soon(self.run)
            return
        awaited._asyncio_future_blocking = False
        awaited.add_done_callback(self.run)
        self._awaited = awaited
        if self._must_cancel and awaited.cancel():
            self._must_cancel = False

    def done(self) -> bool:
        """Whether it is over."""
        return self._is_over

    def cancel(self, msg: object = None) -> bool:
        """As asyncio's task does it: CancelledError where the coroutine waits. False: it is over already."""
        if self._is_over:
            return False
        self._cancels += 1
        if self._awaited is None or not self._awaited.cancel():
            self._must_cancel = True
        return True

    def cancelling(self) -> int:
        """How often it was cancelled and not `uncancel`led."""
        return self._cancels

    def uncancel(self) -> int:
        """One who cancelled it takes that back (`asyncio.timeout`)."""
        self._cancels = max(0, self._cancels - 1)
        return self._cancels


def spawn(coro: Coroutine[Any, Any, _T], *, name: str, owner: Tasks) -> asyncio.Task[_T]:
    """Start a task. If it dies with an exception, that is logged, once."""
    task = asyncio.create_task(coro, name=name)
    owner.hold(task)
    return task
