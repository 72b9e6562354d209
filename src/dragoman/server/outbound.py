"""From what the exchange answers to ASGI."""

from __future__ import annotations

from uvicorn._types import ASGISendCallable

from dragoman.wire.frame import Headers


class AsgiOutbound:
    """An answer on its way. Waits while the client is slow; `extra` headers go out with every answer."""

    def __init__(self, send: ASGISendCallable) -> None:
        self._send = send
        self.started = False
        self.finished = False
        self.extra: Headers = ()

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status line and headers."""
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in (*headers, *self.extra)]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
        self.started = True

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def finish(self) -> None:
        """End the body properly."""
        self.finished = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A small answer at once."""
        kept = tuple((name, value) for name, value in headers if name != "content-length")
        await self.start(status, (*kept, ("content-length", str(len(body)))))
        self.finished = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
