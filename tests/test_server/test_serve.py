"""Starting where nothing is in the way, and stopping without cutting anybody short."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading

import pytest
from house import ABOUT, BODY, Held, echo, get, go, house, identify_ada, make_app, post
from msgspec.structs import replace

from dragoman.core.exchange import Inbound
from dragoman.ir.errors import GatewayError
from dragoman.server.answer import Answer as Outgoing
from dragoman.server.listen import check_exposure, find_holder, open_sockets
from dragoman.server.serve import Address, Server, running, serve
from dragoman.server.settings import ServerSettings


class Gate:
    """An exchange that begins, says so, and ends when it is let."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended = asyncio.Event()

    async def handle(self, runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        self.began.set()
        try:
            await outbound.start(200, ())
            await outbound.write(b"first ")
            await self.go_on.wait()
            await outbound.write(b"last")
            await outbound.finish()
        finally:
            self.ended.set()


async def wait_before_answering(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
    await asyncio.Event().wait()


def test_a_running_answer_is_finished_and_an_idle_connection_closed_at_once() -> None:
    async def story() -> None:
        gate = Gate()
        stopping = asyncio.Event()

        async def serve_until_told() -> None:
            async with house(gate.handle, shutdown_grace_s=20.0) as it:
                ready.set_result(it)
                await stopping.wait()

        ready: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        serving = asyncio.ensure_future(serve_until_told())
        it = await ready
        idle, busy = await it.client(), await it.client()  # type: ignore[attr-defined]
        await idle.ask(get("/health"))
        await busy.send(post())
        await gate.began.wait()
        stopping.set()

        assert await idle.is_closed()
        with pytest.raises(ConnectionRefusedError):
            await it.client()  # type: ignore[attr-defined]
        gate.go_on.set()
        assert (await busy.answer()).body == b"first last"
        assert await busy.is_closed()
        await serving

    go(story())


def test_requests_that_come_during_shutdown_on_kept_connections_are_refused() -> None:
    async def story() -> None:
        gate = Gate()
        app = make_app(gate.handle)
        server = Server(app, open_sockets("127.0.0.1", 0))
        await server.start()
        reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
        half, half_writer = await asyncio.open_connection(server.address.host, server.address.port)
        half_writer.write(b"GET /health HTTP/1.1\r\n")
        writer.write(post() + get("/health"))
        await gate.began.wait()
        stopping = asyncio.ensure_future(server.stop(20))
        await asyncio.sleep(0)
        gate.go_on.set()
        half_writer.write(b"Host: localhost\r\n\r\n")

        answers = (await reader.read(), await half.read())
        assert answers[0].startswith(b"HTTP/1.1 200 OK\r\n")
        for answer in (answers[0][15:], answers[1]):
            assert b"HTTP/1.1 503 Service Unavailable\r\n" in answer
            assert b"connection: close\r\n" in answer
            assert b"the gateway is shutting down; try again in a moment" in answer
        await stopping

    go(story())


def test_after_the_grace_a_silent_request_gets_a_sentence_and_a_begun_answer_is_cut() -> None:
    async def story() -> None:
        gate = Gate()

        async def either(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            await (gate.handle if inbound.dialect == "chat" else wait_before_answering)(runtime, inbound, outbound)

        async with house(either, shutdown_grace_s=0.0) as it:
            silent, begun = await it.client(), await it.client()
            await silent.send(post("/v1/responses"))
            await begun.send(post("/v1/chat/completions"))
            await gate.began.wait()

        assert (await silent.answer()).status == 503
        with contextlib.suppress(ConnectionResetError):
            assert (await begun.reader.read()).endswith(b"6\r\nfirst \r\n")
        assert gate.ended.is_set()

    go(story())


def test_a_signal_stops_the_server_and_a_second_one_ends_what_runs() -> None:
    async def story() -> None:
        gate = Gate()
        ready: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
        serving = asyncio.ensure_future(serve(make_app(gate.handle, shutdown_grace_s=1000.0), ready.set_result))
        address = await ready
        _, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(post())
        await gate.began.wait()

        os.kill(os.getpid(), signal.SIGTERM)
        done, _ = await asyncio.wait([serving], timeout=0.05)
        assert not done
        os.kill(os.getpid(), signal.SIGINT)
        await serving

        assert gate.ended.is_set()

    go(story())


def test_a_port_that_is_taken_is_told_with_its_holder() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(GatewayError) as refused:
            open_sockets("127.0.0.1", port)

    assert refused.value.message.startswith(f"port {port} on `127.0.0.1` is taken by `")
    assert refused.value.message.endswith(f"(pid {os.getpid()}); stop it, or choose another port with `--port {port + 1}`")


def test_a_holder_that_cannot_be_seen_is_not_made_up(tmp_path: object) -> None:
    assert find_holder(8080, proc=tmp_path) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "two..dots", "x" * 64])
def test_a_host_without_an_address_is_told(host: str) -> None:
    with pytest.raises(GatewayError) as refused:
        open_sockets(host, 0)

    assert refused.value.message.startswith(f"cannot listen on `{host}`: the name has no address (")


@pytest.mark.parametrize(("given", "host"), [("[::1]", "::1"), ("::1", "::1"), ("127.0.0.1", "127.0.0.1")])
def test_an_address_is_meant_with_brackets_and_without(given: str, host: str) -> None:
    assert ServerSettings(host=given).host == host


def test_localhost_is_listened_to_on_one_port_for_all_its_addresses() -> None:
    opened = open_sockets("localhost", 0)
    try:
        assert len({listener.getsockname()[1] for listener in opened}) == 1
        assert "127.0.0.1" in {listener.getsockname()[0] for listener in opened}
    finally:
        for listener in opened:
            listener.close()


def test_the_network_is_listened_to_only_with_keys() -> None:
    for host in ("0.0.0.0", "192.168.1.7", "::", "box.lan"):
        check_exposure(ServerSettings(host=host), closed=True)
        with pytest.raises(GatewayError) as refused:
            check_exposure(ServerSettings(host=host), closed=False)
        assert refused.value.message.startswith(f"refusing to listen on `{host}` without client keys: ")
    for host in ("127.0.0.1", "localhost", "::1", "127.3.2.1"):
        check_exposure(ServerSettings(host=host), closed=False)


def test_an_open_gateway_is_not_served_to_the_network_unless_told() -> None:
    async def story() -> None:
        with pytest.raises(GatewayError):
            async with running(make_app(host="0.0.0.0")):
                pass
        async with running(make_app(host="0.0.0.0"), is_exposed=True) as address:
            assert address.port > 0
        async with running(make_app(about=replace(ABOUT, closed=True, identify=identify_ada), host="0.0.0.0")) as address:
            assert address.port > 0

    go(story())


def test_an_address_is_the_start_of_a_url() -> None:
    assert Address("127.0.0.1", 80).url == "http://127.0.0.1:80"
    assert Address("::1", 80).url == "http://[::1]:80"


def test_every_answer_has_a_date() -> None:
    async def story() -> None:
        async with house() as it:
            assert (await it.ask(get("/health"))).headers["date"].endswith(" GMT")

    go(story())


def test_the_server_leaves_no_thread_and_no_task_behind() -> None:
    async def story() -> None:
        # Threads of other tests may end meanwhile.
        before, tasks = set(threading.enumerate()), asyncio.all_tasks()
        async with house(echo) as it:
            await it.ask(post(body=BODY))

        assert set(threading.enumerate()) <= before
        assert asyncio.all_tasks() == tasks

    go(story())


def test_an_answer_that_begins_during_shutdown_says_that_it_is_the_last() -> None:
    async def story() -> None:
        held = Held()
        server = Server(make_app(held.handle), open_sockets("127.0.0.1", 0))
        await server.start()
        reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
        writer.write(post())
        await held.began.wait()
        stopping = asyncio.ensure_future(server.stop(20))
        await asyncio.sleep(0)
        held.go_on.set()

        assert b"\r\nconnection: close\r\n" in await reader.read()
        await stopping

    go(story())
