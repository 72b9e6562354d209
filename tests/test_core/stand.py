"""A provider that says exactly the bytes it is told to, and one exchange driven against it without an HTTP server in front."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from dragoman.app.deploy import Deployer
from dragoman.config.load import parse
from dragoman.core.exchange import Inbound
from dragoman.core.handle import handle
from dragoman.core.runtime import Pace, Runtime
from dragoman.dialects.registry import dialect, names
from dragoman.ir.record import Record
from dragoman.policy.identity import Identity
from dragoman.routing.resolve import Resolver
from dragoman.upstream.pool import Pool
from dragoman.wire.frame import Headers

CODEX = {
    "originator": "codex_exec",
    "user-agent": "codex_exec/0.169.0 (Linux; x86_64)",
    "session-id": "0197-session",
    "x-codex-turn-metadata": '{"turn_id":"t1","request_kind":"turn","workspaces":{"/home/ada/secret":{}}}',
}
PLAIN = {"user-agent": "sdk/1"}

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, "Heard"], Awaitable[None]]


class Heard:
    """One request as the provider saw it, and whether its client left."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.head = head.decode("latin-1").lower()
        self.body = body
        self.left = asyncio.Event()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Provider:
    """Answers each request with `script`."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.heard: list[Heard] = []
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                heard = Heard(head, await reader.readexactly(length))
                self.heard.append(heard)
                await self.script(reader, writer, heard)
                if writer.is_closing():
                    return
        writer.close()


@contextlib.asynccontextmanager
async def provider(script: Script) -> AsyncGenerator[Provider]:
    made = Provider(script)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield made
    finally:
        server.close()


def says(head: str, *pieces: bytes, close: bool = False) -> Script:
    """A script that sends a head (chunked unless it says otherwise) and pieces, each as a chunk."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(f"HTTP/1.1 {head}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if close:
            writer.close()
        else:
            writer.write(b"0\r\n\r\n")

    return script


def answers(status: int, body: bytes, content_type: str = "application/json", extra: str = "") -> Script:
    """A script with a whole answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body)

    return script


SSE = "200 OK\r\ncontent-type: text/event-stream"


def chat_chunk(delta: dict[str, Any] | None = None, finish: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": choices, "usage": usage}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


CHAT_STREAM = (
    chat_chunk({"role": "assistant", "content": ""}),
    chat_chunk({"content": "Hel"}),
    chat_chunk({"content": "lo"}),
    chat_chunk({}, "stop"),
    chat_chunk(None, None, {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}),
    b"data: [DONE]\n\n",
)


class Told:
    """What the client was told: an Outbound with a memory. Whoever cancels the exchange is its client, unless `disconnected` is set to
    False: then it is the gateway, which stops."""

    def __init__(self) -> None:
        self.disconnected = True
        self.started = False
        self.finished = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.wrote = asyncio.Event()

    async def start(self, status: int, headers: Headers) -> None:
        assert not self.started
        self.started, self.status, self.headers = True, status, dict(headers)

    async def write(self, chunk: bytes) -> None:
        assert self.started
        assert not self.finished
        self.pieces.append(chunk)
        self.wrote.set()

    def push(self, chunk: bytes) -> bool:
        assert self.started
        assert not self.finished
        self.pieces.append(chunk)
        self.wrote.set()
        return True

    async def finish(self) -> None:
        self.finished = True

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, (*headers, ("content-length", str(len(body)))))
        await self.write(body)
        await self.finish()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of every SSE event that is JSON."""
        lines = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [json.loads(line) for line in lines if line.startswith(b"{")]


class Records:
    """An observer with a memory."""

    def __init__(self) -> None:
        self.all: list[Record] = []
        self.begun: list[str] = []

    def begin(self, record: Record) -> None:
        self.begun.append(record.id)

    def record(self, record: Record) -> None:
        self.all.append(record)


class Stand:
    """A runtime made from YAML; `ask` runs one exchange."""

    def __init__(self, text: str, pace: Pace, addresses: dict[str, str]) -> None:
        config = parse(text.encode(), {}).config
        known = {name: dialect(name) for name in names()}
        numbers = itertools.count(1)
        self.records = Records()
        self.received_at = 0.0
        self.pool = Pool()
        self.runtime = Runtime(
            resolver=Resolver.compile(config),
            identity=Identity.compile(config.access),
            dialects=known,
            deploy=Deployer(config, known, addresses).deploy,
            pool=self.pool,
            observer=self.records,
            draw=lambda: 0.5,
            clock=time.perf_counter,
            new_id=lambda: f"ex_{next(numbers)}",
            pace=pace,
        )

    @property
    def record(self) -> Record:
        return self.records.all[-1]

    async def ask(self, dialect_name: str, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> Told:
        told = Told()
        await self.into(told, dialect_name, body, headers)
        return told

    async def into(self, told: Told, dialect_name: str, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        inbound = Inbound(
            dialect=dialect_name,
            mount="/v1",
            path=dialect(dialect_name).path,
            query="",
            headers=headers or PLAIN,
            body=raw,
            address="127.0.0.1",
            received_at=self.received_at,
        )
        await handle(self.runtime, inbound, told)


@contextlib.asynccontextmanager
async def stand(
    url: str, more: str = "", *, kind: str = "openai", settings: str = "", pace: Pace | None = None, retry: str = "{attempts: 1}"
) -> AsyncGenerator[Stand]:
    """A gateway without its server: provider `up` at `url`, which is asked once unless `retry` says otherwise."""
    address = "" if kind == "openai" else f", base_url: '{url}'"
    made = Stand(
        f"providers:\n  up: {{kind: {kind}{address}, keys: [sk-provider-secret]{settings}}}\n{more}\nrouting: {{retry: {retry}}}\n",
        pace or Pace(),
        {"up": url},
    )
    try:
        yield made
    finally:
        await made.pool.close()
