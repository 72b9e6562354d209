"""From what the exchange answers to the connection it goes to."""

from __future__ import annotations

from dragoman.server.answer import Answer
from dragoman.wire.frame import Headers


class AsgiOutbound:
    """An answer on its way. Waits while the client is slow; `extra` headers go out with every answer."""

    __slots__ = ("_answer", "_flow", "extra", "finished", "started")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._flow = answer.flow
        self.started = False
        self.finished = False
        self.extra: Headers = ()

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status line and headers."""
        if self._flow.write_paused:
            await self._answer.drained()
        self._answer.start(status, headers + self.extra if self.extra else headers)
        self.started = True

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body."""
        if self._flow.write_paused:
            await self._answer.drained()
        self._answer.write(chunk, more=True)

    def push(self, chunk: bytes) -> bool:
        """Send a piece of the body without waiting. False: the client is slow, the next piece shall `write` and wait."""
        self._answer.write(chunk, more=True)
        return not self._flow.write_paused

    async def finish(self) -> None:
        """End the body properly."""
        if self._flow.write_paused:
            await self._answer.drained()
        self.finished = True
        self._answer.write(b"", more=False)

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A small answer at once."""
        kept = tuple((name, value) for name, value in headers if name != "content-length")
        await self.start(status, (*kept, ("content-length", str(len(body)))))
        if self._flow.write_paused:
            await self._answer.drained()
        self.finished = True
        self._answer.write(body, more=False)
