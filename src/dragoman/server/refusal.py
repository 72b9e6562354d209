"""How a connection refuses what no handler gets to see. Whoever builds it says how a refusal is worded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from dragoman.ir.errors import GatewayError
from dragoman.server.settings import Limits
from dragoman.wire.frame import Headers

RawHeaders = list[tuple[bytes, bytes]]
Refuse = Callable[[GatewayError, RawHeaders], tuple[int, Headers, bytes]]
"""(what is wrong, the request's headers as far as they were read) -> status, headers, body."""


class Policy(Protocol):
    """What all connections of a server share."""

    limits: Limits
    refuse: Refuse

    def connection_gone(self) -> None:
        """A connection is over."""
        ...


def refusal(policy: Policy, error: GatewayError, asked: RawHeaders) -> tuple[int, RawHeaders, bytes]:
    """Status, headers and body of a connection's last answer."""
    status, told, body = policy.refuse(error, asked)
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in told if name != "content-length"]
    return status, [*headers, (b"content-length", b"%d" % len(body)), (b"connection", b"close")], body


def refusing(policy: Policy, error: GatewayError) -> ASGI3Application:
    """An application that answers every request so."""

    async def refuse(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        status, headers, body = refusal(policy, error, list(scope["headers"]))  # type: ignore[typeddict-item]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return refuse


def words(policy: Policy, error: GatewayError, asked: RawHeaders) -> bytes:
    """The same as it goes over the wire."""
    status, headers, body = refusal(policy, error, asked)
    return b"".join([STATUS_LINE[status], *(b"%s: %s\r\n" % header for header in headers), b"\r\n", body])
