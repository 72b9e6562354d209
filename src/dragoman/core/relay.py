"""The relay lane: the provider's bytes go to the client untouched while a tap watches them."""

from __future__ import annotations

import msgspec

from dragoman.core.attempt import Attempt, head_of, send, told_headers
from dragoman.core.failure import not_a_stream, read_refusal
from dragoman.core.relayed import Relayed, WithoutCounts
from dragoman.core.stream import JSON, stream
from dragoman.dialects.contract import Call, StreamUsage, Tap
from dragoman.ir.record import Record
from dragoman.upstream.reply import Reply
from dragoman.wire.splice import Splice


async def relay(attempt: Attempt) -> None:
    """Send the client's own bytes, but for the model's name, private fields, the target's params and the wish for counts; bring the
    answer back."""
    exchange = attempt.exchange
    wish = _wish(attempt) if exchange.peek.stream else None
    call, splice = _call(attempt, wish)
    reply = await send(attempt, call, splice)
    try:
        if exchange.peek.stream:
            carrier = Relayed(attempt) if wish is None else WithoutCounts(attempt, wish[0].tells_only)
            try:
                await stream(attempt, reply, carrier)
            finally:
                tap = carrier.tap
                _note(exchange.record, tap)
                attempt.kept = tap.kept
        else:
            await _relay_whole(attempt, reply)
    finally:
        reply.close()


_Wish = tuple[StreamUsage, bytes]


def _wish(attempt: Attempt) -> _Wish | None:
    """What makes the stream tell its counts, for the record, where the client has not asked for them: how its dialect does that, and the
    raw JSON of the field."""
    deployment = attempt.deployment
    usage = deployment.dialect.stream_usage
    if usage is None or not deployment.quirks.stream_usage or usage.field in attempt.candidate.params:
        return None
    value = usage.asking(attempt.exchange.outline.raw(usage.field))
    return None if value is None else (usage, value)


def _call(attempt: Attempt, wish: _Wish | None) -> tuple[Call, Splice | None]:
    """The client's call as this deployment gets it: mostly the very same body, into which the model's name is put on its way (and behind
    it the wish for counts)."""
    exchange, deployment = attempt.exchange, attempt.deployment
    outline, call, dialect = exchange.outline, exchange.call, deployment.dialect
    changes, private = attempt.candidate.params, attempt.private_fields()
    if private and not private.isdisjoint(outline.fields):
        changes = {**dict.fromkeys(private & outline.fields.keys()), **changes}
    if wish is not None:
        usage, value = wish
        if not changes and usage.field not in outline.fields and (place := outline.place("model")) is not None:
            wished = b'%b,"%b":%b' % (deployment.wire_model, usage.field.encode(), value)
            return Call(dialect.path, call.body, "POST", call.query), (*place, wished)
        changes = {**changes, usage.field: value}
    if dialect.readdress is not None:
        body = outline.replace(changes) if changes else call.body
        return msgspec.structs.replace(dialect.readdress(call, deployment.model), body=body), None
    if deployment.model == exchange.peek.model:
        body = outline.replace(changes) if changes else call.body
    elif changes or (place := outline.place("model")) is None:
        body = outline.replace({**changes, "model": deployment.wire_model})
    else:
        return Call(dialect.path, call.body, "POST", call.query), (*place, deployment.wire_model)
    return Call(dialect.path, body, "POST", call.query), None


async def _relay_whole(attempt: Attempt, reply: Reply) -> None:
    exchange = attempt.exchange
    await head_of(attempt, reply)
    attempt.head_came(reply)
    if reply.status >= 300:
        raise await read_refusal(exchange, attempt.deployment, reply)
    body = await reply.read_all(exchange.runtime.pace.answer_bytes)
    attempt.ended()
    content_type = attempt.content_type
    if "json" not in content_type and not body.lstrip()[:1] == b"{":
        raise not_a_stream(attempt.deployment, content_type)
    tap = exchange.dialect.tap()
    tap.whole(body)
    if tap.failed is not None:
        raise tap.failed
    record = exchange.record
    _note(record, tap)
    attempt.kept = tap.kept
    if exchange.captured is not None:
        exchange.captured.same()
    record.status, record.bytes_out = 200, len(body)
    await exchange.outbound.whole(200, told_headers(attempt, JSON), body)


def _note(record: Record, tap: Tap) -> None:
    record.usage, record.answered, record.stop_reason, record.tier = tap.usage, tap.model, tap.reason, tap.tier
