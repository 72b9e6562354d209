"""Exchanges with a provider of kind `anthropic`: what it hears, and what the client is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from stand import SSE, Heard, Told, provider, says, stand

STREAM = tuple(
    f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    for event in (
        {
            "type": "message_start",
            "message": {"id": "msg_1", "model": "claude-real", "content": [], "usage": {"input_tokens": 5, "output_tokens": 1}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    )
)


def exchange(dialect: str, body: dict[str, Any], headers: dict[str, str] | None = None, settings: str = "") -> tuple[Heard, Told, str]:
    """What the provider heard, what the client was told, and the lane."""

    async def run() -> tuple[Heard, Told, str]:
        async with provider(says(SSE, *STREAM)) as up, stand(up.url, kind="anthropic", settings=settings) as gate:
            gate.received_at = 1_795_000_000.7
            told = await gate.ask(dialect, {"model": "up/claude-opus-5", "stream": True, **body}, headers)
            return up.heard[0], told, str(gate.record.lane)

    return asyncio.run(run())


def lines(heard: Heard, name: str) -> list[str]:
    return [line for line in heard.head.split("\r\n") if line.startswith(f"{name}:")]


def test_a_client_of_another_api_is_told_what_claude_says() -> None:
    heard, told, lane = exchange("responses", {"input": "hi", "reasoning": {"effort": "high", "summary": "auto"}})

    assert lane == "translate"
    assert heard.head.startswith("post /v1/messages ")
    assert (lines(heard, "x-api-key"), lines(heard, "authorization")) == (["x-api-key: sk-provider-secret"], [])
    assert lines(heard, "anthropic-version") == ["anthropic-version: 2023-06-01"]
    assert heard.json == {
        "model": "claude-opus-5",
        "max_tokens": 128_000,
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "high"},
        "stream": True,
        "cache_control": {"type": "ephemeral"},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    response = told.events[-1]["response"]
    assert [item["type"] for item in response["output"]] == ["reasoning", "message"]
    assert response["usage"]["total_tokens"] == 12


def test_a_client_of_the_api_is_relayed_with_its_own_version_and_betas() -> None:
    body = {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "from_the_future": 1}

    heard, told, lane = exchange("messages", body, {"anthropic-version": "2026-10-21", "anthropic-beta": "a,b", "x-api-key": "client"})

    assert lane == "relay"
    assert lines(heard, "anthropic-version") == ["anthropic-version: 2026-10-21"]
    assert lines(heard, "anthropic-beta") == ["anthropic-beta: a,b"]
    assert lines(heard, "x-api-key") == ["x-api-key: sk-provider-secret"]
    assert heard.json == {"model": "claude-opus-5", "stream": True, **body}
    assert told.body == b"".join(STREAM)


def test_breakpoints_can_be_switched_off() -> None:
    heard, _, _ = exchange("chat", {"messages": [{"role": "user", "content": "hi"}]}, settings=", quirks: {cache_breakpoints: 'off'}")

    assert "cache_control" not in heard.json


def test_an_answer_that_claude_gives_no_date_is_dated_by_its_question() -> None:
    _, responses, _ = exchange("responses", {"input": "hi"})
    _, chat, _ = exchange("chat", {"messages": [{"role": "user", "content": "hi"}]})

    assert {event["response"]["created_at"] for event in responses.events if "response" in event} == {1_795_000_000}
    assert {chunk["created"] for chunk in chat.events} == {1_795_000_000}
