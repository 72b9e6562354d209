"""Where an exchange goes: its model resolved, its facts weighed, a chain of seats decided; and what each seat may see of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

import msgspec

from dragoman.core.ask import RequestAsk, session_of
from dragoman.core.classify import classify
from dragoman.core.exchange import Exchange, Inbound, Outbound
from dragoman.core.runtime import Runtime
from dragoman.ir.errors import GatewayError, Kind
from dragoman.lower.fitting import Trust
from dragoman.policy.identity import Principal
from dragoman.routing.ask import Ask
from dragoman.routing.decision import Decision, NeedsClassifier
from dragoman.routing.plan import Try
from dragoman.routing.resolve import Resolver, VirtualModel
from dragoman.routing.walk import Judgement

FALLBACKS = "x-dragoman-fallbacks"
"""Header in which a client names models that are to be tried after everything else."""
_MOST_FALLBACKS = 16


def decide(exchange: Exchange, principal: Principal) -> Decision:
    """The decision, noted in the record. With a `classifier` it stands only until `judged` has asked that.

    Raises GatewayError(model_not_found), and invalid_request for too many fallbacks.
    """
    runtime = exchange.runtime
    model = runtime.resolver.resolve(exchange.peek.model)
    if FALLBACKS in exchange.inbound.headers:
        decision = _route(exchange, model, facts(exchange, principal))
    else:
        decision = _lone(exchange, model) or _drawn(exchange, model) or _route(exchange, model, facts(exchange, principal))
    exchange.record.decision = decision
    return decision


def remember_refusal(exchange: Exchange, now: float) -> None:
    """The only seat that there is refused earlier thoughts of this session, and answered without them."""
    runtime = exchange.runtime
    runtime.router.keep_lone(runtime.resolver.resolve(exchange.peek.model), _session(exchange)[0], now)


def _lone(exchange: Exchange, model: VirtualModel) -> Decision | None:
    """The decision of a model with one seat, mostly made long before."""
    runtime = exchange.runtime
    if model.only is None or not runtime.router.sessions.has_lone:
        return model.only
    return runtime.router.lone(model, *_session(exchange), runtime.clock())


def _drawn(exchange: Exchange, model: VirtualModel) -> Decision | None:
    """The decision of a model that only draws, for which hardly anything of the request needs to be known."""
    if model.draw is None or "previous_response_id" in exchange.outline.fields:
        return None
    runtime = exchange.runtime
    session, told_by = _session(exchange)
    return runtime.router.drawn(model, session, told_by, runtime.board, runtime.clock(), runtime.draw())


def _session(exchange: Exchange) -> tuple[str | None, str]:
    return session_of(exchange.session, exchange.outline.fields, exchange.dialect.glance.places, len(exchange.inbound.body))


async def judged(
    exchange: Exchange,
    principal: Principal,
    needs: NeedsClassifier,
    carry: Callable[[Runtime, Inbound, Outbound], Awaitable[None]],
) -> Decision:
    """The decision by the word of a classifier, which is asked in an exchange of its own: `carry` carries one."""
    runtime = exchange.runtime
    ask = facts(exchange, principal)
    before = runtime.clock()
    judgement = await classify(needs, ask, exchange.inbound, partial(carry, runtime))
    exchange.record.waited_s += runtime.clock() - before
    decision = _route(exchange, runtime.resolver.resolve(exchange.peek.model), ask, judgement)
    exchange.record.decision = decision
    return decision


def _route(exchange: Exchange, model: VirtualModel, ask: RequestAsk, judgement: Judgement | None = None) -> Decision:
    runtime = exchange.runtime
    # A `fact` is as good as a property, but not to the type checker.
    known = cast(Ask, ask)
    extra = wanted(runtime.resolver, exchange.inbound.headers.get(FALLBACKS, ""))
    return runtime.router.route(model, known, runtime.board, runtime.clock(), runtime.draw(), extra=extra, judgement=judgement)


def facts(exchange: Exchange, principal: Principal) -> RequestAsk:
    """What conditions and strategies may know of the request; nothing of it is computed before it is read."""
    inbound = exchange.inbound
    return RequestAsk(
        places=exchange.dialect.glance.places,
        headers=inbound.headers,
        size_bytes=len(inbound.body),
        wall=inbound.received_at,
        agent=exchange.agent,
        session=exchange.session,
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


def wanted(resolver: Resolver, names: str) -> tuple[VirtualModel, ...]:
    """The models of the header `FALLBACKS`. Raises GatewayError(invalid_request), model_not_found where there is no such model."""
    given = [name.strip() for name in names.split(",") if name.strip()]
    if len(given) > _MOST_FALLBACKS:
        raise GatewayError(
            Kind.INVALID_REQUEST,
            f"the header `{FALLBACKS}` names {len(given)} models; at most {_MOST_FALLBACKS} are tried",
            param=FALLBACKS,
        )
    return tuple(_found(resolver, name) for name in given)


def _found(resolver: Resolver, name: str) -> VirtualModel:
    try:
        return resolver.resolve(name)
    except GatewayError as error:
        error.message, error.param = f"header `{FALLBACKS}`: {error.message}", FALLBACKS
        raise
