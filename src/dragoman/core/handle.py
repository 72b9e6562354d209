"""The hot path: one straight function per exchange. The only place where the order of things is written down."""

from __future__ import annotations

import asyncio
import logging

from dragoman.agents.contract import Agent, Session
from dragoman.agents.registry import recognise
from dragoman.core.answer import fail, refuse
from dragoman.core.attempt import Attempt
from dragoman.core.capture import Captured
from dragoman.core.decide import decide, judged, remember_refusal, trust
from dragoman.core.exchange import Exchange, Inbound, Outbound
from dragoman.core.lane import choose_lane
from dragoman.core.pause import pause
from dragoman.core.runtime import Runtime
from dragoman.dialects.contract import Call
from dragoman.ir.errors import RULES, GatewayError, Kind
from dragoman.ir.record import LONGEST_NAME, REPLAY, REPLAYS_HEADER, Record, sum_up
from dragoman.ir.record import Attempt as Noted
from dragoman.policy.identity import key_prefix
from dragoman.routing.decision import Decision
from dragoman.routing.plan import GiveUp, Plan, Try, Wait
from dragoman.routing.seat import Seat
from dragoman.wire.splice import Outline

logger = logging.getLogger(__name__)


async def handle(runtime: Runtime, inbound: Inbound, outbound: Outbound) -> None:
    """Carry one exchange from the client's request to the last byte of its answer, and record it, whatever happens.

    Raises nothing but CancelledError (the client left, or the gateway stops): every failure becomes the client's answer in its own dialect.
    """
    began = runtime.clock()
    agent = recognise(inbound.headers)
    session = agent.session(inbound.headers)
    record = _new_record(runtime, inbound, agent, session)
    captured = None
    try:
        principal = runtime.identity.identify(inbound.headers)
        record.client, record.team, record.user = principal.name, principal.team, principal.user
        if runtime.capture is not None:
            outbound = captured = Captured(runtime.capture, principal.bodies, inbound, outbound)
            record.bodies = captured.bodies
        exchange = _begin(runtime, inbound, outbound, agent, record, began)
        exchange.session, exchange.captured = session, captured
        if captured is not None:
            captured.bodies.outline = exchange.outline
        runtime.observer.begin(record)
        decision = decide(exchange, principal)
        if decision.classifier is not None:
            decision = await judged(exchange, principal, decision.classifier, handle)
        await _run(exchange, decision)
    except GatewayError as error:
        _note_error(record, error)
        if error.kind is Kind.AUTHENTICATION:
            record.key_prefix = key_prefix(inbound.headers)
        await refuse(error, inbound, outbound, agent, record)
    except asyncio.CancelledError:
        _note_end(record, outbound)
        raise
    except Exception:
        logger.exception("exchange %s failed inside the gateway", record.id)
        error = GatewayError(Kind.INTERNAL, f"the gateway failed on this request (exchange `{record.id}`); its log says why")
        _note_error(record, error)
        await refuse(error, inbound, outbound, agent, record)
    finally:
        record.total_s = runtime.clock() - began
        sum_up(record)
        if captured is not None:
            captured.over()
        runtime.observer.record(record)


async def _run(exchange: Exchange, decision: Decision) -> None:
    """Try one seat after the other, as the plan says, until one has answered or none is left."""
    runtime = exchange.runtime
    clock = runtime.clock
    exchange.rescues = decision.rescue
    plan = Plan(decision.chain, decision.retry, runtime.board, exchange.began)
    step = plan.first(clock(), runtime.draw())
    try:
        while True:
            if isinstance(step, Try):
                error = await _try(exchange, plan, step, decision)
                if error is None:
                    return
                step = plan.failed(clock(), error, runtime.draw(), delivered=exchange.begun, rescue=exchange.begun)
            elif isinstance(step, Wait):
                before = clock()
                await pause(exchange, step.seconds)
                exchange.record.waited_s += clock() - before
                step = plan.waited(clock())
            else:
                await _give_up(exchange, step)
                return
    finally:
        plan.left()


