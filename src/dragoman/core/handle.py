"""The hot path: one straight function per exchange. The only place where the order of things is written down."""

from __future__ import annotations

import asyncio
import logging

from dragoman.agents.contract import Agent
from dragoman.agents.registry import recognise
from dragoman.core.answer import refuse
from dragoman.core.attempt import Attempt
from dragoman.core.exchange import Exchange, Inbound, Outbound
from dragoman.core.lane import choose_lane
from dragoman.core.runtime import Runtime
from dragoman.dialects.contract import Call
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.routing.balance import order
from dragoman.routing.resolve import Target
from dragoman.wire.splice import Outline

logger = logging.getLogger(__name__)


async def handle(runtime: Runtime, inbound: Inbound, outbound: Outbound) -> None:
    """Carry one exchange from the client's request to the last byte of its answer, and record it, whatever happens.

    Raises nothing but CancelledError (the client left): every failure becomes the client's answer in its own dialect.
    """
    began = runtime.clock()
    agent = recognise(inbound.headers)
    record = _new_record(runtime, inbound, agent)
    try:
        record.client = runtime.identity.identify(inbound.headers).name
        exchange = _begin(runtime, inbound, outbound, agent, record, began)
        await _try(exchange, _pick(exchange))
    except GatewayError as error:
        _note_error(record, error)
        await refuse(error, inbound, outbound, agent, record)
    except asyncio.CancelledError:
        record.status = 499
        record.error = Kind.CLIENT_GONE.value
        raise
    except Exception:
        logger.exception("exchange %s failed inside the gateway", record.id)
        error = GatewayError(Kind.INTERNAL, f"the gateway failed on this request (exchange `{record.id}`); its log says why")
        _note_error(record, error)
        await refuse(error, inbound, outbound, agent, record)
    finally:
        record.total_s = runtime.clock() - began
        runtime.observer.record(record)


def _begin(runtime: Runtime, inbound: Inbound, outbound: Outbound, agent: Agent, record: Record, began: float) -> Exchange:
    dialect = runtime.dialects[inbound.dialect]
    call = Call(inbound.path, inbound.body, inbound.method, inbound.query)
    peek = dialect.peek(call)
    record.asked, record.stream = peek.model, peek.stream
    outline = peek.outline or Outline(inbound.body)
    return Exchange(runtime, inbound, outbound, agent, record, began, dialect, call, peek, outline)


def _pick(exchange: Exchange) -> Target:
    runtime, record = exchange.runtime, exchange.record
    model = runtime.resolver.resolve(exchange.peek.model)
    record.reason = model.reason
    return order(model.targets, record.session, runtime.draw())[0]


async def _try(exchange: Exchange, target: Target) -> None:
    """Have one target answer. Raises GatewayError only while the client has been told nothing."""
    lane, candidate = choose_lane(exchange, target)
    exchange.record.lane = lane.name
    attempt = Attempt(exchange, candidate, candidate.deployment)
    try:
        await lane.carry(attempt)
    except GatewayError as error:
        attempt.failed(error)
        raise


def _new_record(runtime: Runtime, inbound: Inbound, agent: Agent) -> Record:
    headers = inbound.headers
    session = agent.session(headers)
    return Record(
        id=runtime.new_id(),
        began_at=inbound.received_at,
        address=inbound.address,
        agent=agent.name,
        agent_version=agent.version(headers),
        session=session.session_id,
        turn=session.turn_id,
        kind=session.kind,
        run=headers.get("x-dragoman-run"),
        dialect=inbound.dialect,
        bytes_in=len(inbound.body),
    )


def _note_error(record: Record, error: GatewayError) -> None:
    record.error = error.kind.value
    record.message = error.message
