"""A process that stands still, as one that is stopped or on a machine that sleeps, and what arrives meanwhile."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable


async def stand_still(seconds: float, meanwhile: Callable[[], None]) -> None:
    """Block the loop where it hurts most: in a callback of a socket, after which the timers ring before the sockets are read again."""
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    over = asyncio.Event()

    def block() -> None:
        loop.remove_reader(here)
        meanwhile()
        time.sleep(seconds)
        over.set()

    with here, there:
        loop.add_reader(here, block)
        there.send(b"x")
        await over.wait()


def send_past_the_loop(writer: asyncio.StreamWriter, data: bytes) -> None:
    """At once, though the loop is blocked."""
    with socket.fromfd(writer.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.send(data)
