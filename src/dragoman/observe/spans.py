"""The spans of an exchange: one for what the client asked (HTTP conventions), below it one for each try at a provider (GenAI conventions).

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ · https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from dragoman.ir.record import Attempt, Bodies, Record, Trace
from dragoman.ir.usage import Usage
from dragoman.observe.otlp import CLIENT, SERVER, Span, Value

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
_OPERATIONS = {"generate": "generate_content", "completions": "text_completion"}
_CHAT = "chat"
_LEFT = 499
_MESSAGE = 1000

Content = Callable[[Record, Bodies], Mapping[str, Value]]
"""What was said in an exchange, as attributes; nothing where it is not to be told."""


class Place(msgspec.Struct, frozen=True):
    """A provider as the conventions know it. name: of `gen_ai.provider.name`; address, port: where it is."""

    name: str
    address: str | None = None
    port: int | None = None


def no_content(record: Record, bodies: Bodies) -> Mapping[str, Value]:
    """What was said stays here."""
    return {}


def spans(record: Record, trace: Trace, places: Mapping[str, Place], content: Mapping[str, Value] | None = None) -> Iterator[Span]:
    """The spans of one exchange that is over. content: what was said, for the try that answered."""
    yield _exchange(record, trace)
    for attempt in record.attempts:
        if attempt.span_id is not None:
            is_last = attempt is record.attempts[-1]
            yield _attempt(record, trace, attempt, places.get(attempt.provider), (content or {}) if is_last else {})


def _exchange(record: Record, trace: Trace) -> Span:
    failed = record.error if record.status != _LEFT else None
    attributes = _told(
        {
            "http.request.method": "POST",
            "http.route": record.path,
            "url.path": record.path,
            "url.scheme": "http",
            "http.response.status_code": record.status or None,
            "client.address": record.address,
            "http.request.body.size": record.bytes_in,
            "http.response.body.size": record.bytes_out,
            "error.type": record.error,
            "gen_ai.conversation.id": record.session,
            "dragoman.exchange": record.id,
            "dragoman.client": record.client,
            "dragoman.agent": record.agent,
            "dragoman.agent.version": record.agent_version,
            "dragoman.turn": record.turn,
            "dragoman.kind": record.kind,
            "dragoman.asked": record.asked,
            "dragoman.lane": record.lane,
            "dragoman.attempts": len(record.attempts),
            "dragoman.warnings": [f"{field}: {why}"[:_MESSAGE] for field, why in record.warnings],
        }
    )
    # An error that the client made is none of ours (HTTP conventions: 4xx leaves a server's span unset).
    told = (record.message or failed) if failed is not None and record.status >= 500 else None
    return Span(
        name=f"POST {record.path}" if record.path else "POST",
        kind=SERVER,
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        parent_id=trace.parent_id,
        state=trace.state,
        start_ns=_ns(record.began_at),
        end_ns=_ns(record.began_at + record.total_s),
        attributes=attributes,
        error=told if told is None else told[:_MESSAGE],
    )


def _attempt(record: Record, trace: Trace, attempt: Attempt, place: Place | None, content: Mapping[str, Value]) -> Span:
    is_answer = attempt is record.attempts[-1]
    operation = _OPERATIONS.get(record.upstream_dialect or record.dialect, _CHAT)
    reason = record.stop_reason if is_answer and record.error is None else None
    first_s = record.first_token_s - attempt.began_s if is_answer and record.first_token_s is not None else None
    ended_s = record.total_s if attempt.ended_s is None else attempt.ended_s
    attributes = _told(
        {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": attempt.provider if place is None else place.name,
            "gen_ai.request.model": attempt.model,
            "gen_ai.request.stream": record.stream,
            "gen_ai.conversation.id": record.session,
            "gen_ai.response.model": record.answered if is_answer else None,
            "gen_ai.response.finish_reasons": [reason] if reason else [],
            "gen_ai.response.time_to_first_chunk": first_s,
            "server.address": None if place is None else place.address,
            "server.port": None if place is None else place.port,
            "http.response.status_code": attempt.status,
            "error.type": attempt.error,
            "dragoman.provider": attempt.provider,
            "dragoman.provider_key": attempt.key,
            "dragoman.connected_s": attempt.connected_s,
            "dragoman.first_byte_s": attempt.first_byte_s,
            **(_usage(record.usage) if is_answer and record.usage is not None else {}),
        }
    )
    return Span(
        name=f"{operation} {attempt.model}",
        kind=CLIENT,
        trace_id=trace.trace_id,
        span_id=attempt.span_id or "",
        parent_id=trace.span_id,
        state=trace.state,
        start_ns=_ns(record.began_at + attempt.began_s),
        end_ns=_ns(record.began_at + ended_s),
        attributes={**attributes, **content},
        error=attempt.error,
    )


def _usage(usage: Usage) -> dict[str, Value | None]:
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }


def _told(values: Mapping[str, Value | None]) -> dict[str, Value]:
    """What is known; nothing empty."""
    return {name: value for name, value in values.items() if value is not None and value != "" and value != []}


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
