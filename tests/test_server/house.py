"""A served application with a fake exchange, and a client that speaks raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import msgspec
import uvloop

from dragoman.core.exchange import Inbound
from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.about import About, Listed
from dragoman.server.answer import Answer as Outgoing
from dragoman.server.app import App
from dragoman.server.serve import Address, running
from dragoman.server.settings import Limits, ServerSettings

PATIENCE_S = 120
BODY = b'{"model":"m"}'


class Answer(msgspec.Struct):
    """An HTTP answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return self.json["error"]["message"]


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, head_only: bool = False) -> Answer:
        head = await self.reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(status_line.split(" ")[1])
        return Answer(status, headers, b"" if head_only else await self._body(headers))

    async def ask(self, data: bytes) -> Answer:
        await self.send(data)
        return await self.answer()

    async def is_closed(self) -> bool:
        """Waits until the server has closed; False if it sent something instead."""
        return await self.reader.read(1) == b""

    def close(self) -> None:
        self.writer.transport.abort()

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        chunks: list[bytes] = []
        while size := int(await self.reader.readline(), 16) if headers.get("transfer-encoding") == "chunked" else 0:
            chunks.append(await self.reader.readexactly(size))
            await self.reader.readline()
        if headers.get("transfer-encoding") == "chunked":
            await self.reader.readline()
        return b"".join(chunks)


class Site:
    """Something that is served, and the way there."""

    def __init__(self, address: Address) -> None:
        self.address = address

    async def client(self) -> Client:
        return Client(*await asyncio.open_connection(self.address.host, self.address.port, limit=2**26))

    async def ask(self, data: bytes) -> Answer:
        client = await self.client()
        try:
            return await client.ask(data)
        finally:
            client.close()


class House(Site):
    """The served application: what was asked of its fake exchange, and the door to it."""

    def __init__(self, app: App[str], address: Address) -> None:
        super().__init__(address)
        self.app = app


Handle = Callable[[str, Inbound, Outgoing], Awaitable[None]]


async def echo(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
    """Answers with what the exchange was given."""
    told = {"dialect": inbound.dialect, "mount": inbound.mount, "path": inbound.path, "query": inbound.query, "size": len(inbound.body)}
    body = json.dumps(told).encode()
    await outbound.start(200, (("content-type", "application/json"), ("content-length", str(len(body)))))
    await outbound.write(body)
    await outbound.finish()


class Held:
    """A fake exchange that tells when it has begun, and answers once it may go on."""

    def __init__(self) -> None:
        self.began, self.go_on = asyncio.Event(), asyncio.Event()

    async def handle(self, runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        self.began.set()
        await self.go_on.wait()
        await echo(runtime, inbound, outbound)


def identify_ada(headers: Any) -> object:
    if headers.get("authorization") != "Bearer ada-key":
        raise GatewayError(Kind.AUTHENTICATION, "a client key is needed", source="client")
    return "ada"


ABOUT = About(version="1.2.3", providers=("demo",), models=(Listed("demo/coder", "demo"), Listed("gpt-4", "openai")), began=0.0)


def make_app(handle: Handle = echo, about: About = ABOUT, **settings: Any) -> App[str]:
    limits = Limits(**{name: settings.pop(name) for name in Limits.__struct_fields__ if name in settings})
    return App(lambda: "runtime", handle, lambda _: about, ServerSettings(port=0, limits=limits, **settings), clock=lambda: 12.0)


@contextlib.asynccontextmanager
async def house(handle: Handle = echo, about: About = ABOUT, **settings: Any) -> AsyncIterator[House]:
    app = make_app(handle, about, **{"shutdown_grace_s": 0.0, "linger_s": 20.0, **settings})
    async with running(app) as address:
        yield House(app, address)


def post(path: str = "/v1/responses", body: bytes = BODY, *headers: str, host: str = "localhost", kind: str = "application/json") -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str, *headers: str, host: str = "localhost", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()


def go(story: Coroutine[Any, Any, None]) -> None:
    """Runs a test's story on the server's own event loop, with a bound that only a hanging test meets."""

    async def bounded() -> None:
        await asyncio.wait_for(story, PATIENCE_S)

    uvloop.run(bounded())
