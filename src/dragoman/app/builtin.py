"""The provider that runs inside this process: started when a config first needs it, ended with the process."""

from __future__ import annotations

import contextlib

from dragoman.simulator.app import serve as simulate


class Builtin:
    """One simulated provider for all that are built in. Runtimes share it, so that a reload neither ends nor forgets anything; that it
    stays when no config needs it any more costs one listening socket."""

    def __init__(self) -> None:
        self._stack = contextlib.AsyncExitStack()
        self._url: str | None = None

    async def base_url(self) -> str:
        """Where it is; it runs from now on."""
        if self._url is None:
            self._url = f"{await self._stack.enter_async_context(simulate())}/v1"
        return self._url

    async def close(self) -> None:
        """End it, if it was started."""
        await self._stack.aclose()
