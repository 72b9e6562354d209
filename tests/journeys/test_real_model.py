"""A real model answers: SmolLM2-135M on llama.cpp behind the gateway, asked by hand and by the real Codex.

A model of this size says what it likes: these journeys look at the shape of an answer, never at its sense.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from model_server import MODEL
from parts import gateway, real_model

pytestmark = pytest.mark.journey

_TURN_S = 1200
"""Codex's first request alone has several thousand tokens to be read, on whatever is left of a busy machine."""

SAME: dict[str, Any] = {"temperature": 0}
"""Each time the same answer: one without a word, which no length forbids, would be no proof."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A gateway whose only provider is the real model, spoken to in Chat Completions."""
    with real_model() as model:
        patient = {"first_byte_s": _TURN_S, "idle_s": _TURN_S}
        provider = {"kind": "openai-compatible", "base_url": f"{model}/v1", "dialect": "chat", "key_optional": True, "deadlines": patient}
        # A small model that begins to repeat itself goes on until its window is full: these settings of llama.cpp keep it from that.
        brief = {"model": f"local/{MODEL}", "params": {"repeat_penalty": 1.15, "temperature": 0.3, "stop": ["\n\n"]}}
        config = {"providers": {"local": provider}, "models": {"small": f"local/{MODEL}", "brief": {"targets": [brief]}}}
        with gateway(tmp_path_factory.mktemp("real"), config) as found:
            yield found


def post(address: str, path: str, body: dict[str, Any]) -> tuple[int, str]:
    url = urlsplit(address)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=_TURN_S)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_real_model_answers_chat_whole(address: str) -> None:
    status, text = post(
        address,
        "/v1/chat/completions",
        {"model": "small", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 30, **SAME},
    )

    answer = json.loads(text)
    assert status == 200
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["usage"]["prompt_tokens"] > 0
    assert 0 < answer["usage"]["completion_tokens"] <= 30


def test_real_model_streams_responses(address: str) -> None:
    status, text = post(
        address, "/openai/v1/responses", {"model": "small", "input": "Count to three.", "max_output_tokens": 60, "stream": True, **SAME}
    )

    events = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: {")]
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    ends = [event for event in events if event["type"] in ("response.completed", "response.incomplete", "response.failed")]
    assert status == 200
    assert len(deltas) > 1
    assert ends == [events[-1]]
    assert ends[0]["response"]["output"][0]["content"][0]["text"] == "".join(deltas)
    assert ends[0]["response"]["usage"]["input_tokens"] > 0
    assert ends[0]["response"]["usage"]["output_tokens"] >= len(deltas)


def test_codex_is_answered_by_a_real_model(address: str, tmp_path: Path) -> None:
    settings = {
        "model": "brief",
        "model_provider": "dragoman",
        "model_providers.dragoman.name": "Dragoman",
        "model_providers.dragoman.base_url": f"{address}/openai/v1",
        "model_providers.dragoman.wire_api": "responses",
        "model_providers.dragoman.stream_idle_timeout_ms": _TURN_S * 1000,
    }
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={json.dumps(value)}")]

    done = subprocess.run(
        ["codex", "exec", "--json", "--skip-git-repo-check", "--sandbox", "read-only", *flags, "Say hello."],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TURN_S,
        check=False,
    )

    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    told = [event["item"]["text"] for event in events if event["type"] == "item.completed" and event["item"]["type"] == "agent_message"]
    turns = [event for event in events if event["type"] == "turn.completed"]
    assert (done.returncode, len(turns)) == (0, 1), done.stdout + done.stderr
    assert "".join(told).strip()
    assert turns[0]["usage"]["input_tokens"] > 1000
    assert turns[0]["usage"]["output_tokens"] > 0
