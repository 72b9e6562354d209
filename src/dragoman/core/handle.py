"""The hot path: one straight function per exchange. The only place where the order of things is written down."""

from __future__ import annotations

import asyncio
import logging

from dragoman.agents.contract import Agent
from dragoman.agents.registry import recognise
from dragoman.core.answer import refuse
from dragoman.core.exchange import Exchange, Inbound, Outbound
from dragoman.core.lane import choose_lane
from dragoman.core.runtime import Runtime
from dragoman.dialects.contract import Call, Peek
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
        await _run(runtime, inbound, outbound, agent, record, began)
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


async def _run(runtime: Runtime, inbound: Inbound, outbound: Outbound, agent: Agent, record: Record, began: float) -> None:
    record.client = runtime.identity.identify(inbound.headers).name
    dialect = runtime.dialects[inbound.dialect]
    call = Call(path=inbound.path, body=inbound.body, method=inbound.method, query=inbound.query)
    peek = dialect.peek(call)
    record.asked, record.stream = peek.model, peek.stream
    outline = peek.outline or Outline(inbound.body)
    lane, candidate = choose_lane(runtime, _pick(runtime, peek, record), dialect, outline)
    record.lane = lane.name
    exchange = Exchange(
        runtime=runtime,
        inbound=inbound,
        outbound=outbound,
        agent=agent,
        record=record,
        began=began,
        dialect=dialect,
        call=call,
        peek=peek,
        candidate=candidate,
    )
    await lane.carry(exchange)


def _pick(runtime: Runtime, peek: Peek, record: Record) -> Target:
    model = runtime.resolver.resolve(peek.model)
    record.reason = model.reason
    return order(model.targets, record.session, runtime.draw())[0]


def _new_record(runtime: Runtime, inbound: Inbound, agent: Agent) -> Record:
    session = agent.session(inbound.headers)
    return Record(
        id=runtime.new_id(),
        began_at=inbound.received_at,
        address=inbound.address,
        agent=agent.name,
        agent_version=agent.version(inbound.headers),
        session=session.session_id,
        turn=session.turn_id,
        kind=session.kind,
        run=inbound.headers.get("x-dragoman-run"),
        dialect=inbound.dialect,
        bytes_in=len(inbound.body),
    )


def _note_error(record: Record, error: GatewayError) -> None:
    record.error = error.kind.value
    record.message = error.message
