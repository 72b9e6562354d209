"""The two ends of an exchange as the server hands them over, and the state of one exchange as it goes."""

from __future__ import annotations

from typing import Protocol

import msgspec

from dragoman.agents.contract import Agent
from dragoman.core.runtime import Candidate, Deployment, Runtime
from dragoman.dialects.contract import Call, Dialect, Peek
from dragoman.ir.record import Record
from dragoman.wire.frame import Headers


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


class Outbound(Protocol):
    """Where the answer goes. When the client leaves, the task that holds this is cancelled."""

    started: bool

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


class Exchange(msgspec.Struct, frozen=True):
    """One exchange under way. `began` is on the runtime's clock."""

    runtime: Runtime
    inbound: Inbound
    outbound: Outbound
    agent: Agent
    record: Record
    began: float
    dialect: Dialect
    call: Call
    peek: Peek
    candidate: Candidate

    @property
    def deployment(self) -> Deployment:
        """Who is asked."""
        return self.candidate.deployment

    def elapsed_s(self) -> float:
        """Seconds since the exchange began."""
        return self.runtime.clock() - self.began

    def private_fields(self) -> frozenset[str]:
        """Top-level fields of the agent that may not go to this deployment."""
        return _NOTHING if self.deployment.metadata else self.agent.strip_fields


_NOTHING: frozenset[str] = frozenset()
