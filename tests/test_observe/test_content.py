"""What was said, as the GenAI conventions write it."""

from __future__ import annotations

import json
from typing import Any

from dragoman.ir.record import Bodies, Record
from dragoman.observe import content
from dragoman.observe.content import read_content
from dragoman.observe.redact import Redactor

ASKED = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}],
        },
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "A cat, says sk-proj-abcdefghijklmnopqrstuvwxyz."},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}}],
}
ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "A cat."}, "finish_reason": "stop"}],
}
CHUNKS = [
    {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": end}],
    }
    for delta, end in (({"role": "assistant", "content": "A "}, None), ({"content": "cat."}, None), ({}, "stop"))
]
STREAM = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in CHUNKS] + [b"data: [DONE]\n\n"]


def told(
    asked: Any = ASKED, pieces: list[bytes] | None = None, *, mode: str = "redacted", stream: bool = False, **more: Any
) -> dict[str, Any]:
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    bodies = Bodies(mode, body, [json.dumps(ANSWER).encode()] if pieces is None else pieces)
    record = Record("ex_1", 0.0, dialect="chat", path="/v1/chat/completions", stream=stream, stop_reason="stop", **more)
    return {name: json.loads(value) for name, value in read_content(record, bodies, Redactor().redact).items()}


def test_a_conversation_is_told_as_messages_of_parts() -> None:
    assert told() == {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [
            {
                "role": "user",
                "parts": [{"type": "text", "content": "What is this?"}, {"type": "uri", "modality": "image", "uri": "https://x/y.png"}],
            },
            {
                "role": "assistant",
                "parts": [
                    {"type": "text", "content": "I look."},
                    {"type": "tool_call", "id": "c1", "name": "look", "arguments": '{"at":1}'},
                ],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "A cat, says [redacted]."}]},
        ],
        "gen_ai.tool.definitions": [{"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "A cat."}], "finish_reason": "stop"}],
    }


def test_a_stream_is_told_as_the_message_that_it_is() -> None:
    assert told(pieces=STREAM, stream=True)["gen_ai.output.messages"] == told()["gen_ai.output.messages"]


def test_of_a_stream_that_broke_off_what_was_delivered_is_told() -> None:
    cut = told(pieces=STREAM[:2], stream=True, error="cut")

    assert cut["gen_ai.output.messages"] == [
        {"role": "assistant", "parts": [{"type": "text", "content": "A cat."}], "finish_reason": "error"}
    ]


def test_secrets_are_left_in_only_where_bodies_are_kept_whole() -> None:
    assert "sk-proj-abc" in json.dumps(told(mode="full"))
    assert "sk-proj-abc" not in json.dumps(told())


def test_nothing_is_told_of_what_is_not_to_be_kept_or_cannot_be_read() -> None:
    assert told(mode="none") == {}
    assert told(b"no json", [b"<html>"]) == {}
    assert read_content(Record("ex_1", 0.0, dialect="chat"), Bodies(), Redactor().redact) == {}


def test_of_a_long_conversation_the_latest_messages_are_told(monkeypatch: Any) -> None:
    monkeypatch.setattr(content, "MOST_BYTES", 300)
    messages = [{"role": role, "content": f"{number} " + "x" * 50} for number, role in enumerate(["user", "assistant"] * 10)]

    kept = told({"model": "m", "messages": messages})["gen_ai.input.messages"]

    assert [message["parts"][0]["content"][:2] for message in kept] == ["18", "19"]
