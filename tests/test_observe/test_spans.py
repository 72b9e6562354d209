"""The spans of exchanges, judged by the packages that hold OpenTelemetry's conventions."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from opentelemetry.semconv import attributes as settled
from opentelemetry.semconv._incubating import attributes as incubating
from opentelemetry.semconv._incubating.attributes.gen_ai_attributes import GenAiOperationNameValues, GenAiProviderNameValues
from opentelemetry.semconv.schemas import Schemas

from dragoman.ir.record import Attempt, Record, Trace
from dragoman.ir.usage import Usage
from dragoman.observe.otlp import CLIENT, SERVER
from dragoman.observe.spans import SCHEMA_URL, Place, spans
from dragoman.profiles.registry import kinds, profile

TRACE = Trace("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7", state="a=1")
RECORD = Record(
    id="ex_1",
    began_at=1000.0,
    client="ada",
    address="127.0.0.1",
    agent="codex",
    agent_version="1.2",
    session="s-1",
    turn="t-1",
    kind="turn",
    dialect="responses",
    path="/v1/responses",
    trace=TRACE,
    upstream_dialect="chat",
    asked="coder",
    provider="there",
    model="m-2",
    answered="m-2-2026",
    lane="translate",
    stream=True,
    status=200,
    stop_reason="stop",
    usage=Usage(100, 50, 60, 10, 20),
    attempts=[
        Attempt("here", "m-1", 0.25, "key-1", 0.3, 0.5, 0.75, 503, "overloaded", "1111111111111111"),
        Attempt("there", "m-2", 1.0, None, 1.25, 1.5, 3.0, 200, None, "2222222222222222"),
    ],
    warnings=[("top_k", "is not known there")],
    bytes_in=10,
    bytes_out=20,
    first_token_s=2.0,
    total_s=4.0,
)
PLACES = {"here": Place("openai", "api.example.com", 443), "there": Place("anthropic", "10.0.0.1", 8000)}


def conventions() -> Iterator[str]:
    for package in (settled, incubating):
        for module in pkgutil.iter_modules(package.__path__):
            names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            yield from (value for name, value in names.items() if name.isupper() and isinstance(value, str))


def test_an_exchange_is_one_span_for_the_client_and_one_for_each_try() -> None:
    client, first, second = spans(RECORD, TRACE, PLACES)

    assert (client.name, client.kind, client.parent_id, client.span_id) == ("POST /v1/responses", SERVER, TRACE.parent_id, TRACE.span_id)
    assert (client.start_ns, client.end_ns, client.error, client.state) == (1000_000_000_000, 1004_000_000_000, None, "a=1")
    assert [(one.name, one.kind, one.parent_id, one.span_id, one.start_ns, one.end_ns, one.error) for one in (first, second)] == [
        ("chat m-1", CLIENT, TRACE.span_id, "1111111111111111", 1000_250_000_000, 1000_750_000_000, "overloaded"),
        ("chat m-2", CLIENT, TRACE.span_id, "2222222222222222", 1001_000_000_000, 1003_000_000_000, None),
    ]
    assert {one.trace_id for one in (client, first, second)} == {TRACE.trace_id}


def test_the_try_that_answered_tells_usage_and_times() -> None:
    _, first, second = spans(RECORD, TRACE, PLACES)

    assert second.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "m-2",
        "gen_ai.request.stream": True,
        "gen_ai.conversation.id": "s-1",
        "gen_ai.response.model": "m-2-2026",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 1.0,
        "server.address": "10.0.0.1",
        "server.port": 8000,
        "http.response.status_code": 200,
        "dragoman.provider": "there",
        "dragoman.connected_s": 1.25,
        "dragoman.first_byte_s": 1.5,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_creation.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 20,
    }
    assert (first.attributes["error.type"], first.attributes["http.response.status_code"]) == ("overloaded", 503)
    assert not any(name.startswith("gen_ai.usage") for name in first.attributes)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"status": 502, "error": "server_error", "message": "it failed"}, "it failed"),
        ({"status": 404, "error": "model_not_found", "message": "no such model"}, None),
        ({"status": 499, "error": "client_gone"}, None),
        ({"status": 200, "error": "cut", "message": "broke off"}, None),
    ],
)
def test_a_servers_span_failed_where_the_server_did(changed: dict[str, Any], error: str | None) -> None:
    client = next(spans(msgspec.structs.replace(RECORD, **changed), TRACE, PLACES))

    assert (client.error, client.attributes["error.type"]) == (error, changed["error"])


def test_every_attribute_is_of_the_conventions_or_our_own() -> None:
    known = set(conventions())
    named = {name for span in spans(RECORD, TRACE, PLACES) for name in span.attributes}

    assert {name for name in named - known if not name.startswith("dragoman.")} == set()


def test_the_schema_is_one_that_the_conventions_have() -> None:
    assert SCHEMA_URL in {schema.value for schema in Schemas}


def test_operations_and_providers_are_spelled_as_the_conventions_do() -> None:
    operations = {next(iter(list(spans(msgspec.structs.replace(RECORD, upstream_dialect=name), TRACE, PLACES))[1].attributes.values()))
                  for name in ("responses", "chat", "messages", "generate", "completions")}  # fmt: skip
    assert operations <= {value.value for value in GenAiOperationNameValues}

    by_kind = {kind: profile(kind).convention or kind for kind in kinds()}
    listed = {value.value for value in GenAiProviderNameValues}
    same_maker = {kind for kind, name in by_kind.items() if name in listed}
    assert {"openai", "anthropic", "gemini", "azure-openai", "mistral", "xai", "groq", "deepseek", "cohere", "perplexity"} <= same_maker


def test_an_exchange_that_asked_nobody_is_one_span() -> None:
    refused = Record(id="ex_2", began_at=1.0, dialect="chat", path="/v1/chat/completions", trace=TRACE, status=401, error="authentication")

    (client,) = spans(refused, TRACE, {})

    assert client.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "url.path": "/v1/chat/completions",
        "url.scheme": "http",
        "http.response.status_code": 401,
        "http.request.body.size": 0,
        "http.response.body.size": 0,
        "error.type": "authentication",
        "dragoman.exchange": "ex_2",
        "dragoman.client": "-",
        "dragoman.attempts": 0,
    }
