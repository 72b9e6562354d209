"""What goes over the wire is one proper HTTP answer, whatever the exchange says and however it is cut."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from house import get, go, house, post

from dragoman.agents.registry import recognise
from dragoman.core.answer import refuse, word_for
from dragoman.core.exchange import Inbound
from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.server.answer import Answer as Outgoing
from dragoman.server.answer import HalfClosing


def test_head_and_first_bytes_go_out_together() -> None:
    async def stream(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        await outbound.start(200, (("content-type", "text/event-stream"),))
        await outbound.write(b"data: 1\n\n")
        await outbound.write(b"")
        await outbound.write(b"data: 2\n\n")
        await outbound.finish()

    async def story() -> None:
        async with house(stream) as it:
            client = await it.client()
            await client.send(post())
            first = await client.reader.read(65536)

            assert first.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
            assert b"\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n" in first

    go(story())


def test_a_head_without_a_body_does_not_wait_for_one() -> None:
    async def hang(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        await outbound.start(200, ())
        await asyncio.Event().wait()

    async def story() -> None:
        async with house(hang) as it:
            client = await it.client()
            await client.send(post())

            assert (await client.answer(head_only=True)).status == 200

    go(story())


def test_http_1_0_gets_no_chunks_but_an_end() -> None:
    async def stream(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        await outbound.start(200, ())
        await outbound.write(b"one ")
        await outbound.write(b"two")
        await outbound.finish()

    async def story() -> None:
        async with house(stream) as it:
            client = await it.client()
            await client.send(post().replace(b"HTTP/1.1", b"HTTP/1.0"))

            head, _, body = (await client.reader.read()).partition(b"\r\n\r\n")
            assert (b"connection: close" in head, body) == (True, b"one two")

    go(story())


@pytest.mark.parametrize("headers", [(("x-a", "b\r\nx-evil: 1"),), (("x-a\r\nx-evil", "1"),), (("x a", "1"),), (("x-a", "\x00"),)])
def test_a_header_that_would_be_two_is_not_sent(headers: tuple[tuple[str, str], ...]) -> None:
    async def split(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        await outbound.start(200, headers)

    async def story() -> None:
        async with house(split) as it:
            answer = await it.ask(post())

            assert (answer.status, "x-evil" in answer.headers) == (500, False)
            assert answer.message == "the gateway failed on this request; its log says why"

    go(story())


@pytest.mark.parametrize("body", [b"more than five", b"less"])
def test_a_body_that_is_not_as_long_as_announced_ends_the_connection(body: bytes) -> None:
    async def lie(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        await outbound.start(200, (("content-length", "5"),))
        await outbound.write(body)
        await outbound.finish()

    async def story() -> None:
        async with house(lie) as it:
            client = await it.client()
            await client.send(post())

            assert b"more" not in await client.reader.read()

    go(story())


def test_a_204_has_no_body_and_keeps_the_connection() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            await client.send(get("/v1/models", method="OPTIONS") + get("/health"))

            assert (await client.answer()).status == 204
            assert (await client.answer()).status == 200

    go(story())


class Kept:
    """An outbound that keeps what it is told."""

    def __init__(self, started: bool = False) -> None:
        self.started = started
        self.disconnected = False
        self.told: list[Any] = []

    async def start(self, status: int, headers: Any) -> None:
        self.told.append((status, dict(headers)))

    async def write(self, chunk: bytes) -> None:
        self.told.append(chunk)

    def push(self, chunk: bytes) -> bool:
        self.told.append(chunk)
        return True

    async def finish(self) -> None:
        self.told.append("end")

    async def whole(self, status: int, headers: Any, body: bytes) -> None:
        self.told.append((status, dict(headers), body))


def _inbound() -> Inbound:
    return Inbound("responses", "/v1", "/responses", "", {}, b"", "", 0.0)


def _record() -> Record:
    return Record("ex_1", 0.0)


def test_an_error_is_worded_by_the_dialect_where_the_client_is_nobody_in_particular() -> None:
    error = GatewayError(Kind.OVERLOADED, "busy")

    assert word_for(error, "chat", {"user-agent": "curl/8"}) == dialect("chat").write_error(error)


def test_a_providers_own_error_body_is_told_as_it_came() -> None:
    error = GatewayError(Kind.INVALID_REQUEST, "bad", status=422, body=b'{"error":{"message":"bad","own":1}}')

    status, _, body = word_for(error, "chat", {})

    assert (status, body) == (422, b'{"error":{"message":"bad","own":1}}')


def test_a_refusal_names_its_exchange_and_is_recorded() -> None:
    kept = Kept()
    error = GatewayError(Kind.MODEL_NOT_FOUND, "no such model")
    status, _, body = word_for(error, "responses", {})

    record = _record()

    asyncio.run(refuse(error, _inbound(), kept, recognise({}), record))

    ((told_status, headers, told_body),) = kept.told
    assert (told_status, told_body, headers["x-dragoman-exchange"]) == (status, body, "ex_1")
    assert (record.status, record.bytes_out) == (status, len(body))


def test_nothing_is_said_over_an_answer_that_has_begun() -> None:
    kept = Kept(started=True)

    asyncio.run(refuse(GatewayError(Kind.CUT, "cut"), _inbound(), kept, recognise({}), _record()))

    assert kept.told == []


def test_half_closing_leaves_the_reading_side_open() -> None:
    calls: list[str] = []

    class Transport(asyncio.Transport):
        def close(self) -> None:
            calls.append("close")

    HalfClosing(Transport(), lambda: calls.append("linger")).close()

    assert calls == ["linger"]
