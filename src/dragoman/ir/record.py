"""What is remembered of an exchange: one Struct, filled as the exchange goes, read by everything that observes."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.ir.usage import Usage


class Attempt(msgspec.Struct):
    """One try at one deployment. Times are seconds since the exchange began; None: not reached."""

    provider: str
    model: str
    began_s: float
    key: str | None = None
    connected_s: float | None = None
    first_byte_s: float | None = None
    ended_s: float | None = None
    status: int | None = None
    error: str | None = None


class Record(msgspec.Struct):
    """One exchange. `began_at` is Unix seconds; the other times are seconds since then.

    asked: the model name of the client; provider, model: who answered; answered: the model name in the provider's own answer.
    lane: relay or translate, None if refused before. outcome: HTTP status told to the client (499: it left), error: kind.
    decision: where it was to go and why (a `routing.decision.Decision`; `told` there makes JSON of it); attempts: where it went, in turn.
    session, turn, run: what the agent (or the launcher, by header) calls its conversation, its step, its process.
    """

    id: str
    began_at: float
    client: str = "-"
    address: str = ""
    agent: str | None = None
    agent_version: str | None = None
    session: str | None = None
    turn: str | None = None
    kind: str | None = None
    run: str | None = None
    dialect: str = ""
    upstream_dialect: str | None = None
    asked: str = ""
    provider: str | None = None
    model: str | None = None
    answered: str | None = None
    lane: str | None = None
    stream: bool = False
    status: int = 0
    error: str | None = None
    message: str | None = None
    reason: str | None = None
    decision: Any = None
    usage: Usage | None = None
    attempts: list[Attempt] = []
    warnings: list[tuple[str, str]] = []
    bytes_in: int = 0
    bytes_out: int = 0
    first_token_s: float | None = None
    total_s: float = 0.0
