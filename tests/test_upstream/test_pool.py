"""Which connection a request gets: reuse, stale ones, the bound and the line before it, expiry, closing."""

from __future__ import annotations

import asyncio

import pytest
from scripted import OK, Answer, Peer, Run, Server, answering, ask, failure, post

from dragoman.ir.errors import GatewayError
from dragoman.tasks import Tasks, spawn
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.pool import Pool, PoolSettings, PoolStats

OKAY = Answer(200, (("content-length", "2"),), b"ok")


def test_a_request_is_written_as_it_must_be(run: Run) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(OK)

    async def body() -> None:
        async with Server(script) as server:
            headers = (("authorization", "Bearer k"), ("accept-encoding", "gzip"), ("host", "evil"), ("content-length", "9"), ("x-e", "é"))

            await ask(Pool(), server, b"{}", headers, target="/v1/responses?a=b")

            assert seen == [
                f"POST /v1/responses?a=b HTTP/1.1\r\nhost: {server.place}\r\nauthorization: Bearer k\r\n".encode()
                + b"x-e: \xe9\r\ncontent-length: 2\r\n\r\n{}"
            ]

    run(body())


def test_a_get_has_no_length(run: Run) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(OK)

    async def body() -> None:
        async with Server(script) as server:
            reply = await Pool().open(server.origin, "GET", "/models", (), b"", Deadlines())
            await reply.read_all(10)

            assert seen == [f"GET /models HTTP/1.1\r\nhost: {server.place}\r\n\r\n".encode()]

    run(body())


def test_the_connection_used_last_is_used_first(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK, OK, OK)) as server:
            pool = Pool()
            first, second = await post(pool, server), await post(pool, server)
            await first.read_all(10)
            await second.read_all(10)
            before = pool.stats()

            third = await post(pool, server)
            await third.read_all(10)

            assert (before, pool.stats(), server.connections) == (PoolStats(2, 2, 0), PoolStats(2, 2, 0), 2)
            assert (first.reused, second.reused, third.reused) == (False, False, True)
            assert repr(pool) == "Pool(1 origins, open=2, idle=2, waiting=0)"
            await pool.close()
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_a_connection_that_closed_while_idle_is_not_used(run: Run) -> None:
    async def closing(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)

    async def body() -> None:
        async with Server(closing) as server:
            pool = Pool()
            await ask(pool, server)
            # The client's loop may not have seen the end yet; the kernel has, once the server's side is gone.
            while not server.all_done:
                await asyncio.sleep(0)

            assert (await ask(pool, server), server.connections) == (OKAY, 2)

    run(body())


def test_a_connection_with_unasked_bytes_is_not_used(run: Run) -> None:
    spoke = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await asked.wait()
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
        spoke.set()
        await peer.left()

    async def body() -> None:
        async with Server(script, answering(OK)) as server:
            pool = Pool()
            await ask(pool, server)
            asked.set()
            await spoke.wait()

            assert (await ask(pool, server), server.connections) == (OKAY, 2)

    asked = asyncio.Event()
    run(body())


