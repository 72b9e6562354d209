"""Each limit of a connection is met with a sentence and a close; whoever leaves takes the running request along."""

from __future__ import annotations

import asyncio
import socket

import pytest
from house import ABOUT, BODY, Answer, Client, echo, get, go, house, identify_ada, post
from msgspec.structs import replace

from dragoman.core.exchange import Inbound
from dragoman.server.answer import Answer as Outgoing


async def refused(client: Client) -> Answer:
    """The answer, which must be the connection's last."""
    answer = await client.answer()
    assert answer.headers["connection"] == "close"
    assert await client.is_closed()
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "reason"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "Duplicate Content-Length"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "can't be present with"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "invalid `Transfer-Encoding`"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "`Transfer-Encoding`"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", "Invalid character in Content-Length"),
        (b"GET / HTTP/1.1\nHost: a\n\n", "Expected CRLF"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "whitespace after header value"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "Invalid header token"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "Invalid method"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI"),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", ""),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "its target is no path"),
    ],
)
def test_what_is_not_proper_http_is_refused(request_bytes: bytes, reason: str) -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            await client.send(request_bytes)

            answer = await refused(client)
            assert answer.status == 400
            assert answer.message.startswith("the request is not proper HTTP/1.1: ")
            assert reason in answer.message

    go(story())


def test_too_many_headers_are_refused() -> None:
    async def story() -> None:
        async with house(header_count=3) as it:
            assert (await it.ask(get("/health", "A: 1", "B: 2"))).status == 200

            client = await it.client()
            await client.send(get("/health", "A: 1", "B: 2", "C: 3"))
            answer = await refused(client)
            assert (answer.status, answer.message) == (431, "the request has 4 headers; the limit is 3")

    go(story())


def test_headers_that_are_too_large_together_are_refused() -> None:
    async def story() -> None:
        async with house(header_bytes=40) as it:
            assert (await it.ask(get("/health", "A: " + "a" * 26))).status == 200

            client = await it.client()
            await client.send(get("/health", "A: " + "a" * 27))
            answer = await refused(client)
            assert (answer.status, answer.message) == (431, "the request's headers are larger than 40 bytes")

    go(story())


def test_a_header_without_end_is_refused_while_it_is_sent() -> None:
    async def story() -> None:
        async with house(header_bytes=1000, target_bytes=1000) as it:
            client = await it.client()
            await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            for _ in range(3):
                await client.send(b"x" * 1000)

            assert (await refused(client)).status == 431

    go(story())


def test_what_is_refused_before_an_exchange_is_counted_by_kind() -> None:
    async def story() -> None:
        async with house(header_bytes=100, body_bytes=10, about=replace(ABOUT, identify=identify_ada)) as it:
            for wrong in (b"NOT HTTP\r\n\r\n", get("/health", "A: " + "a" * 100), get("/health", "A: " + "b" * 100)):
                client = await it.client()
                await client.send(wrong)
                await refused(client)
            await it.ask(post("/v1/responses", b"x" * 11, "Authorization: Bearer ada-key"))
            await it.ask(get("/metrics"))
            await it.ask(get("/nowhere"))
            await it.ask(post(body=b'{"a":1}'))

            assert it.app.refusals == {"invalid_request": 1, "too_large": 3, "authentication": 1}

    go(story())


def test_a_target_that_is_too_long_is_refused() -> None:
    async def story() -> None:
        async with house(target_bytes=7) as it:
            client = await it.client()
            assert (await client.ask(get("/health"))).status == 200
            await client.send(get("/health?"))

            answer = await refused(client)
            assert (answer.status, answer.message) == (414, "the request's path and query are longer than 7 bytes")

    go(story())


@pytest.mark.long
def test_headers_that_do_not_come_in_time_are_refused() -> None:
    async def story() -> None:
        # Long enough for the first byte to be read: who is late with that one is told nothing.
        async with house(head_s=2.0) as it:
            client = await it.client()
            await client.send(b"GET / HTTP/1.1\r\nHost")

            answer = await refused(client)
            assert (answer.status, answer.message) == (408, "the request's headers were not complete within 2 s")

    go(story())


def test_a_byte_now_and_then_does_not_win_time() -> None:
    async def story() -> None:
        async with house(head_s=2.0) as it:
            client = await it.client()
            answer = asyncio.ensure_future(client.answer())
            while not answer.done():
                client.writer.write(b"G" if not client.writer.transport.is_closing() else b"")
                await asyncio.sleep(0.005)

            assert answer.result().status in (400, 408)

    go(story())


