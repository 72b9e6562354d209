"""How an error becomes an answer: in the words of the client's dialect, dressed for the client program where it needs that."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.agents.contract import Agent, Dressed
from dragoman.agents.registry import recognise
from dragoman.core.exchange import Exchange, Inbound, Outbound
from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError
from dragoman.ir.record import Record
from dragoman.wire.frame import Headers
from dragoman.wire.headers import header_text

_RETRY = "x-should-retry"


def word(error: GatewayError, dialect_name: str, agent: Agent) -> Dressed:
    """Status, headers and body that tell this client of the error before any output. A provider's own body is told as it came."""
    dressed = agent.dress_error(error, dialect_name)
    if dressed is not None:
        return dressed
    status, headers, body = dialect(dialect_name).write_error(error)
    if error.body is not None and error.body.lstrip()[:1] == b"{":
        body = error.body
    if error.rule.permanent and not any(name == _RETRY for name, _ in headers):
        # The official SDKs go by it; by the status alone they ask again at a spent quota and at a provider's key that was refused.
        headers = (*headers, (_RETRY, "false"))
    return status, headers, body


def word_for(error: GatewayError, dialect_name: str, headers: Mapping[str, str]) -> Dressed:
    """As `word`, for a request of which only the headers are known."""
    return word(error, dialect_name, recognise(headers))


async def fail(exchange: Exchange, error: GatewayError) -> None:
    """Tell the client of the error that is left when every try has failed: as an answer, or, where its stream stands open, at its end."""
    outbound, record = exchange.outbound, exchange.record
    if not outbound.started:
        await refuse(error, exchange.inbound, outbound, exchange.agent, record)
        return
    dialect, rescuing = exchange.dialect, exchange.rescuing
    if exchange.begun and rescuing is not None:
        await outbound.write(rescuing.fail(error))
    else:
        await outbound.write(dialect.write_failure(exchange.agent.dress_failure(error), dialect.tap()))
    await outbound.finish()


async def refuse(error: GatewayError, inbound: Inbound, outbound: Outbound, agent: Agent, record: Record) -> None:
    """Answer with an error. Once an answer has begun there is no place for one: the caller's return then cuts the stream."""
    if outbound.started:
        return
    status, headers, body = word(error, inbound.dialect, agent)
    record.status, record.bytes_out = status, len(body)
    await outbound.whole(status, (*headers, *_who_failed(record)), body)


def _who_failed(record: Record) -> Headers:
    """As an answer says who gave it: who was asked last, and how many tries there were; none, where nobody was asked at all."""
    told = (("x-dragoman-exchange", record.id), ("x-dragoman-attempts", str(len(record.attempts))))
    if not record.attempts:
        return told
    last = record.attempts[-1]
    return (
        *told,
        ("x-dragoman-model", header_text(f"{last.provider}/{last.model}")),
        ("x-dragoman-provider", header_text(last.provider)),
    )
