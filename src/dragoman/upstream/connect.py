"""Make a connection: reach the host or its proxy, ask for a tunnel, agree on TLS; all within one deadline."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import httptools

from dragoman.ir.errors import GatewayError, Kind
from dragoman.tasks import Tasks
from dragoman.upstream import faults
from dragoman.upstream.alarm import within
from dragoman.upstream.connection import Connection
from dragoman.upstream.dial import look_up, reach
from dragoman.upstream.origin import Origin
from dragoman.upstream.proxy import Proxy

_TUNNEL_HEAD_BYTES = 16 * 1024
_HANDSHAKE = "the TLS handshake"
_NO_OTHER_LIMIT_S = 86_400.0
"""The event loop's own limit for a handshake: ours comes first, and knows when the process stood still."""


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
            async with within(limit_s):
                return await self._connect(make)
        except (OSError, UnicodeError) as error:
            raise self._fault(error, limit_s) from error

    def _fault(self, error: OSError | UnicodeError, limit_s: float) -> GatewayError:
        # The handshake is with the provider: the proxy is past then.
        place, proxy = self._origin.place, None if self._proxy is None or self.stage == _HANDSHAKE else self._proxy.place
        # The system's own ETIMEDOUT is a TimeoutError too, but has a number.
        if isinstance(error, TimeoutError) and error.errno is None:
            return faults.connect_timeout(place, proxy, self.stage, limit_s)
        return faults.connect_fault(error, place, proxy)

    async def _connect(self, make: Callable[[], Connection]) -> Connection:
        loop = asyncio.get_running_loop()
        first = self._proxy or self._origin
        addresses = await look_up(loop, first.host, first.port)
        self.stage = "the TCP connection"
        sock = await reach(loop, addresses, self._tasks)
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
            make, sock=sock, ssl=self._context, server_hostname=self._origin.host, ssl_handshake_timeout=_NO_OTHER_LIMIT_S
        )
        return connection


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
