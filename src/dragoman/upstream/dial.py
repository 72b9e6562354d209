"""From a host name to a connected socket: look up its addresses, and take the first that answers (happy eyeballs, RFC 8305)."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

from dragoman.tasks import Tasks, spawn

_HEAD_START_S = 0.25
"""What an address gets before the next one is tried beside it (RFC 8305, section 5)."""

Address = tuple[int, Any]
"""Family, and the socket address of that family."""


async def look_up(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[Address]:
    """The addresses of a name, families by turns, the resolver's first choice first (RFC 8305, section 4). Raises OSError."""
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return alternate((info[0], info[4]) for info in infos)


def alternate(addresses: Iterable[Address]) -> list[Address]:
    """Each address once, families by turns."""
    families: dict[int, list[Address]] = {}
    for address in dict.fromkeys(addresses):
        families.setdefault(address[0], []).append(address)
    return [address for address in chain.from_iterable(zip_longest(*families.values())) if address is not None]


async def reach(loop: asyncio.AbstractEventLoop, addresses: list[Address], tasks: Tasks) -> socket.socket:
    """A connected socket to the first address that answers. The next one joins when the one before fails or its head start is
    over. Raises the OSError of the first address if all fail."""
    if len(addresses) > 1:
        return await _race(loop, deque(addresses), tasks)
    got = await _try(loop, addresses[0])
    if isinstance(got, OSError):
        raise got
    return got


async def _race(loop: asyncio.AbstractEventLoop, waiting: deque[Address], tasks: Tasks) -> socket.socket:
    running: list[asyncio.Task[socket.socket | OSError]] = []
    errors: list[OSError] = []
    try:
        while waiting or running:
            if waiting:
                running.append(spawn(_try(loop, waiting.popleft()), name="connect", owner=tasks))
            await asyncio.wait(running, timeout=_HEAD_START_S if waiting else None, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                running.remove(task)
                got = task.result()
                if not isinstance(got, OSError):
                    return got
                errors.append(got)
        raise errors[0]
    finally:
        for task in running:
            task.add_done_callback(_close_spare)
            task.cancel()


async def _try(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket | OSError:
    family, target = address
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return error
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await loop.sock_connect(sock, target)
    except OSError as error:
        sock.close()
        return error
    except BaseException:
        sock.close()
        raise
    return sock


def _close_spare(task: asyncio.Task[socket.socket | OSError]) -> None:
    if not task.cancelled() and isinstance(got := task.result(), socket.socket):
        got.close()
