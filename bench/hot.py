"""The hot paths of server and pool without sockets, to be counted: `python -m bench.hot CASE TIMES` does one of them so often.

What a real socket adds (reading, writing, polling) is the loop's and the kernel's, and the same for every contender.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from bench.bodies import body
from dragoman.core.exchange import Inbound
from dragoman.server.about import About
from dragoman.server.answer import Answer as Outgoing
from dragoman.server.app import App
from dragoman.server.serve import Server
from dragoman.server.settings import ServerSettings
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.pool import Pool
from dragoman.upstream.reply import Reply
from dragoman.wire.frame import Headers

CHUNKS = 64
"""Pieces of each stream."""

_ANSWER = b'{"id":"chatcmpl-1","choices":[{"index":0,"message":{"content":"Hello"}}],"usage":{"prompt_tokens":5}}'
_TOLD: Headers = (
    ("content-type", "application/json"),
    ("x-dragoman-exchange", "ex_0123456789abcdef"),
    ("x-dragoman-model", "burst-chat/gpt-5.5"),
    ("x-dragoman-lane", "relay"),
)
_PIECE = b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hello "},"finish_reason":null}]}\n\n'
_ASKED = body("chat", "small", "burst-chat", stream=False)
_REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer bench-client-key\r\nContent-Length: %d\r\n\r\n%b" % (len(_ASKED), _ASKED)
)
_SENT: Headers = (("authorization", "Bearer bench-provider-key"), ("content-type", "application/json"))
_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_ANSWER), _ANSWER)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"%x\r\n%b\r\n" % (len(_PIECE), _PIECE)


class _Transport(asyncio.Transport):
    """Takes what is written and calls `wrote`."""

    def __init__(self, wrote: Callable[[bytes], None], sock: socket.socket) -> None:
        super().__init__({"socket": sock, "peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8080)})
        # A plain attribute, as a transport's own method in C has no frame of Python's.
        self.write = wrote  # type: ignore[method-assign]

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


# ---- the server --------------------------------------------------------------------------------------------------------------


async def _whole(_runtime: str, _inbound: Inbound, outbound: Outgoing) -> None:
    await outbound.whole(200, _TOLD, _ANSWER)


async def _stream(_runtime: str, _inbound: Inbound, outbound: Outgoing) -> None:
    await outbound.start(200, (("content-type", "text/event-stream"), *_TOLD[1:]))
    push = outbound.push
    for _ in range(CHUNKS):
        push(_PIECE)
    await outbound.finish()


async def _serve(handle: Callable[[str, Inbound, Outgoing], Awaitable[None]], ending: bytes, times: int) -> None:
    """Requests on one connection, one after another, until `ending` was written for each."""
    about = About(version="0", providers=(), models=(), began=0.0)
    server = Server(App(lambda: "runtime", handle, lambda _: about, ServerSettings()), [])
    await server.start()
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    left = times

    def wrote(data: bytes) -> None:
        nonlocal left
        if data.endswith(ending):
            left -= 1
            if left:
                loop.call_soon(connection.data_received, _REQUEST)
            else:
                over.set_result(None)

    ours, theirs = socket.socketpair()
    connection: Any = server._connection()  # pyright: ignore[reportPrivateUsage]
    connection.connection_made(_Transport(wrote, ours))
    connection.data_received(_REQUEST)
    await over
    await asyncio.sleep(0)
    ours.close()
    theirs.close()


# ---- the pool ----------------------------------------------------------------------------------------------------------------


async def _ask(read: Callable[[Reply], Awaitable[None]], pieces: list[bytes], times: int) -> None:
    """Requests on one connection to an origin, one after another; each is answered with these pieces."""
    pool, origin, deadlines = Pool(), Origin("http", "127.0.0.1", 1), Deadlines()
    loop = asyncio.get_running_loop()

    def answer(data: bytes) -> None:
        loop.call_soon(begin)

    def begin() -> None:
        connection.data_received(pieces[0])
        if len(pieces) > 1:
            # In two turns who reads has seen the head and waits for more, as with a provider that thinks.
            loop.call_soon(loop.call_soon, go_on)

    def go_on() -> None:
        for piece in pieces[1:]:
            connection.data_received(piece)

    ours, theirs = socket.socketpair()
    connection: Any = None

    async def connect(stock: Any, limit_s: float) -> Any:
        nonlocal connection
        connection = pool._made(stock)  # pyright: ignore
        connection.connection_made(_Transport(answer, ours))
        return connection

    pool._connect = connect  # pyright: ignore
    for _ in range(times):
        reply = await pool.open(origin, "POST", "/v1/chat/completions", _SENT, _ASKED, deadlines=deadlines)
        try:
            await reply.head()
            await read(reply)
        finally:
            reply.close()
    await pool.close()
    ours.close()
    theirs.close()


async def _read_all(reply: Reply) -> None:
    await reply.read_all(1 << 20)


async def _pump(reply: Reply) -> None:
    await reply.pump(lambda piece: bool(piece), 15.0)


async def _turn(times: int) -> None:
    """A turn of the event loop that does nothing: every request here takes one or two, which are contained in its count."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    left = times

    def turn() -> None:
        nonlocal left
        left -= 1
        if left:
            loop.call_soon(turn)
        else:
            over.set_result(None)

    loop.call_soon(turn)
    await over


CASES: dict[str, Callable[[int], Awaitable[None]]] = {
    "turn": _turn,
    "server-whole": lambda times: _serve(_whole, _ANSWER, times),
    "server-stream": lambda times: _serve(_stream, b"0\r\n\r\n", times),
    "pool-whole": lambda times: _ask(_read_all, [_WHOLE], times),
    "pool-stream": lambda times: _ask(_pump, [_HEAD, *([_CHUNK] * CHUNKS), b"0\r\n\r\n"], times),
}
"""What can be counted, by name; each is given how often."""


async def _run(case: str, times: int) -> None:
    gc.collect()
    gc.freeze()
    await CASES[case](times)


if __name__ == "__main__":
    uvloop.run(_run(sys.argv[1], int(sys.argv[2])))
