"""Time and pressure: deadlines, waiting, slow readers, slow servers, leaving."""

from __future__ import annotations

import asyncio

import pytest
from scripted import OK, Peer, Run, Server, answering, ask, failure, noting, post

from dragoman.tasks import Tasks, spawn
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.pool import Pool, PoolStats

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"


async def silent(peer: Peer) -> None:
    await peer.left()


async def half(peer: Peer) -> None:
    await peer.request()
    await peer.send(HEAD + b"half")
    await peer.left()


@pytest.mark.parametrize(
    ("deadlines", "script", "said"),
    [
        (Deadlines(first_byte_s=0.03), silent, "did not answer within 0.03 s"),
        (Deadlines(total_s=0.03), silent, "did not complete its answer within 0.03 s"),
        (Deadlines(idle_s=0.03), half, "sent nothing more of its answer within 0.03 s"),
        (Deadlines(total_s=0.05, idle_s=5), half, "did not complete its answer within 0.05 s"),
    ],
)
def test_each_deadline_ends_the_answer_and_says_which(run: Run, deadlines: Deadlines, script, said: str) -> None:
    async def after_one(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await script(peer)

    async def body() -> None:
        async with Server(after_one) as server:
            pool = Pool()
            await ask(pool, server)  # so that no time goes into connecting

            assert await failure(ask(pool, server, deadlines=deadlines)) == ("timeout", f"`{server.place}` {said}")
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_waiting_may_be_interrupted_and_taken_up_again(run: Run) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        go.clear()
        await peer.send(HEAD)
        await go.wait()
        await peer.send(b"x" * 100)
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()
            reply = await post(pool, server)

            assert [await reply.head(0.01), await reply.head(0.01), reply.status] == [False, False, 0]
            go.set()
            assert [await reply.head(5), await reply.head(0), reply.status] == [True, True, 200]
            assert [await reply.read(0.01), await reply.read(0.01)] == [None, None]
            go.set()
            assert [await reply.read(5), await reply.read(5)] == [b"x" * 100, b""]
            await pool.close()

    run(body())


def test_chunks_that_arrived_together_are_one_read(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n1\r\nd\r\n0\r\n\r\n")
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()
            reply = await post(pool, server)
            await reply.head()

            assert [await reply.read(), await reply.read()] == [b"abcd", b""]
            await pool.close()

    run(body())


def test_closing_an_unfinished_answer_disconnects_at_once(run: Run) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ENDLESS + b"x")
        await peer.left()
        gone.set()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()
            reply = await post(pool, server)
            await reply.read()

            reply.close()
            reply.close()

            assert pool.stats() == PoolStats(0, 0, 0)
            assert await failure(reply.read()) == ("cut", f"the answer of `{server.place}` was closed before its end")
            await gone.wait()

    run(body())


def test_a_cancelled_reader_can_close(run: Run) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.left()
        gone.set()

    async def body() -> None:
        async with Server(script) as server:
            pool, tasks = Pool(), Tasks("test")
            asking = spawn(ask(pool, server), name="ask", owner=tasks)
            while not pool.stats().open or not server.connections:
                await asyncio.sleep(0)

            asking.cancel()

            await gone.wait()
            assert (pool.stats(), asking.cancelled()) == (PoolStats(0, 0, 0), True)

    run(body())


def test_closing_a_finished_answer_keeps_the_connection(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK, OK)) as server:
            pool = Pool()
            reply = await post(pool, server)
            await reply.head()
            while pool.stats().idle == 0:  # complete, though nobody has read the body
                await asyncio.sleep(0)

            reply.close()

            assert pool.stats() == PoolStats(1, 1, 0)
            await pool.close()

    run(body())


def test_a_slow_reader_pauses_the_socket_and_gets_every_byte(run: Run) -> None:
    total = 12 * 1024 * 1024
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        peer.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        while sent < total:
            peer.writer.write(bytes([sent // 65536 % 256]) * 65536)
            sent += 65536
            await peer.writer.drain()
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()
            reply = await post(pool, server)
            await reply.head()
            before = -1
            while before != sent:  # until the server can send no more
                before = sent
                for _ in range(200):
                    await asyncio.sleep(0)
            unread = int(repr(reply).rpartition("unread=")[2].rstrip(")"))

            assert before < total
            assert unread <= 64 * 1024 + 256 * 1024
            assert await reply.read_all(total) == b"".join(bytes([n % 256]) * 65536 for n in range(total // 65536))
            assert pool.stats() == PoolStats(1, 1, 0)
            await pool.close()

    run(body())


@pytest.mark.long
def test_a_long_body_arrives_whole(run: Run) -> None:
    seen: list[bytes] = []

    async def body() -> None:
        content = b"".join(number.to_bytes(4, "big") for number in range(1_500_000))
        async with Server(noting(seen)) as server:
            pool = Pool()

            answer = await ask(pool, server, content)

            assert answer.body == b"ok"
            assert seen == [content]
            assert pool.stats() == PoolStats(1, 1, 0)
            await pool.close()

    run(body())


SPLICED = {
    "of a few bytes": (9, b'{"model":"a","x":[]}'),
    "copied with its head": (9, b'{"model":"a","x":"' + b"x" * 10_000 + b'"}'),
    "not copied": (9, b'{"model":"a","x":"' + b"x" * 100_000 + b'"}'),
    "sent piece by piece": (9, b'{"model":"a","x":"' + b"x" * 1_000_000 + b'"}'),
    "late": (100_016, b'{"x":"' + b"x" * 100_000 + b'","model":"a"}'),
    "late in a long one": (1_000_016, b'{"x":"' + b"x" * 1_000_000 + b'","model":"a"}'),
}


@pytest.mark.parametrize(("start", "content"), SPLICED.values(), ids=SPLICED)
def test_what_is_put_into_a_body_on_its_way_arrives_with_it(run: Run, start: int, content: bytes) -> None:
    seen: list[bytes] = []

    async def body() -> None:
        async with Server(noting(seen)) as server:
            pool = Pool()

            reply = await pool.open(server.origin, "POST", "/", (), content, Deadlines(), (start, start + 3, b'"another"'))

            assert await reply.read_all(10) == b"ok"
            assert seen == [content.replace(b'"a"', b'"another"')]
            assert pool.stats() == PoolStats(1, 1, 0)
            await pool.close()

    run(body())


def test_an_early_answer_is_read_while_the_body_is_still_being_sent(run: Run) -> None:
    left: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        peer.writer.transport.resume_reading()
        left.append(await peer.left())

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()

            answer = await ask(pool, server, b"x" * 30_000_000)

            assert (answer.status, answer.body) == (413, b"big")
            assert pool.stats() == PoolStats(0, 0, 0)
        assert all(len(sent) < 30_000_000 for sent in left)

    run(body())


def test_two_readers_of_one_answer_are_a_bug(run: Run) -> None:
    async def body() -> None:
        async with Server(silent) as server:
            pool, tasks = Pool(), Tasks("test")
            reply = await post(pool, server)
            first = spawn(failure(reply.head()), name="read", owner=tasks)
            await asyncio.sleep(0)

            with pytest.raises(RuntimeError, match="two tasks"):
                await reply.head()

            reply.close()
            assert (await first)[0] == "cut"

    run(body())
