"""The clock on a client that takes nothing of what waits for it."""

from __future__ import annotations

import asyncio


class Stall:
    """Drops a connection when, for `seconds`, not one byte of its write buffer has gone out."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, transport: asyncio.Transport) -> None:
        """Begin, if there is anything to wait for and it is not waited for already."""
        waiting_bytes = transport.get_write_buffer_size()
        if self._timer is None and waiting_bytes:
            self._set(transport, waiting_bytes)

    def end(self) -> None:
        """The client reads again, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, transport: asyncio.Transport, waiting_bytes: int) -> None:
        self._timer = self._loop.call_later(self._seconds, self._check, transport, waiting_bytes)

    def _check(self, transport: asyncio.Transport, before: int) -> None:
        waiting_bytes = transport.get_write_buffer_size()
        if waiting_bytes >= before:
            transport.abort()
        else:
            self._set(transport, waiting_bytes)