def test_a_connection_that_says_nothing_is_closed() -> None:
    async def story() -> None:
        async with house(head_s=0.05) as it:
            assert await (await it.client()).is_closed()

    go(story())


def test_empty_lines_do_not_keep_an_idle_connection() -> None:
    async def story() -> None:
        async with house(idle_s=0.05) as it:
            client = await it.client()
            await client.ask(get("/health"))
            await client.send(b"\r\n\r\n")

            assert await client.is_closed()

    go(story())


def test_a_body_that_does_not_come_in_time_is_refused() -> None:
    async def story() -> None:
        async with house(body_s=0.05) as it:
            client = await it.client()
            await client.send(post(body=BODY)[:-1])

            answer = await refused(client)
            assert (answer.status, answer.message) == (408, "the request's body was not complete within 0.05 s")

    go(story())


def test_a_chunk_that_is_no_chunk_is_refused() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            head = get("/v1/responses", "Transfer-Encoding: chunked", "Content-Type: application/json", method="POST")
            await client.send(head + b"2\r\n{}\r\nzz\r\n")

            answer = await refused(client)
            assert (answer.status, answer.message) == (400, "the request is not proper HTTP/1.1: Invalid character in chunk size")

    go(story())


def test_one_connection_too_many_is_told_so_and_the_others_live() -> None:
    async def story() -> None:
        async with house(connections=1) as it:
            first = await it.client()
            await first.ask(get("/health"))
            second = await it.client()
            await second.send(get("/health"))

            answer = await refused(second)
            assert (answer.status, answer.message) == (503, "the gateway has its 1 connections open already; try again in a moment")
            assert (await first.ask(get("/health"))).status == 200

    go(story())


def test_far_too_many_connections_are_dropped() -> None:
    async def story() -> None:
        async with house(connections=1) as it:
            first = await it.client()
            await first.ask(get("/health"))
            second = await it.client()
            third = await it.client()

            assert await third.is_closed()
            second.close()

    go(story())


def test_a_refused_client_can_read_why_while_it_still_sends() -> None:
    async def story() -> None:
        async with house(body_bytes=10) as it:
            client = await it.client()
            await client.send(get("/v1/responses", "Content-Length: 50000000", "Content-Type: application/json", method="POST"))
            for _ in range(50):
                await client.send(b"x" * 100_000)

            answer = await client.answer()
            assert (answer.status, answer.message) == (
                413,
                "the request's body is larger than 10 bytes; the limit is `server.limits.body_bytes`",
            )
            assert answer.headers["connection"] == "close"
            assert await client.is_closed()

    go(story())


def test_requests_in_a_pipeline_are_answered_one_after_another() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            await client.send(post("/v1/responses") + get("/health") + post("/v1/chat/completions?q=1", b"{}") + get("/v1/models"))

            answers = [await client.answer() for _ in range(4)]
            assert [answer.status for answer in answers] == [200] * 4
            assert [answers[0].json["size"], answers[2].json["query"]] == [13, "q=1"]

    go(story())


