"""The two ends of an exchange as the server hands them over, and the state of one exchange as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from dragoman.agents.contract import Agent, Session
from dragoman.core.runtime import Runtime
from dragoman.dialects.contract import Call, Dialect, Peek
from dragoman.ir.record import Record
from dragoman.ir.request import Request
from dragoman.wire.frame import Headers
from dragoman.wire.splice import Outline

if TYPE_CHECKING:
    from dragoman.core.capture import Captured
    from dragoman.core.rescue import Rescuing


class Inbound(msgspec.Struct, frozen=True):
    """One client request, read whole.

    dialect: name of the API that the path belongs to. mount: the prefix before the dialect's path. headers: lower-case names,
    repeated ones joined by ", ". address: the client's, for the record. received_at: Unix seconds.
    """

    dialect: str
    mount: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    address: str
    received_at: float
    method: str = "POST"

    def __repr__(self) -> str:
        # Its headers hold the client key.
        return f"Inbound({self.method} {self.mount}{self.path}, {len(self.body)} bytes)"


class Outbound(Protocol):
    """Where the answer goes. When the client leaves, or the gateway stops and waits no longer, the task that holds this is cancelled."""

    @property
    def disconnected(self) -> bool:
        """Whether the client has left."""
        ...

    @property
    def started(self) -> bool:
        """Whether the status line is sent, or about to be."""
        ...

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status line and headers. A `content-length` header is set by the caller where the length is known."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body; waits while the client is slow."""
        ...

    def push(self, chunk: bytes) -> bool:
        """Send a piece of the body without waiting. False: the client is slow, so `write` before the next piece."""
        ...

    async def finish(self) -> None:
        """End the body properly."""
        ...

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Send an answer that is there in full, and end it; the `content-length` is not among the headers, it is written by this."""
        ...


class Exchange(msgspec.Struct):
    """One exchange under way: what stays the same whichever deployments are tried. `began` is on the runtime's clock; `outline` is the
    top level of the body; `session`: what the agent says of its conversation. `begun`: the client has more than signs of life. `rescues`:
    a stream that breaks off shall be gone on with; `rescuing`: what its client has of it. `captured`: what is sent and received,
    where a journal wants it."""

    runtime: Runtime
    inbound: Inbound
    outbound: Outbound
    agent: Agent
    record: Record
    began: float
    dialect: Dialect
    call: Call
    peek: Peek
    outline: Outline
    session: Session = Session()
    begun: bool = False
    rescues: bool = False
    rescuing: Rescuing | None = None
    captured: Captured | None = None

    def read(self) -> Request:
        """What the client asks, in the neutral language. Raises GatewayError(invalid_request)."""
        return msgspec.structs.replace(self.dialect.read_request(self.call), asked_s=int(self.inbound.received_at))

    def elapsed_s(self) -> float:
        """Seconds since the exchange began."""
        return self.runtime.clock() - self.began
