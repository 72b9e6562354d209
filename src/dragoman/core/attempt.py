"""One try at one deployment: sending the call, and noting how it goes."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import msgspec

from dragoman.core.exchange import Exchange
from dragoman.core.failure import attribute
from dragoman.core.head import sift
from dragoman.core.runtime import Candidate, Deployment
from dragoman.dialects.contract import Call
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Attempt as Noted
from dragoman.lower.fitting import Trust
from dragoman.routing.plan import Plan
from dragoman.routing.ratelimits import read_limits
from dragoman.routing.seat import Seat
from dragoman.upstream.reply import Reply
from dragoman.wire.frame import Headers
from dragoman.wire.headers import header_text
from dragoman.wire.splice import Splice

_NOTHING: frozenset[str] = frozenset()
_ATTEMPTS = tuple([("x-dragoman-attempts", str(count)) for count in range(16)])
_LANES = {name: ("x-dragoman-lane", name or "") for name in (None, "relay", "translate")}


class Attempt(msgspec.Struct):
    """One try of an exchange at one deployment, and all that belongs to this try alone. plan: told of what comes; trust: which proofs in
    the request may be this deployment's own. noted: its entry in the record, once the provider is being asked; fault: what went wrong;
    kept: the id under which the provider keeps the answer. content_type: of the provider's answer; told: its headers that the client is
    told too."""

    exchange: Exchange
    candidate: Candidate
    deployment: Deployment
    seat: Seat
    plan: Plan
    trust: Trust = "all"
    noted: Noted | None = None
    fault: GatewayError | None = None
    kept: str | None = None
    content_type: str = ""
    told: list[tuple[str, str]] = []

    def private_fields(self) -> frozenset[str]:
        """Top-level fields of the agent that may not go to this deployment."""
        return _NOTHING if self.deployment.metadata else self.exchange.agent.strip_fields

    def head_came(self, reply: Reply) -> None:
        """Note when the provider began to answer and with what."""
        self.content_type, self.told, limits = sift(reply.headers)
        noted = self.noted
        if noted is not None:
            exchange = self.exchange
            now = exchange.runtime.clock()
            noted.first_byte_s = now - exchange.began
            noted.status = reply.status
            if exchange.captured is not None:
                exchange.captured.head_came(reply.headers)
            if limits and (reply.status == 429 or self.plan.has_choice):
                self.plan.heard(now, read_limits(limits, now, exchange.inbound.received_at + now - exchange.began))

    def ended(self) -> None:
        """Note that all of the answer is there."""
        if self.noted is not None and self.noted.ended_s is None:
            self.noted.ended_s = self.exchange.elapsed_s()

    def failed(self, error: GatewayError) -> None:
        """Note how it failed, if the provider was asked at all; the error learns whose it is and loses any secret in its words."""
        noted = self.noted
        if self.fault is None:
            self.fault = error
        if noted is not None and noted.error is None:
            self.ended()
            noted.error = error.kind.value
            attribute(self.deployment, error)


async def send(attempt: Attempt, call: Call, splice: Splice | None = None) -> Reply:
    """Connect and send `call` to the attempt's deployment. splice: what is put into its body on the way.

    Raises GatewayError (unreachable, timeout).
    """
    exchange, deployment = attempt.exchange, attempt.deployment
    runtime, record = exchange.runtime, exchange.record
    record.provider, record.model, record.upstream_dialect = deployment.provider, deployment.model, deployment.dialect.name
    noted = attempt.noted = Noted(deployment.provider, deployment.model, runtime.clock() - exchange.began, attempt.seat.key or None)
    record.attempts.append(noted)
    target = deployment.target if call.path == deployment.dialect.path else deployment.base_path + call.path
    if call.query:
        target = f"{target}?{call.query}"
    headers = deployment.headers
    carry = exchange.dialect.carry_headers
    carried = () if carry.isdisjoint(exchange.inbound.headers) else _carried(attempt)
    if carried or call.headers:
        # A client of the dialect may say of itself what the profile says by default (an API's version): what comes later counts.
        # Mostly there is nothing to add: the very same tuple is known to the pool, which has its lines ready.
        headers = tuple(dict((*headers, *carried, *call.headers)).items())
    if record.trace is not None and runtime.tracing is not None:
        noted.span_id, placed = runtime.tracing.attempt(record.trace)
        headers = tuple(dict((*placed, *headers)).items())
    if exchange.captured is not None:
        exchange.captured.asked(headers, call.body, splice)
    reply = await runtime.pool.open(deployment.origin, call.method, target, headers, call.body, deployment.deadlines, splice)
    noted.connected_s = runtime.clock() - exchange.began
    return reply


def head_of(attempt: Attempt, reply: Reply) -> Coroutine[Any, Any, bool]:
    """Awaits the head of an answer that is wanted whole, for as long as the deadlines say; where the target has a shorter time for its
    first output and another could be tried, no longer than that."""
    limit_s = attempt.seat.target.first_token_s
    return reply.head() if limit_s is None else _head_in_time(attempt, reply, limit_s)


async def _head_in_time(attempt: Attempt, reply: Reply, limit_s: float) -> bool:
    if not await reply.head(limit_s):
        cut_off(attempt)
        await reply.head()
    return True


def cut_off(attempt: Attempt) -> None:
    """The target's time for its first output is over. Raises GatewayError(timeout) if another one could be tried now."""
    if attempt.plan.has_others(attempt.exchange.runtime.clock()):
        limit_s = attempt.seat.target.first_token_s
        raise GatewayError(Kind.TIMEOUT, f"no output within {limit_s:g} s, the target's `first_token_s`", source="upstream")


def _carried(attempt: Attempt) -> Headers:
    """The client's headers that carry meaning in the dialect, where both sides speak it."""
    exchange = attempt.exchange
    if attempt.deployment.dialect is not exchange.dialect:
        return ()
    carry = exchange.dialect.carry_headers
    private = _NOTHING if attempt.deployment.metadata else exchange.agent.strip_headers
    return tuple([(name, value) for name, value in exchange.inbound.headers.items() if name in carry and name not in private])


def told_headers(attempt: Attempt, content_type: tuple[str, str]) -> Headers:
    """What goes down to the client before its answer: of what type it is, who answered, the provider's request id and limits."""
    record = attempt.exchange.record
    count = len(record.attempts)
    told = [
        content_type,
        ("x-dragoman-exchange", record.id),
        *attempt.deployment.told,
        _ATTEMPTS[count] if count < len(_ATTEMPTS) else ("x-dragoman-attempts", str(count)),
        _LANES[record.lane],
    ]
    if record.warnings:
        told.append(("x-dragoman-warnings", header_text("; ".join(f"{field}: {why}" for field, why in record.warnings))))
    told += attempt.told
    return tuple(told)
