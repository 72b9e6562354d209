"""What conditions and strategies may know of a request. Whoever implements it computes only what is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Ask(Protocol):
    """The facts of one request. Each is computed when it is first read, if that costs anything.

    client, team, user: of the client key. model: the name asked for. agent: the client program. kinds: what it asks for, the most
    telling word first: the agent's own, then those of conditions (`turn`, `title`, `compaction`, `prewarm`, `review`, `subagent`).
    effort: in the client's word. tokens: an estimate of the input. output_tokens: how many the answer may well have. wall: Unix
    seconds at which it came. session: by which it stays where it is, session_from: what that was read from; None: it has none.
    previous: the id of the response that it goes on from, kept at its provider.
    """

    @property
    def client(self) -> str: ...
    @property
    def team(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def model(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def kinds(self) -> tuple[str, ...]: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def metadata(self) -> Mapping[str, str]: ...
    @property
    def effort(self) -> str | None: ...
    @property
    def modalities(self) -> frozenset[str]: ...
    @property
    def tools(self) -> int: ...
    @property
    def stream(self) -> bool: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def wall(self) -> float: ...
    @property
    def session(self) -> str | None: ...
    @property
    def session_from(self) -> str: ...
    @property
    def previous(self) -> str | None: ...


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A request that there is no body of: the facts as somebody tells them."""

    client: str = "-"
    team: str | None = None
    user: str | None = None
    model: str = ""
    agent: str = "generic"
    kinds: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    effort: str | None = None
    modalities: frozenset[str] = frozenset({"text"})
    tools: int = 0
    stream: bool = False
    size_bytes: int = 0
    tokens: int = 0
    output_tokens: int = 500
    wall: float = 0.0
    session: str | None = None
    session_from: str = ""
    previous: str | None = None