async def _try(exchange: Exchange, plan: Plan, step: Try, decision: Decision) -> GatewayError | None:
    """Have one seat answer. Returns the error after which another may take over: nothing was said yet, or its stream can be gone on
    with."""
    record, attempt, goes_on = exchange.record, None, exchange.begun
    if step.number > 1 and not exchange.begun:
        record.warnings, record.usage, record.answered, record.tier = [], None, None, None
    trusted = trust(decision, step)
    try:
        lane, candidate = choose_lane(exchange, step.seat, trusted)
        record.lane = lane.name
        attempt = Attempt(exchange, candidate, candidate.deployment, step.seat, plan, trusted)
        await lane.carry(attempt)
    except GatewayError as error:
        if attempt is not None:
            attempt.failed(error)
        if plan.has_choice and (attempt is None or attempt.noted is None):
            _note_unsent(exchange, step.seat, error)
        return error
    else:
        _settle(attempt, decision)
        return None
    finally:
        # An attempt that goes on with an answer notes its own tokens: those of the exchange are the others' too.
        if attempt is not None and attempt.noted is not None and not goes_on:
            attempt.noted.usage = record.usage


def _note_unsent(exchange: Exchange, seat: Seat, error: GatewayError) -> None:
    """A target that cannot be asked this at all is passed by: the record says why, too."""
    now_s = exchange.elapsed_s()
    noted = Noted(seat.provider, seat.model, now_s, seat.key or None, ended_s=now_s, error=error.kind.value)
    exchange.record.attempts.append(noted)


def _begin(runtime: Runtime, inbound: Inbound, outbound: Outbound, agent: Agent, record: Record, began: float) -> Exchange:
    dialect = runtime.dialects[inbound.dialect]
    call = Call(inbound.path, inbound.body, inbound.method, inbound.query)
    peek = dialect.peek(call)
    record.asked, record.stream = _clipped(peek.model), peek.stream
    outline = peek.outline or Outline(inbound.body)
    return Exchange(runtime, inbound, outbound, agent, record, began, dialect, call, peek, outline)


def _settle(attempt: Attempt, decision: Decision) -> None:
    """The answer is over: the board learns how it went, and the session where it sits."""
    exchange, plan = attempt.exchange, attempt.plan
    now, usage = exchange.runtime.clock(), exchange.record.usage
    if attempt.fault is not None:
        plan.failed(now, attempt.fault, 0.0, delivered=True)
        return
    tokens = 0 if usage is None else usage.total
    plan.succeeded(now, tokens=tokens, output_tokens=0 if usage is None else usage.output_tokens)
    if decision.seat_key is not None or decision.tier_key is not None or attempt.kept is not None:
        router, mixed = exchange.runtime.router, attempt.trust != "all"
        router.keep(decision, attempt.seat, now, tokens=tokens, response=attempt.kept, mixed=mixed)
    if attempt.trust == "none" and decision.seat_key is None:
        remember_refusal(exchange, now)


async def _give_up(exchange: Exchange, step: GiveUp) -> None:
    record = exchange.record
    _note_error(record, step.error)
    if step.note:
        # For the record alone: no client can do anything about it.
        record.message = f"{record.message}; {step.note}"
    await fail(exchange, step.error)


def _new_record(runtime: Runtime, inbound: Inbound, agent: Agent, session: Session) -> Record:
    headers = inbound.headers
    replays = headers.get(REPLAYS_HEADER)
    return Record(
        id=runtime.new_id(),
        began_at=inbound.received_at,
        address=inbound.address,
        agent=agent.name,
        agent_version=_clipped_or_none(agent.version(headers)),
        session=_clipped_or_none(session.thread_id or session.session_id),
        parent_session=_clipped_or_none(session.parent_id),
        turn=_clipped_or_none(session.turn_id),
        kind=_clipped_or_none(session.kind) if replays is None else REPLAY,
        replays=replays and replays[:100],
        run=_clipped_or_none(headers.get("x-dragoman-run")),
        dialect=inbound.dialect,
        path=inbound.mount + inbound.path,
        trace=None if runtime.tracing is None else runtime.tracing.begin(headers),
        bytes_in=len(inbound.body),
    )


def _clipped(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME]


def _clipped_or_none(name: str | None) -> str | None:
    return None if name is None else _clipped(name)


def _note_end(record: Record, outbound: Outbound) -> None:
    """It was cancelled: whether that was its client, who leaves, or the gateway, which stops and waits no longer."""
    kind = Kind.CLIENT_GONE if outbound.disconnected else Kind.SHUTTING_DOWN
    record.error = kind.value
    record.message = None if outbound.disconnected else "the gateway was stopped before the answer was over"
    if outbound.disconnected or not outbound.started:
        record.status = RULES[kind].status


def _note_error(record: Record, error: GatewayError) -> None:
    record.error = error.kind.value
    record.message = error.message
