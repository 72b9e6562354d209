"""A real collector receives the spans of exchanges, in the trace of the client that asked."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from collectors import collector
from machine import BYPASS, TALK, Machine, provider_of, requests
from parts import gateway, simulator
from patience import PATIENCE_S, until

pytestmark = pytest.mark.journey

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ATTRIBUTES = (
    "gen_ai.operation.name: Str(chat)",
    "gen_ai.request.model: Str(the-model)",
    "gen_ai.usage.output_tokens: Int(",
    "http.response.status_code: Int(200)",
)


def test_a_collector_gets_the_spans_of_an_exchange(tmp_path: Path) -> None:
    with collector(tmp_path) as spans, simulator(TALK) as upstream:
        config = {
            "providers": {"sim": provider_of(upstream, "responses")},
            "models": {"coder": "sim/the-model"},
            "telemetry": {"otlp": {"endpoint": spans.endpoint}},
        }
        with gateway(tmp_path, config) as address:
            body = json.dumps({"model": "coder", "stream": True, "messages": [{"role": "user", "content": "hello"}]}).encode()
            headers = {"content-type": "application/json", "traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1"}
            with urlopen(Request(f"{address}/v1/chat/completions", body, headers), timeout=PATIENCE_S) as answer:
                answer.read()
            # The collector writes line by line: that a span is named does not say that all of it is there.
            words = ("chat the-model", "POST /v1/chat/completions", f"Parent ID      : {SPAN}", *ATTRIBUTES)
            told = until(lambda: spans.received(*words), "the spans")

        (heard,) = (request for request in requests(upstream) if request["method"] == "POST")

    assert told.count(f"Trace ID       : {TRACE}") == 2
    parent = heard["headers"]["traceparent"]
    assert (parent[:36], parent[-3:], heard["headers"]["tracestate"]) == (f"00-{TRACE}-", "-01", "a=1")
    assert f"ID             : {parent[36:52]}" in told
    assert "hello" not in told


def test_codex_is_traced_turn_by_turn(machine: Machine, tmp_path: Path) -> None:
    with collector(tmp_path) as spans, simulator(TALK) as upstream:
        config = {
            "providers": {"sim": provider_of(upstream, "responses")},
            "models": {"coder": "sim/the-model"},
            "telemetry": {"otlp": {"endpoint": spans.endpoint, "propagate": False}},
        }
        with gateway(tmp_path, config) as address:
            ran = machine.dragoman(
                *("codex", "--gateway", address, "-m", "coder", "exec", "--skip-git-repo-check", BYPASS, "hello"),
            )
            assert ran.code == 0, ran.err
            told = until(lambda: spans.received("dragoman.agent: Str(codex)", "chat the-model", "gen_ai.conversation.id"), "the spans")

        assert not any("traceparent" in request["headers"] for request in requests(upstream))
    assert "Hello from the far side" not in told


def test_what_was_said_is_told_where_config_wants_it_and_secrets_are_not(tmp_path: Path) -> None:
    with collector(tmp_path) as spans, simulator(TALK) as upstream:
        config = {
            "providers": {"sim": provider_of(upstream, "responses")},
            "models": {"coder": "sim/the-model"},
            "database": "none",
            "telemetry": {"otlp": {"endpoint": spans.endpoint, "content": True}},
        }
        with gateway(tmp_path, config) as address:
            secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123"
            for words, log in ((f"my key is {secret}", "redacted"), ("between us", "none")):
                body = json.dumps({"model": "coder", "stream": True, "messages": [{"role": "user", "content": words}]}).encode()
                headers = {"content-type": "application/json", "x-dragoman-log": log}
                with urlopen(Request(f"{address}/v1/chat/completions", body, headers), timeout=PATIENCE_S) as answer:
                    answer.read()
            said = ("gen_ai.input.messages", "my key is [redacted]", "Hello from the far side.")
            told = until(lambda: found if (found := spans.received(*said) or "").count("chat the-model") == 2 else None, "the spans")

    assert secret not in told
    assert "between us" not in told