@pytest.mark.long
def test_a_body_that_nobody_reads_yet_is_not_late() -> None:
    async def story() -> None:
        go_on = asyncio.Event()

        async def wait(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            await go_on.wait()
            await echo(runtime, inbound, outbound)

        async with house(wait, body_s=1.0) as it:
            client = await it.client()
            await client.send(post() + post()[:-1])
            await asyncio.sleep(1.3)
            go_on.set()
            first = await client.answer()
            await client.send(post()[-1:])

            assert (first.status, (await client.answer()).status) == (200, 200)

    go(story())


def test_a_bad_request_in_a_pipeline_is_refused_after_the_good_one_is_answered() -> None:
    async def story() -> None:
        go_on = asyncio.Event()

        async def wait(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            await go_on.wait()
            await echo(runtime, inbound, outbound)

        async with house(wait) as it:
            client = await it.client()
            await client.send(post() + b"rubbish\r\n\r\n")
            go_on.set()

            assert (await client.answer()).status == 200
            assert (await refused(client)).status == 400

    go(story())


def test_a_body_in_many_pieces_is_put_together() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            head = get("/v1/responses", "Transfer-Encoding: chunked", "Content-Type: application/json", method="POST")
            await client.send(head + b"1\r\nx\r\n" * 3000 + b"186a0\r\n" + b"y" * 100_000 + b"\r\n")
            await client.send(b"3;ext=1\r\nzzz\r\n0\r\n\r\n")

            assert (await client.answer()).json["size"] == 103_003

    go(story())


def test_expect_100_continue_is_answered_when_the_body_is_wanted() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            await client.send(post("/v1/responses", BODY, "Expect: 100-continue")[: -len(BODY)])
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

            assert (await client.ask(BODY)).json["size"] == len(BODY)

    go(story())


def test_expect_100_continue_is_refused_at_once_when_the_body_is_too_large() -> None:
    async def story() -> None:
        async with house(body_bytes=5) as it:
            client = await it.client()
            await client.send(post("/v1/responses", BODY, "Expect: 100-continue")[: -len(BODY)])

            assert (await client.answer()).status == 413

    go(story())


@pytest.mark.parametrize("size", [13, 300_000])
def test_a_client_that_leaves_ends_its_request_at_once(size: int) -> None:
    async def story() -> None:
        began, ended = asyncio.Event(), asyncio.Event()

        async def hang(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.set()
                raise

        async with house(hang) as it:
            client = await it.client()
            await client.send(post(body=b"x" * size))
            await began.wait()
            client.close()
            await ended.wait()

            assert it.app.running == 0

    go(story())


def test_a_client_that_leaves_between_two_pieces_ends_its_request() -> None:
    async def story() -> None:
        ended = asyncio.Event()

        async def stream(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            await outbound.start(200, ())
            await outbound.write(b"first")
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async with house(stream) as it:
            client = await it.client()
            await client.send(post())
            await client.answer(head_only=True)
            client.close()

            await ended.wait()

    go(story())


def test_settling_after_the_answer_is_not_disturbed_by_a_client_that_leaves() -> None:
    async def story() -> None:
        left, settled = asyncio.Event(), asyncio.Event()

        async def settle(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            await echo(runtime, inbound, outbound)
            await left.wait()
            settled.set()

        async with house(settle) as it:
            client = await it.client()
            await client.ask(post())
            client.close()
            probe = await it.client()
            await probe.ask(get("/health"))
            left.set()

            await settled.wait()

    go(story())


def slow_reader(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    sock.sendall(post())
    return sock


def test_a_slow_client_holds_the_writer_back() -> None:
    async def story() -> None:
        written = 0
        waits = asyncio.Event()

        async def pour(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            nonlocal written
            await outbound.start(200, ())
            for _ in range(10_000):
                task = asyncio.ensure_future(outbound.write(b"x" * 10_000))
                done, _ = await asyncio.wait([task], timeout=0.3)
                if not done:
                    waits.set()
                await task
                written += 10_000

        async with house(pour) as it:
            sock = slow_reader(it.address.port)
            await waits.wait()

            # What the kernel's own buffers take is not ours to bound (some MB on loopback); 100 MB are not in them.
            assert written < 20_000_000
            sock.close()

    go(story())


def test_a_client_that_reads_no_more_is_dropped() -> None:
    async def story() -> None:
        ended = asyncio.Event()

        async def pour(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            try:
                await outbound.start(200, ())
                while True:
                    await outbound.write(b"x" * 100_000)
            finally:
                ended.set()

        async with house(pour, write_stall_s=0.05) as it:
            sock = slow_reader(it.address.port)
            await ended.wait()
            sock.close()

    go(story())


def test_a_post_that_offers_h2c_is_answered_as_http_1() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB")
            answer = await client.ask(post("/v1/responses", BODY, *offer))

            assert answer.json["size"] == len(BODY)

    go(story())


def test_a_body_that_follows_an_offer_of_h2c_later_is_waited_for() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            offer = post("/v1/responses", BODY, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
            await client.send(offer[: -len(BODY)])
            await it.ask(get("/health"))

            assert (await client.ask(BODY)).json["size"] == len(BODY)

    go(story())


def test_a_request_that_has_begun_is_not_idle() -> None:
    async def story() -> None:
        async with house(idle_s=0.02) as it:
            begun, idle = await it.client(), await it.client()
            await begun.ask(get("/health"))
            await begun.send(get("/health")[:-4])
            await idle.ask(get("/health"))
            await it.ask(get("/health"))
            assert await idle.is_closed()

            assert (await begun.ask(b"\r\n\r\n")).status == 200

    go(story())


@pytest.mark.parametrize("cut", [0, 1, 5, 18, 40, 60])
def test_a_version_is_read_where_it_stands_and_nowhere_else(cut: int) -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            tricky = b"GET /health HTTP/1.0\r\nHost: localhost\r\nX: a HTTP/1.1\r\nY: HTTP/1.1\r\n\r\n"
            first = get("/health") + tricky[:cut]
            await client.send(first)
            assert (await client.answer()).status == 200
            await it.ask(get("/health"))
            await client.send(tricky[cut:])

            assert (await client.answer()).headers["connection"] == "close"
            assert await client.is_closed()

    go(story())
