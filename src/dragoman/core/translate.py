"""The translate lane: the client's dialect to the neutral language, fitted to the target, to the provider's dialect; and back."""

from __future__ import annotations

import msgspec

from dragoman.core.attempt import Attempt, head_of, send, told_headers
from dragoman.core.failure import not_a_stream, read_refusal
from dragoman.core.rescue import Rescued, Rescuing, begin, resume
from dragoman.core.stamp import stamp
from dragoman.core.stream import JSON, stream
from dragoman.core.translated import Translated, note_event
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.request import Request
from dragoman.lower.lower import lower
from dragoman.lower.restore import Restore
from dragoman.upstream.reply import Reply
from dragoman.wire.splice import replace_fields


async def translate(attempt: Attempt) -> None:
    """Read the request, fit it, write it in the provider's dialect, and bring the answer back in the client's."""
    exchange, deployment = attempt.exchange, attempt.deployment
    record, rescuing = exchange.record, resume(exchange)
    if rescuing is None:
        record.warnings = []
        asked = request = exchange.read()
        _refuse_state(attempt, asked)
        rescuing = begin(exchange, asked)
    else:
        asked, request = rescuing.asked, rescuing.go_on(deployment.capabilities)
    lowered = lower(_addressed(attempt, request), deployment.capabilities, deployment.maker, attempt.trust)
    call, unsaid = deployment.dialect.write_request(lowered.request, deployment.quirks)
    # What was left out of the beginning of an answer stays told when another attempt goes on with it.
    record.warnings = list(dict.fromkeys((*record.warnings, *lowered.warnings, *unsaid)))
    if attempt.candidate.params:
        call = msgspec.structs.replace(call, body=replace_fields(call.body, attempt.candidate.params))
    reply = await send(attempt, call)
    try:
        if asked.stream:
            await stream(attempt, reply, _carrier(attempt, asked, lowered.restore, rescuing))
        else:
            await _translate_whole(attempt, reply, asked, lowered.restore)
    finally:
        reply.close()


def _carrier(attempt: Attempt, asked: Request, restore: Restore, rescuing: Rescuing | None) -> Translated:
    if rescuing is not None:
        return Rescued(attempt, rescuing, restore)
    return Translated(attempt, attempt.exchange.dialect.writer(asked), restore)


def _addressed(attempt: Attempt, request: Request) -> Request:
    """The request under the deployment's model name, without the fields that may not go there."""
    extra, name = request.extra, attempt.exchange.dialect.name
    private = attempt.private_fields()
    mine = (extra or {}).get(name)
    if extra and mine and private & mine.keys():
        extra = {**extra, name: {k: v for k, v in mine.items() if k not in private}}
    return msgspec.structs.replace(request, model=attempt.deployment.model, extra=extra)


def _refuse_state(attempt: Attempt, request: Request) -> None:
    deployment, dialect = attempt.deployment, attempt.exchange.dialect
    leaning = dialect.state_fields(request)
    if leaning and deployment.dialect is not dialect:
        names = ", ".join(f"`{name}`" for name in leaning)
        # Clients that put references in the place of what was said (the AI SDK of Vercel) can be told not to.
        how = " (with `store: false` clients do, instead of making references)" if leaning == ["item_reference"] else ""
        raise GatewayError(
            Kind.UNSUPPORTED,
            f"{names}: the request leans on state kept at the provider, but `{deployment.name}` is reached by "
            f"`{deployment.dialect.name}`, which keeps none; send the whole conversation instead{how}",
            param=leaning[0],
        )


async def _translate_whole(attempt: Attempt, reply: Reply, asked: Request, restore: Restore) -> None:
    exchange, deployment = attempt.exchange, attempt.deployment
    await head_of(attempt, reply)
    attempt.head_came(reply)
    if reply.status >= 300:
        raise await read_refusal(exchange, deployment, reply)
    body = await reply.read_all(exchange.runtime.pace.answer_bytes)
    attempt.ended()
    if exchange.captured is not None:
        exchange.captured.hear(body)
    record, fold = exchange.record, Fold()
    for event in _read_whole(attempt, body):
        for restored in restore.feed(stamp(event, deployment.maker)):
            fold.feed(restored)
            note_event(record, restored)
    answer = exchange.dialect.write_response(fold.response(), asked)
    record.status, record.bytes_out = 200, len(answer)
    await exchange.outbound.whole(200, told_headers(attempt, JSON), answer)


def _read_whole(attempt: Attempt, body: bytes) -> list[ev.Event]:
    content_type, deployment = attempt.content_type, attempt.deployment
    if "html" in content_type:
        raise not_a_stream(deployment, content_type)
    return deployment.dialect.read_response(body, deployment.quirks)
