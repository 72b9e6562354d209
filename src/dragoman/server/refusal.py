"""How a connection refuses what no handler gets to see. Whoever builds it says how a refusal is worded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from dragoman.ir.errors import GatewayError
from dragoman.server.answer import Answer
from dragoman.server.head import Openings, write_lines
from dragoman.server.settings import Limits
from dragoman.tasks import Errand
from dragoman.wire.frame import Headers

Refuse = Callable[[GatewayError, Mapping[str, str]], tuple[int, Headers, bytes]]
"""(what is wrong, the request's headers as far as they were read) -> status, headers, body."""


class Policy(Protocol):
    """What all connections of a server share. `openings`: how every answer begins at this moment. `errands`: the requests under way."""

    limits: Limits
    openings: Openings
    refuse: Refuse
    errands: set[Errand | None]

    @property
    def take(self) -> Callable[[Answer], Awaitable[None]]:
        """What answers a request."""
        ...

    def request_gone(self) -> None:
        """A request is done with, after the server was told to stop."""
        ...

    def connection_gone(self) -> None:
        """A connection is over."""
        ...


async def refuse(policy: Policy, answer: Answer, error: GatewayError) -> None:
    """Answer a request with an error, as the last of its connection."""
    status, headers, body = policy.refuse(error, answer.headers)
    answer.keep_alive = False
    await answer.whole(status, unsized(headers), body)


def words(policy: Policy, error: GatewayError, asked: Mapping[str, str]) -> bytes:
    """The same as it goes over the wire, where there is no whole request to answer."""
    status, headers, body = policy.refuse(error, asked)
    ending = (("content-length", str(len(body))), ("connection", "close"))
    return b"".join((policy.openings[status], write_lines((*unsized(headers), *ending)), b"\r\n", body))


def unsized(headers: Headers) -> Headers:
    """Without the length, which is told where the answer is written."""
    return tuple(header for header in headers if header[0] != "content-length")
