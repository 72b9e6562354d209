"""What counts as an answer, whole and byte by byte; what is garbled; what is cut; and which connections are used again."""

from __future__ import annotations

import asyncio

import pytest
from scripted import OK, Answer, Peer, Run, Server, answering, answering_then_closing, ask, failure, post

from dragoman.upstream.connection import Limits
from dragoman.upstream.pool import Pool, PoolSettings, PoolStats

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
GOOD: list[tuple[str, bytes, Answer, bool]] = [
    (
        "a length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
        Answer(200, (("content-length", "5"), ("x-a", "b")), b"hello"),
        True,
    ),
    ("no body", b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, (), b""), True),
    ("length 0", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Answer(200, (("content-length", "0"),), b""), True),
    ("chunks", CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", Answer(200, (("transfer-encoding", "chunked"),), b"hello"), True),
    (
        "chunk extensions and trailers",
        CHUNKED + b'3;a=b\r\nhel\r\n2;c="d"\r\nlo\r\n0\r\nx-sum: 1\r\nx-b: 2\r\n\r\n',
        Answer(200, (("transfer-encoding", "chunked"),), b"hello"),
        True,
    ),
    (
        "capitals in chunked",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n1\r\na\r\n0\r\n\r\n",
        Answer(200, (("transfer-encoding", "CHUNKED"),), b"a"),
        True,
    ),
    (
        "interim answers first",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK,
        Answer(200, (("content-length", "2"),), b"ok"),
        True,
    ),
    (
        "a redirect is an answer",
        b"HTTP/1.1 307 Go\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
        Answer(307, (("location", "/x"), ("content-length", "0")), b""),
        True,
    ),
    ("no reason phrase", b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", Answer(200, (("content-length", "0"),), b""), True),
    (
        "repeated headers stay",
        b"HTTP/1.1 200 OK\r\na: 1\r\nA: 2\r\ncontent-length: 0\r\n\r\n",
        Answer(200, (("a", "1"), ("a", "2"), ("content-length", "0")), b""),
        True,
    ),
    (
        "latin-1 values",
        b"HTTP/1.1 200 OK\r\na: \xe9\r\ncontent-length: 0\r\n\r\n",
        Answer(200, (("a", "é"), ("content-length", "0")), b""),
        True,
    ),
    (
        "a content coding is passed on",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\n\x1f",
        Answer(200, (("content-encoding", "gzip"), ("content-length", "1")), b"\x1f"),
        True,
    ),
    (
        "connection: close",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        Answer(200, (("connection", "close"), ("content-length", "2")), b"ok"),
        False,
    ),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", Answer(200, (("content-length", "2"),), b"ok"), False),
    ("unasked bytes after the end", OK + b"XX", Answer(200, (("content-length", "2"),), b"ok"), False),
    ("a second answer", OK + OK, Answer(200, (("content-length", "2"),), b"ok"), False),
    ("a second answer after chunks", CHUNKED + b"0\r\n\r\n" + OK, Answer(200, (("transfer-encoding", "chunked"),), b""), False),
    ("half a second answer", OK + b"HTTP/1.1 2", Answer(200, (("content-length", "2"),), b"ok"), False),
]


@pytest.mark.parametrize(("name", "sent", "expected", "kept"), GOOD, ids=[case[0] for case in GOOD])
def test_a_proper_answer_is_given_and_its_connection_used_again_if_it_may_be(
    run: Run, name: str, sent: bytes, expected: Answer, kept: bool
) -> None:
    async def body() -> None:
        async with Server(answering(sent, sent), answering(sent)) as server:
            pool = Pool()

            answers = [await ask(pool, server), await ask(pool, server)]

            assert (answers, server.connections) == ([expected, expected], 1 if kept else 2)
            await pool.close()

    run(body())


@pytest.mark.parametrize(("name", "sent", "expected", "kept"), GOOD, ids=[case[0] for case in GOOD])
def test_a_proper_answer_may_come_byte_by_byte(run: Run, name: str, sent: bytes, expected: Answer, kept: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send_bytewise(sent)
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()

            assert await ask(pool, server) == expected
            await pool.close()

    run(body())


def test_an_answer_without_length_ends_with_the_connection(run: Run) -> None:
    async def body() -> None:
        async with Server(answering_then_closing(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n", b"all ", b"of it")) as server:
            pool = Pool()

            assert await ask(pool, server) == Answer(200, (("x", "y"),), b"all of it")
            assert pool.stats() == PoolStats(open=0, idle=0, waiting=0)

    run(body())


def test_an_answer_without_length_that_is_reset_is_cut(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await read.wait()
        peer.reset()

    async def body() -> None:
        async with Server(script) as server:
            reply = await post(Pool(), server)
            await reply.head()
            half = await reply.read()
            read.set()

            kind, message = await failure(reply.read())

            assert (half, kind) == (b"half", "cut")
            assert message == f"`{server.place}` broke the connection (connection reset by peer) in the middle of its answer"

    read = asyncio.Event()
    run(body())


GARBLED = [
    b"<html>nonsense</html>\r\n\r\n",
    b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 199 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\ncontent-length: 3\r\n\r\nhelHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 020 OK\r\ncontent-length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na : b\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: b\0c\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: b\rc\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nabc",
    b"HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    CHUNKED + b"zz\r\n",
    CHUNKED + b"-1\r\n",
    CHUNKED + b"ffffffffffffffffff\r\n",
    CHUNKED + b"2\r\nabc\r\n",
    CHUNKED + b"2\nab\n0\n\n",
    CHUNKED + b"1\r\na\r\n0\r\nbad trailer\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: " + b"x" * 70_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"content-length: 0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4000,
    CHUNKED + b"1;" + b"e" * 600_000 + b"\r\na\r\n0\r\n\r\n",
    CHUNKED + b"1\r\na\r\n0\r\n" + b"t: u\r\n" * 100_000 + b"\r\n",
]


@pytest.mark.parametrize("sent", GARBLED, ids=range(len(GARBLED)))
def test_a_garbled_answer_is_an_error_and_its_connection_is_dropped(run: Run, sent: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for start in range(0, len(sent), 10_000):
            await peer.send(sent[start : start + 10_000])
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()

            kind, message = await failure(ask(pool, server))

            assert kind == "garbled"
            assert message.startswith(f"`{server.place}` sent an answer that is not proper HTTP/1.1: ")
            assert pool.stats() == PoolStats(open=0, idle=0, waiting=0)

    run(body())


CUT = [
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\nhello",
    CHUNKED + b"3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nt: u\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
]


@pytest.mark.parametrize("whole", CUT, ids=["length", "chunks", "interim"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_answer_that_ends_at_any_byte_but_the_last_is_cut(run: Run, whole: bytes, how: str) -> None:
    sent = iter(range(len(whole)))

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(whole[: next(sent)])
        (peer.close if how == "close" else peer.reset)()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()

            kinds = [(await failure(ask(pool, server)))[0] for _ in whole]

            assert kinds == ["cut"] * len(whole)
            assert (server.connections, pool.stats()) == (len(whole), PoolStats(open=0, idle=0, waiting=0))

    run(body())


def test_what_arrived_before_the_cut_is_given_first_and_the_error_stays(run: Run) -> None:
    async def body() -> None:
        async with Server(answering_then_closing(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")) as server:
            reply = await post(Pool(), server)
            await reply.head()
            first = await reply.read()

            errors = [await failure(reply.read()), await failure(reply.read())]

            assert first == b"half"
            assert errors == [("cut", f"`{server.place}` closed the connection in the middle of its answer")] * 2

    run(body())


def test_a_close_before_any_answer_says_so(run: Run) -> None:
    async def body() -> None:
        async with Server(answering_then_closing()) as server:
            assert await failure(ask(Pool(), server)) == ("cut", f"`{server.place}` closed the connection before it answered")

    run(body())


def test_the_end_of_an_answer_may_be_asked_for_again(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK)) as server:
            reply = await post(Pool(), server)

            assert [await reply.read(), await reply.read(), await reply.read(), reply.status] == [b"ok", b"", b"", 200]

    run(body())


def test_an_answer_longer_than_allowed_is_refused_and_dropped(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK)) as server:
            pool = Pool()
            reply = await post(pool, server)

            kind, message = await failure(reply.read_all(1))

            assert (kind, message) == ("garbled", f"the answer of `{server.place}` is longer than the 1 bytes allowed")

    run(body())


def test_the_bounds_of_a_head_can_be_set(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(b"HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\ncontent-length: 0\r\n\r\n")) as server:
            pool = Pool(PoolSettings(limits=Limits(headers=2)))

            assert (await failure(ask(pool, server)))[1].endswith("more than 2 headers")

    run(body())
