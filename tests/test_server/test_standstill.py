"""A server whose process stood still (stopped, or on a machine that slept): what arrived meanwhile is read before anybody is late."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from house import BODY, Client, get, go, house, post

from dragoman.core.exchange import Inbound
from dragoman.server.answer import Answer
from still import send_past_the_loop, stand_still

LIMIT_S = 2.0
STILL_S = 2.3
FINE = (200, 200, 200, 200)


@pytest.mark.long
def test_what_clients_sent_while_the_server_stood_still_is_answered() -> None:
    async def story() -> None:
        async with house(head_s=LIMIT_S, body_s=LIMIT_S, idle_s=LIMIT_S) as it:
            silent, begun, posting, idle = [await it.client() for _ in range(4)]
            await idle.ask(get("/health"))
            await begun.send(get("/health")[:10])
            await posting.send(post(body=BODY)[:-1])
            await _settle()

            def meanwhile() -> None:
                send_past_the_loop(silent.writer, get("/health"))
                send_past_the_loop(begun.writer, get("/health")[10:])
                send_past_the_loop(posting.writer, post(body=BODY)[-1:])
                send_past_the_loop(idle.writer, get("/health"))

            await stand_still(STILL_S, meanwhile)

            answers = [await client.answer() for client in (silent, begun, posting, idle)]
            assert tuple(answer.status for answer in answers) == FINE

    go(story())


@pytest.mark.long
def test_a_client_that_read_while_the_server_stood_still_is_not_dropped() -> None:
    async def story() -> None:
        written, ended = 0, False

        async def pour(runtime: str, inbound: Inbound, outbound: Answer) -> None:
            nonlocal written, ended
            try:
                await outbound.start(200, ())
                while True:
                    await outbound.write(b"x" * 100_000)
                    written += 1
            finally:
                ended = True

        async def waits() -> int:
            before = -1
            while before != written:
                before = written
                await _settle()
            return before

        async with house(pour, write_stall_s=LIMIT_S) as it:
            client = await it.client()
            client.writer.transport.pause_reading()
            await client.send(post())
            while not written:
                await _settle()
            before = await waits()

            await stand_still(STILL_S, lambda: _read(client))
            while written == before and not ended:
                await _settle()

            assert not ended
            client.close()

    go(story())


def _read(client: Client) -> None:
    """What has arrived, past the loop."""
    number = client.writer.get_extra_info("socket").fileno()
    with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as sock, contextlib.suppress(BlockingIOError):
        while sock.recv(1 << 20, socket.MSG_DONTWAIT):
            pass


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
