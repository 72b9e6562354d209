"""What an agent is: a page of facts about one client program, as a frozen Struct of plain callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from dragoman.ir.errors import GatewayError
from dragoman.wire.frame import Headers

Dressed = tuple[int, Headers, bytes]


class Session(msgspec.Struct, frozen=True):
    """What the client calls its conversation and its step, for stickiness and the record. None: not told."""

    session_id: str | None = None
    turn_id: str | None = None
    kind: str | None = None
    """turn, compaction, title, review, prewarm, subagent, … in the agent's own word."""


class Agent(msgspec.Struct, frozen=True):
    """One client program.

    recognise: headers (lower-case names) -> is it this program. version: its version from the headers, or None.
    session: the ids it sends. strip_headers: request headers that go to no provider. strip_fields: top-level JSON fields that
    name the user's paths, machine or commits; they go to no provider but, by choice, one whose profile allows metadata.
    dress_error: an error before any output, in the form that makes this program show our sentence, or None for the dialect's own.
    dress_failure: a GatewayError as it shall stand inside a stream (kind, code or retry changed), before the dialect writes it.
    ping: what keeps its idle timer alive: "event" (a data event), "comment".
    """

    name: str
    recognise: Callable[[Mapping[str, str]], bool]
    version: Callable[[Mapping[str, str]], str | None]
    session: Callable[[Mapping[str, str]], Session]
    strip_headers: frozenset[str] = frozenset()
    strip_fields: frozenset[str] = frozenset()
    dress_error: Callable[[GatewayError, str], Dressed | None] = lambda error, dialect: None
    """(error, name of the client's dialect) -> status, headers, body."""
    dress_failure: Callable[[GatewayError], GatewayError] = lambda error: error
    ping: str = "comment"
