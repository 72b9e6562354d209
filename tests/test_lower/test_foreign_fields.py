"""What only the client's API knows is left out with a warning, wherever it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Call
from dragoman.dialects.registry import dialect
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower
from dragoman.profiles.families import capabilities
from dragoman.profiles.registry import profile

ASKED: dict[str, dict[str, Any]] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "responses": {"model": "m", "input": "hi"},
    "generate": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}


def warned(name: str, more: dict[str, Any]) -> list[str]:
    path = "/models/m:generateContent" if name == "generate" else dialect(name).path
    request = dialect(name).read_request(Call(path, json.dumps({**ASKED[name], **more}).encode()))
    fitted = lower(request, capabilities(profile("anthropic"), "messages", "claude-opus-5"))
    return [field for field, why in fitted.warnings if why == f"only `{name}` knows this field"]


@pytest.mark.parametrize(
    ("name", "more", "fields"),
    [
        ("generate", {"generationConfig": {"imageConfig": {"aspectRatio": "1:1"}}}, ["generationConfig.imageConfig"]),
        ("generate", {"generationConfig": {"responseModalities": ["IMAGE"]}}, ["generationConfig.responseModalities"]),
        ("generate", {"generation_config": {"speech_config": {"voice_config": {}}}}, ["generationConfig.speech_config"]),
        ("responses", {"reasoning": {"effort": "low", "mode": "pro"}}, ["reasoning.mode"]),
        ("chat", {"web_search_options": {}}, ["web_search_options"]),
        ("chat", {"enable_thinking": "yes"}, ["enable_thinking"]),
        ("chat", {"reasoning": {"enabled": True, "exclude": True}}, ["reasoning"]),
        ("chat", {"thinking": {"type": "enabled", "clear_thinking": False}}, ["thinking"]),
    ],
)
def test_a_field_that_asks_for_something_is_told_of(name: str, more: dict[str, Any], fields: list[str]) -> None:
    assert warned(name, more) == fields


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, ["thinking.display"]),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, []),
        ({"output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 9}}}, ["output_config.task_budget"]),
    ],
)
def test_what_messages_alone_knows_of_thinking_is_told_of(more: dict[str, Any], fields: list[str]) -> None:
    asked = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}], **more}
    request = dialect("messages").read_request(Call("/messages", json.dumps(asked).encode()))

    assert [field for field, _ in lower(request, Capabilities("responses", reasoning_summary=True)).warnings] == fields


@pytest.mark.parametrize(("target", "fields"), [("responses", ["messages.name"]), ("chat", [])])
def test_names_of_speakers_are_told_of_where_nobody_has_a_name(target: str, fields: list[str]) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "name": "ada", "content": "hi"}]}
    request = dialect("chat").read_request(Call("/chat/completions", json.dumps(asked).encode()))

    assert [field for field, _ in lower(request, Capabilities(target)).warnings] == fields


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("generate", {"generationConfig": {"responseModalities": ["TEXT"], "candidateCount": 1}}),
        ("generate", {"generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}}}),
        ("responses", {"reasoning": {"effort": "low", "context": "all_turns"}}),
        ("chat", {"reasoning": {"effort": "low"}}),
        ("chat", {"reasoning": {"enabled": True}}),
        ("chat", {"enable_thinking": False}),
        ("chat", {"enable_thinking": True, "thinking_budget": 2000}),
        ("chat", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("chat", {"thinking": {"type": "disabled"}}),
        ("chat", {"background": False, "plugins": []}),
    ],
)
def test_a_field_that_is_understood_or_asks_for_nothing_is_not(name: str, more: dict[str, Any]) -> None:
    assert warned(name, more) == []
