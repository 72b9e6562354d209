"""The parsing of answers without sockets: any chunking gives the same answer, and no bytes at all bring it down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir.errors import GatewayError
from dragoman.upstream.connection import Connection, Limits

ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-A: b\r\n\r\nhello world",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nt: u\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\na: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nxxxx",
]


class Transport(asyncio.Transport):
    """Takes what is written and remembers how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, data: object) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Listener:
    """Sink and keeper in one: writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.body = b""
        self.kept: list[str] = []

    def took_head(self, status: int, headers: Any) -> None:
        self.heard.append((status, headers))

    def took_body(self, chunks: list[bytes]) -> None:
        self.body += b"".join(chunks)

    def took_end(self, chunks: list[bytes]) -> None:
        self.body += b"".join(chunks)
        self.heard.append("end")

    def took_fault(self, error: GatewayError) -> None:
        self.heard.append(error.kind.value)

    def took_stale(self, error: GatewayError) -> None:
        self.heard.append("stale")

    def freed(self, connection: Connection) -> None:
        self.kept.append("freed")

    def lost(self, connection: Connection) -> None:
        self.kept.append("lost")


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def answer(loop: asyncio.AbstractEventLoop, chunks: list[bytes]) -> Listener:
    """Feed an answer in these chunks, then the end of the connection."""
    listener = Listener()
    connection = Connection(loop, "h:1", listener, Limits())
    transport = Transport()
    connection.connection_made(transport)
    connection.start(listener, b"", b"")
    for chunk in chunks:
        if not transport.aborted:
            connection.data_received(chunk)
    connection.eof_received()
    connection.connection_lost(None)
    return listener


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in zip(edges, edges[1:], strict=False) if start < end]  # noqa: RUF007


@given(sent=st.sampled_from(ANSWERS), places=st.lists(st.integers(0, 200)))
def test_any_chunking_gives_the_same_answer(loop: asyncio.AbstractEventLoop, sent: bytes, places: list[int]) -> None:
    whole, pieces = answer(loop, [sent]), answer(loop, cut(sent, places))

    assert (pieces.heard, pieces.body) == (whole.heard, whole.body)


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 103 Early\r\n",
        b"HTTP/1.1 101 S\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 ",
        b"\r\n",
        b"\n",
        b"\r",
        b"content-length: 3\r\n",
        b"content-length: x\r\n",
        b"transfer-encoding: chunked\r\n",
        b"upgrade: x\r\nconnection: upgrade\r\n",
        b"connection: close\r\n",
        b"a: b\r\n",
        b" folded\r\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"abc",
        b"\0\xff",
    ]
)


@given(chunks=st.lists(PIECES, max_size=12) | st.lists(st.binary(min_size=1), max_size=4))
def test_no_bytes_bring_it_down_and_every_answer_ends_once(loop: asyncio.AbstractEventLoop, chunks: list[bytes]) -> None:
    heard = answer(loop, chunks)

    assert len([word for word in heard.heard if isinstance(word, str)]) == 1
    assert heard.heard[-1] in ("end", "cut", "garbled")
    assert heard.kept.count("lost") == 1


@given(sent=st.sampled_from(ANSWERS[:3]), place=st.integers(0, 200))
def test_no_beginning_of_an_answer_passes_for_a_whole_one(loop: asyncio.AbstractEventLoop, sent: bytes, place: int) -> None:
    part = sent[: place % len(sent)]

    assert answer(loop, [part] if part else []).heard[-1] == "cut"
