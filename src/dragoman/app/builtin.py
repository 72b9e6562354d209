"""The providers that run inside this process: started when a runtime first needs one, ended when none does any more."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable

from dragoman.simulator.app import serve as simulate
from dragoman.tasks import Tasks, spawn


class Builtins:
    """Simulated providers by their names in config. Runtimes share them, so that a reload neither ends nor forgets anything."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[str, contextlib.AsyncExitStack]] = {}
        self._users: Counter[str] = Counter()
        self._tasks = Tasks("built-in providers")

    async def lease(self, names: Iterable[str]) -> dict[str, str]:
        """The base URL of each of these. Give them back with `release`."""
        leased: dict[str, str] = {}
        for name in names:
            if name not in self._running:
                stack = contextlib.AsyncExitStack()
                self._running[name] = (f"{await stack.enter_async_context(simulate())}/v1", stack)
            self._users[name] += 1
            leased[name] = self._running[name][0]
        return leased

    def release(self, names: Iterable[str]) -> None:
        """One runtime less needs these. Those that no other needs end in the background."""
        for name in names:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
                _, stack = self._running.pop(name)
                spawn(stack.aclose(), name=f"end {name}", owner=self._tasks)

    async def close(self) -> None:
        """End all of them."""
        self.release([name for name in self._users.elements() if name in self._running])
        await self._tasks.close(grace_s=5.0)
