"""Which address of several is reached."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator

import pytest
from scripted import Run

from dragoman.tasks import Tasks
from dragoman.upstream import dial
from dragoman.upstream.dial import alternate, look_up, reach

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def nobody() -> Iterator[socket.socket]:
    """A bound port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """A listener whose queue is full, so that the kernel lets further connections wait (Linux)."""
    with socket.socket() as server, socket.socket() as filler:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        filler.connect(server.getsockname())
        yield server


def test_families_take_turns_and_each_address_stands_once() -> None:
    assert alternate([(V6, "a"), (V6, "b"), (V6, "a"), (V4, "c"), (V6, "d")]) == [(V6, "a"), (V4, "c"), (V6, "b"), (V6, "d")]


def test_an_address_that_refuses_gives_way_at_once(run: Run, listener: socket.socket, nobody: socket.socket) -> None:
    async def body() -> None:
        tasks = Tasks("test")

        sock = await reach(asyncio.get_running_loop(), [(V4, nobody.getsockname()), (V4, listener.getsockname())], tasks)

        assert (sock.getpeername(), len(tasks)) == (listener.getsockname(), 0)
        sock.close()

    run(body())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where Linux lets wait")
def test_an_address_that_is_silent_is_overtaken(run: Run, listener: socket.socket, deaf: socket.socket) -> None:
    async def body() -> None:
        tasks = Tasks("test")

        sock = await reach(asyncio.get_running_loop(), [(V4, deaf.getsockname()), (V4, listener.getsockname())], tasks)

        assert sock.getpeername() == listener.getsockname()
        sock.close()
        await tasks.close()

    run(body())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where Linux lets wait")
def test_giving_up_ends_every_attempt(run: Run, deaf: socket.socket) -> None:
    async def body() -> None:
        tasks = Tasks("test")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await reach(asyncio.get_running_loop(), [(V4, deaf.getsockname()), (V4, ("127.0.0.1", 1))], tasks)
        await tasks.close()

        assert len(tasks) == 0

    run(body())


class Together:
    """An event loop whose connections come about in the same moment."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self._both = asyncio.Event()

    async def sock_connect(self, sock: socket.socket, address: object) -> None:
        self.sockets.append(sock)
        if len(self.sockets) == 2:
            self._both.set()
        await self._both.wait()


def test_of_two_that_answer_in_the_same_moment_the_spare_one_is_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "_HEAD_START_S", 0.0)

    async def body() -> None:
        loop, tasks = Together(), Tasks("test")

        sock = await reach(loop, [(V4, "one"), (V4, "two")], tasks)  # type: ignore[arg-type]
        await tasks.close()
        await asyncio.sleep(0)

        assert [each.fileno() == -1 for each in loop.sockets if each is not sock] == [True]
        assert sock.fileno() != -1
        sock.close()

    run(body())


def test_if_all_refuse_the_first_error_is_told(run: Run, nobody: socket.socket) -> None:
    async def body() -> None:
        with pytest.raises(ConnectionRefusedError):
            await reach(asyncio.get_running_loop(), [(V4, nobody.getsockname())] * 2, Tasks("test"))
        with pytest.raises(ConnectionRefusedError):
            await reach(asyncio.get_running_loop(), [(V4, nobody.getsockname())], Tasks("test"))

    run(body())


def test_an_address_needs_no_look_up(run: Run) -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()

        assert await look_up(loop, "127.0.0.1", 80) == [(V4, ("127.0.0.1", 80))]

    run(body())