def closing_on_second(how: str, *pieces: bytes):
    """Answer once; take the second request, send pieces, and close or break the connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.head()
        await peer.send(*pieces)
        (peer.close if how == "close" else peer.reset)()

    return script


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_stale_connection_is_replaced_once_and_nobody_notices(run: Run, how: str) -> None:
    bodies: list[bytes] = []

    async def second(peer: Peer) -> None:
        bodies.append((await peer.request())[-7:])
        await peer.send(OK)
        await peer.left()

    async def body() -> None:
        async with Server(closing_on_second(how), second) as server:
            pool = Pool()
            await ask(pool, server)

            reply = await post(pool, server, b"the one")
            answer = await reply.read_all(10)

            assert (answer, bodies, server.connections) == (b"ok", [b"the one"], 2)
            assert reply.reused is False
            assert pool.stats() == PoolStats(1, 1, 0)
            await pool.close()

    run(body())


def test_a_fresh_connection_that_closes_is_not_tried_again(run: Run) -> None:
    async def closing(peer: Peer) -> None:
        await peer.request()

    async def body() -> None:
        async with Server(closing, answering(OK)) as server:
            assert (await failure(ask(Pool(), server)))[0] == "cut"
            assert server.connections == 1

    run(body())


def test_once_a_byte_of_the_answer_came_nothing_is_sent_again(run: Run) -> None:
    async def body() -> None:
        async with Server(closing_on_second("close", b"H"), answering(OK)) as server:
            pool = Pool()
            await ask(pool, server)

            assert (await failure(ask(pool, server)))[0] == "cut"
            assert server.connections == 1

    run(body())


def test_the_second_try_is_the_last(run: Run) -> None:
    async def closing(peer: Peer) -> None:
        await peer.request()

    async def body() -> None:
        async with Server(closing_on_second("close"), closing) as server:
            pool = Pool()
            await ask(pool, server)

            assert (await failure(ask(pool, server)))[0] == "cut"
            assert server.connections == 2

    run(body())


def test_a_second_try_that_finds_nobody_is_unreachable(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        listening[0].stop()
        peer.reset()

    listening: list[Server] = []

    async def body() -> None:
        async with Server(script) as server:
            listening.append(server)
            pool = Pool()
            await ask(pool, server)

            assert (await failure(ask(pool, server)))[0] == "unreachable"
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_a_reply_that_is_closed_during_the_second_try_leaves_nothing_behind(run: Run) -> None:
    async def body() -> None:
        async with Server(closing_on_second("reset"), answering(OK)) as server:
            pool = Pool()
            await ask(pool, server)
            reply = await post(pool, server)
            while pool.stats().open:  # until the stale connection is gone
                await asyncio.sleep(0)

            reply.close()
            await pool.close()

            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_past_the_bound_requests_wait_in_line_and_get_the_connection(run: Run) -> None:
    async def script(peer: Peer) -> None:
        for number in range(3):
            request = await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%b" % request[-1:])
            order.append((number, request[-1:]))
        await peer.left()

    order: list[tuple[int, bytes]] = []

    async def body() -> None:
        async with Server(script) as server:
            pool, tasks = Pool(PoolSettings(connections=1)), Tasks("test")
            first = await post(pool, server, b"a")
            asks = [spawn(ask(pool, server, letter), name="ask", owner=tasks) for letter in (b"b", b"c")]
            await asyncio.sleep(0)
            assert pool.stats() == PoolStats(open=1, idle=0, waiting=2)

            await first.read_all(10)
            answers = [(await task).body for task in asks]

            assert (answers, server.connections) == ([b"b", b"c"], 1)
            assert order == [(0, b"a"), (1, b"b"), (2, b"c")]
            await pool.close()

    run(body())


def test_a_place_that_comes_free_by_a_lost_connection_goes_to_the_first_in_line(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(b"HTTP/1.1 200 OK\r\n\r\nendless"), answering(OK)) as server:
            pool, tasks = Pool(PoolSettings(connections=1)), Tasks("test")
            first = await post(pool, server)
            waiting = spawn(ask(pool, server), name="ask", owner=tasks)
            await asyncio.sleep(0)

            first.close()

            assert (await waiting, server.connections) == (OKAY, 2)
            await pool.close()

    run(body())


def test_one_who_leaves_the_line_loses_nothing_for_the_others(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK, OK)) as server:
            pool, tasks = Pool(PoolSettings(connections=1)), Tasks("test")
            first = await post(pool, server)
            leaver = spawn(ask(pool, server), name="ask", owner=tasks)
            stayer = spawn(ask(pool, server), name="ask", owner=tasks)
            await asyncio.sleep(0)

            leaver.cancel()
            await first.read_all(10)

            assert (await stayer, pool.stats()) == (OKAY, PoolStats(1, 1, 0))
            await pool.close()

    run(body())


def test_one_who_leaves_in_the_moment_of_the_handing_over_passes_it_on(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK, OK, OK)) as server:
            pool, tasks = Pool(PoolSettings(connections=1)), Tasks("test")
            first = await post(pool, server)
            leaver = spawn(ask(pool, server), name="ask", owner=tasks)
            stayer = spawn(ask(pool, server), name="ask", owner=tasks)
            await asyncio.sleep(0)

            # Woken by the same event that hands the connection over, this task cancels before the leaver has run.
            await first.read_all(10)
            leaver.cancel()

            assert (await stayer, pool.stats()) == (OKAY, PoolStats(1, 1, 0))
            await pool.close()

    run(body())


def test_too_long_a_line_and_too_long_a_wait_are_our_own_overload(run: Run) -> None:
    async def body() -> None:
        async with Server(answering()) as server:
            pool, tasks = Pool(PoolSettings(connections=1, waiting=1)), Tasks("test")
            first = await post(pool, server)
            waiting = spawn(failure(post(pool, server, deadlines=Deadlines(connect_s=0.05))), name="ask", owner=tasks)
            await asyncio.sleep(0)

            refused = await failure(post(pool, server))

            assert refused == ("overloaded", f"all 1 connections to `{server.place}` are busy and 1 requests wait for one; try again later")
            assert await waiting == (
                "overloaded",
                f"all 1 connections to `{server.place}` are busy and none came free within 0.05 s; try again later",
            )
            with pytest.raises(GatewayError) as caught:
                await post(pool, server, deadlines=Deadlines(connect_s=0.01))
            assert caught.value.source == "gateway"
            first.close()
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_an_idle_connection_expires(run: Run) -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.left()
        left.set()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool(PoolSettings(idle_s=0.02))
            await ask(pool, server)
            assert pool.stats() == PoolStats(1, 1, 0)

            await left.wait()

            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_a_server_that_keeps_connections_for_a_second_only_is_believed(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(b"HTTP/1.1 200 OK\r\nkeep-alive: timeout=1, max=5\r\ncontent-length: 0\r\n\r\n")) as server:
            pool = Pool()
            await ask(pool, server)

            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_a_closed_pool_ends_what_runs_and_opens_nothing(run: Run) -> None:
    async def body() -> None:
        async with Server(answering()) as server:
            pool, tasks = Pool(PoolSettings(connections=1)), Tasks("test")
            reply = await post(pool, server)
            waiting = spawn(failure(post(pool, server)), name="ask", owner=tasks)
            reading = spawn(failure(reply.head()), name="read", owner=tasks)
            await asyncio.sleep(0)

            await pool.close()

            closed = ("shutting_down", "the gateway is shutting down")
            assert [await waiting, await reading, await failure(post(pool, server))] == [closed] * 3

    run(body())
