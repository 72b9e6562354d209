"""Where an exchange goes: its model resolved, its facts weighed, a chain of seats decided; and what each seat may see of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import cast

import msgspec

from dragoman.core.ask import RequestAsk
from dragoman.core.classify import classify
from dragoman.core.exchange import Exchange, Inbound, Outbound
from dragoman.core.runtime import Runtime
from dragoman.ir.errors import GatewayError, Kind
from dragoman.lower.fitting import Trust
from dragoman.policy.identity import Principal
from dragoman.routing.ask import Ask
from dragoman.routing.decision import Decision
from dragoman.routing.plan import Try
from dragoman.routing.resolve import VirtualModel
from dragoman.routing.walk import Verdict

_FALLBACKS = "x-dragoman-fallbacks"
_MOST_FALLBACKS = 16


async def decide(exchange: Exchange, principal: Principal, carry: Callable[[Runtime, Inbound, Outbound], Awaitable[None]]) -> Decision:
    """The decision, noted in the record. `carry` is what carries an exchange: a classifier is asked in one of its own.

    Raises GatewayError(model_not_found), and invalid_request for too many fallbacks.
    """
    runtime, record, headers = exchange.runtime, exchange.record, exchange.inbound.headers
    model = runtime.resolver.resolve(exchange.peek.model)
    record.reason = model.reason
    wanted = headers.get(_FALLBACKS)
    if wanted is None and model.only is not None:
        record.decision = model.only
        return model.only
    extra = () if wanted is None else _wanted(exchange, wanted)
    ask = facts(exchange, principal)
    decision = _route(exchange, model, ask, extra)
    if decision.classifier is not None:
        before = runtime.clock()
        verdict = await classify(decision.classifier, ask, exchange.inbound, partial(carry, runtime))
        record.waited_s += runtime.clock() - before
        decision = _route(exchange, model, ask, extra, verdict)
    record.decision = decision
    return decision


def _route(
    exchange: Exchange, model: VirtualModel, ask: RequestAsk, extra: Sequence[VirtualModel], verdict: Verdict | None = None
) -> Decision:
    runtime = exchange.runtime
    # A cached_property is as good as a property, but not to the type checker.
    known = cast(Ask, ask)
    return runtime.router.route(model, known, runtime.board, runtime.clock(), runtime.draw(), extra=extra, verdict=verdict)


def facts(exchange: Exchange, principal: Principal) -> RequestAsk:
    """What conditions and strategies may know of the request; nothing of it is computed before it is read."""
    inbound = exchange.inbound
    return RequestAsk(
        dialect=inbound.dialect,
        headers=inbound.headers,
        size_bytes=len(inbound.body),
        wall=inbound.received_at,
        agent=exchange.agent,
        session=exchange.agent.session(inbound.headers),
        principal=principal,
        peek=msgspec.structs.replace(exchange.peek, outline=exchange.outline),
    )


def trust(decision: Decision, step: Try) -> Trust:
    """Which proofs of earlier thoughts in the request may be this seat's own: all, unless the session sat elsewhere, or they were
    refused. A proof without a name on it is its account's alone; once a session has moved, nobody can tell whose it is."""
    if step.heal:
        return "none"
    home = decision.chain[0]
    if decision.moved or decision.mixed or (step.seat is not home and step.seat.account != home.account):
        return "sealed"
    return "all"


def _wanted(exchange: Exchange, names: str) -> tuple[VirtualModel, ...]:
    """The models that the client wants tried after everything else."""
    given = [name.strip() for name in names.split(",") if name.strip()]
    if len(given) > _MOST_FALLBACKS:
        raise GatewayError(
            Kind.INVALID_REQUEST,
            f"the header `{_FALLBACKS}` names {len(given)} models; at most {_MOST_FALLBACKS} are tried",
            param=_FALLBACKS,
        )
    return tuple(exchange.runtime.resolver.resolve(name) for name in given)
