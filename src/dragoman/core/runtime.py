"""The immutable snapshot of everything configured that an exchange needs; a reload swaps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec.structs import force_setattr

from dragoman.core.foreign import Foreign
from dragoman.core.room import Room
from dragoman.dialects.contract import Dialect, Quirks
from dragoman.ir.record import Record
from dragoman.lower.capabilities import Capabilities
from dragoman.observe.tracing import Tracing
from dragoman.policy.identity import Identity
from dragoman.routing.board import Board
from dragoman.routing.resolve import Resolver, Target
from dragoman.routing.route import Router
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.pool import Pool
from dragoman.wire.frame import Headers
from dragoman.wire.headers import header_text


class Deployment(msgspec.Struct, frozen=True):
    """One `provider/model` that can answer, with everything that could be worked out beforehand.

    base_path: what stands before `path`, the dialect's path at this provider, in the URL. headers: ready to send, the provider
    key among them (never shown: `repr` leaves it out). foreign: what a body may not hold if it is to be relayed: features that
    the target does not take, seals of ours. secret: the provider key, to be scrubbed from whatever the provider says.
    maker: what the proofs that are made here are stamped with; empty: the name. name (`provider/model`, told: the two as answers
    have them in their headers), wire_model (the model as JSON) and target (the whole path of a request to `path`) are worked out from the
    others.
    """

    provider: str
    model: str
    dialect: Dialect
    quirks: Quirks
    capabilities: Capabilities
    origin: Origin
    base_path: str
    path: str
    headers: Headers
    deadlines: Deadlines
    foreign: Foreign = Foreign()
    secret: str = ""
    metadata: bool = False
    relays: bool = True
    maker: str = ""
    name: str = ""
    told: Headers = ()
    wire_model: bytes = b""
    target: str = ""

    def __post_init__(self) -> None:
        name = f"{self.provider}/{self.model}"
        force_setattr(self, "name", name)
        force_setattr(self, "maker", self.maker or name)
        told = (("x-dragoman-model", header_text(name)), ("x-dragoman-provider", header_text(self.provider)))
        force_setattr(self, "told", told)
        force_setattr(self, "wire_model", msgspec.json.encode(self.model))
        force_setattr(self, "target", self.base_path + self.path)

    def __repr__(self) -> str:
        return f"Deployment({self.name!r}, dialect={self.dialect.name!r}, origin={self.origin!r})"


class Candidate(msgspec.Struct, frozen=True):
    """A deployment that may answer this exchange. `params` are raw JSON values of top-level fields that the target sets."""

    deployment: Deployment
    params: dict[str, bytes | None] = {}


class Deploy(Protocol):
    """Builds (and keeps) the candidate for a target with a provider key, by name (empty: the first), reached in the dialect `wanted` if
    the provider speaks it for that model, else in the provider's best."""

    def __call__(self, target: Target, wanted: str | None, key: str = "", /) -> Candidate:
        """Raises GatewayError(config) where the provider has no key or no address."""
        ...


class Observer(Protocol):
    """Is told of each exchange as it begins, and takes its record when it is over; never waits."""

    def begin(self, record: Record) -> None:
        """This exchange is under way: known are who asks and for what. Its record fills from now on."""
        ...

    def record(self, record: Record) -> None:
        """Remember this exchange."""
        ...


class Pace(msgspec.Struct, frozen=True):
    """hold_s: how long the status line waits for the provider's first event. ping_s: silence after which the client is told that
    we are still here. answer_bytes: the most that a whole (not streamed) answer may have. tail_s: how long the bytes after a
    stream's proper end are waited for, so that the connection can be used again. error_s: how long what a provider says of an error is
    waited for; its status is known by then, and another target may be."""

    hold_s: float = 15.0
    ping_s: float = 15.0
    answer_bytes: int = 64 * 1024 * 1024
    tail_s: float = 1.0
    error_s: float = 10.0


class Capture(msgspec.Struct, frozen=True):
    """What is kept of bodies. mode: where the client's key says nothing else: `full`, `redacted` or `none`. body_bytes: the most of an
    answer that is held, running_bytes: of all answers under way; what comes after that is let go. room: where these are counted.

    Requests are not: they are there for the tries anyway, and bounded by `server.max_running` and `server.limits.body_bytes`. If they
    counted, some hundred agents with long conversations would leave no room for what is held for the journal alone.
    """

    mode: str = "redacted"
    body_bytes: int = 8 * 1024 * 1024
    running_bytes: int = 128 * 1024 * 1024
    room: Room = msgspec.field(default_factory=Room)


class Runtime(msgspec.Struct, frozen=True):
    """Everything an exchange needs. `tracing`: None where no traces are wanted. `draw` gives a number in [0, 1);
    `clock` seconds that only grow; `new_id` the id of an exchange. `board` and the sessions of `router` outlive the runtime.
    `capture`: what the journal wants of bodies; None without one."""

    resolver: Resolver
    identity: Identity
    dialects: dict[str, Dialect]
    deploy: Deploy
    pool: Pool
    observer: Observer
    draw: Callable[[], float]
    clock: Callable[[], float]
    new_id: Callable[[], str]
    pace: Pace = Pace()
    board: Board = msgspec.field(default_factory=Board)
    router: Router = msgspec.field(default_factory=Router)
    tracing: Tracing | None = None
    capture: Capture | None = None
