"""Make a connection: find addresses, reach the quickest, ask the proxy for a tunnel, agree on TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest
from typing import Any

import httptools

from dragoman.ir.errors import GatewayError, Kind
from dragoman.tasks import Tasks, spawn
from dragoman.upstream import faults
from dragoman.upstream.connection import Connection
from dragoman.upstream.origin import Origin
from dragoman.upstream.proxy import Proxy

_HEAD_START_S = 0.25
"""What an address gets before the next one is tried beside it (RFC 8305, section 5)."""
_TUNNEL_HEAD_BYTES = 16 * 1024
_HANDSHAKE = "the TLS handshake"

_Address = tuple[Any, ...]
"""(family, socket address)."""


def tls_context() -> ssl.SSLContext:
    """The system's trust store (or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name), names always checked, HTTP/1.1 asked for."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Connecting:
    """One attempt to connect; `stage` says what it is waiting for."""

    def __init__(self, origin: Origin, proxy: Proxy | None, context: ssl.SSLContext | None, tasks: Tasks) -> None:
        self.stage = "the name look-up"
        self._origin = origin
        self._proxy = proxy
        self._context = context
        self._tasks = tasks

    async def run(self, make: Callable[[], Connection], limit_s: float) -> Connection:
        """A connection that is ready for requests. Raises GatewayError unreachable or timeout."""
        try:
            async with asyncio.timeout(limit_s):
                return await self._connect(make, limit_s)
        except (OSError, UnicodeError) as error:
            raise self._fault(error, limit_s) from error

    def _fault(self, error: OSError | UnicodeError, limit_s: float) -> GatewayError:
        place, proxy = self._origin.place, self._proxy
        # The system's own ETIMEDOUT is a TimeoutError too, but has a number.
        if isinstance(error, TimeoutError) and error.errno is None:
            way = place if proxy is None else f"{place}` through the proxy `{proxy.place}"
            return faults.connect_timeout(way, self.stage, limit_s)
        return faults.connect_fault(error, place if proxy is None or self.stage == _HANDSHAKE else proxy.place)

    async def _connect(self, make: Callable[[], Connection], limit_s: float) -> Connection:
        loop = asyncio.get_running_loop()
        first = self._proxy or self._origin
        sock = await self._reach(loop, first.host, first.port)
        try:
            if self._proxy is not None and self._context is not None:
                self.stage = "the tunnel through the proxy"
                await _tunnel(loop, sock, self._origin, self._proxy)
        except BaseException:
            sock.close()
            raise
        if self._context is None:
            _, connection = await loop.create_connection(make, sock=sock)
            return connection
        self.stage = _HANDSHAKE
        _, connection = await loop.create_connection(
            make, sock=sock, ssl=self._context, server_hostname=self._origin.host, ssl_handshake_timeout=limit_s + 1.0
        )
        return connection

    async def _reach(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = _alternate((info[0], info[4]) for info in infos)
        self.stage = "the TCP connection"
        if len(addresses) == 1:
            got = await _try(loop, addresses[0])
            if isinstance(got, OSError):
                raise got
            return got
        return await self._race(loop, deque(addresses))

    async def _race(self, loop: asyncio.AbstractEventLoop, waiting: deque[_Address]) -> socket.socket:
        """Happy eyeballs: the next address joins when the one before fails or its head start is over; the first to answer wins."""
        running: set[asyncio.Task[socket.socket | OSError]] = set()
        errors: list[OSError] = []
        try:
            while waiting or running:
                if waiting:
                    running.add(spawn(_try(loop, waiting.popleft()), name="connect", owner=self._tasks))
                done, running = await asyncio.wait(running, timeout=_HEAD_START_S if waiting else None, return_when=asyncio.FIRST_COMPLETED)
                sockets: list[socket.socket] = []
                for task in done:
                    got = task.result()
                    (errors if isinstance(got, OSError) else sockets).append(got)  # type: ignore[arg-type]
                for spare in sockets[1:]:
                    spare.close()
                if sockets:
                    return sockets[0]
            raise errors[0]
        finally:
            for task in running:
                task.add_done_callback(_close_spare)
                task.cancel()


async def _try(loop: asyncio.AbstractEventLoop, address: _Address) -> socket.socket | OSError:
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


def _alternate(addresses: Iterable[_Address]) -> list[_Address]:
    """Families by turns, the resolver's first choice first (RFC 8305, section 4)."""
    families: dict[Any, list[_Address]] = {}
    for address in dict.fromkeys(addresses):
        families.setdefault(address[0], []).append(address)
    return [address for address in chain.from_iterable(zip_longest(*families.values())) if address is not None]


# ---- the tunnel ------------------------------------------------------------------------------------------------------------


class _Answer:
    """What a proxy says to CONNECT."""

    def __init__(self) -> None:
        self.status = 0
        self._parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        self.status = max(self.status, self._parser.get_status_code())

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)


async def _tunnel(loop: asyncio.AbstractEventLoop, sock: socket.socket, origin: Origin, proxy: Proxy) -> None:
    """CONNECT (RFC 9110, section 9.3.6). The far side must not speak before TLS does, so nothing may follow the proxy's head."""
    await loop.sock_sendall(sock, f"CONNECT {origin.place} HTTP/1.1\r\nhost: {origin.place}\r\n{proxy.lines}\r\n".encode("latin-1"))
    head = b""
    while b"\r\n\r\n" not in head:
        data = await loop.sock_recv(sock, 4096)
        head += data
        if not data or len(head) > _TUNNEL_HEAD_BYTES:
            raise _refused(proxy, origin, "it closed the connection" if not data else "its answer is too long")
    answer = _Answer()
    try:
        answer.feed(head[: head.index(b"\r\n\r\n") + 4])
    except httptools.HttpParserError as error:
        if not answer.status:
            raise _refused(proxy, origin, "its answer is not HTTP") from error
    if answer.status == 407:
        raise _refused(proxy, origin, "it asks for a user and a password (407); write the proxy as `http://user:password@host:port`")
    if not 200 <= answer.status < 300:
        raise _refused(proxy, origin, f"it answered with status {answer.status}")
    if not head.endswith(b"\r\n\r\n") or head.count(b"\r\n\r\n") > 1:
        raise _refused(proxy, origin, "it sent bytes before the tunnel was in use")


def _refused(proxy: Proxy, origin: Origin, why: str) -> GatewayError:
    return GatewayError(
        Kind.UNREACHABLE,
        f"the proxy `{proxy.place}` gave no tunnel to `{origin.place}`: {why}; check the proxy variables",
        source="upstream",
    )
