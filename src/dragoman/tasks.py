"""The only place that starts tasks. Those of `spawn` have a name and an owner, and the owner waits for them at shutdown."""

from __future__ import annotations

import asyncio
import logging
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


def start(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task without name and callbacks, for each request: the caller keeps it, and the coroutine itself handles every error."""
    return loop.create_task(coro)


def spawn(coro: Coroutine[Any, Any, _T], *, name: str, owner: Tasks) -> asyncio.Task[_T]:
    """Start a task. If it dies with an exception, that is logged, once."""
    task = asyncio.create_task(coro, name=name)
    owner.hold(task)
    return task
