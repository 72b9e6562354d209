"""Marks of the prompt cache go to whoever takes them, and are told of where nobody does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower

MARK = {"cache_control": {"type": "ephemeral"}}
LONG = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def carried(name: str, body: dict[str, Any], caps: Capabilities) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    request = dialect(name).read_request(Call(dialect(name).path, json.dumps(body).encode()))
    lowered = lower(request, caps)
    call, unsaid = dialect(caps.dialect).write_request(lowered.request, Quirks(stream_usage=False))
    return json.loads(call.body), [*lowered.warnings, *unsaid]


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


CHAT: dict[str, Any] = {
    "model": "m",
    "max_completion_tokens": 9,
    "messages": [
        {"role": "system", "content": [text("be"), text("brief", **MARK)]},
        {"role": "user", "content": [text("look", **LONG)]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "seen", **MARK},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}, **MARK}],
}


def test_marks_of_chat_are_breakpoints_of_messages_and_no_others_are_set() -> None:
    body, warned = carried("chat", CHAT, Capabilities("messages"))

    assert body == {
        "model": "m",
        "max_tokens": 9,
        "tools": [{"name": "f", "input_schema": {"type": "object"}, **MARK}],
        "system": [text("be"), text("brief", **MARK)],
        "messages": [
            {"role": "user", "content": [text("look", **LONG)]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [text("seen", **MARK)]}]},
        ],
    }
    assert warned == []


def test_the_last_four_marks_are_kept() -> None:
    messages = [{"role": "user", "content": [text(str(number), **MARK) for number in range(6)]}]

    body, warned = carried("chat", {**CHAT, "messages": messages}, Capabilities("messages"))

    assert [block.get("cache_control") is not None for block in body["messages"][0]["content"]] == [False, False, True, True, True, True]
    assert "cache_control" not in body["tools"][0]
    assert warned == [("cache_control", "the last 4 of 7 marks are kept, the most that count")]


CLAUDE: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "system": [text("be"), text("brief", **MARK)],
    "messages": [
        {"role": "user", "content": [text("hi")]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "seen", **MARK}]},
    ],
}


def test_breakpoints_of_messages_are_marks_of_chat_where_they_are_taken() -> None:
    body, warned = carried("messages", CLAUDE, Capabilities(cache_marks=True))

    assert body["messages"][0] == {"role": "system", "content": [text("be"), text("brief", **MARK)]}
    assert body["messages"][1] == {"role": "user", "content": "hi"}
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "c", "content": [text("seen", **MARK)]}
    assert warned == []


def test_words_that_are_marked_are_plain_text_for_servers_without_marks() -> None:
    body, warned = carried("messages", CLAUDE, Capabilities())

    assert [message["content"] for message in body["messages"]] == ["be\n\nbrief", "hi", None, "seen"]
    assert warned == [("cache_control", "the target is not known to take marks of its prompt cache")]


@pytest.mark.parametrize("name", ["responses", "generate"])
@pytest.mark.parametrize(("mark", "told"), [(MARK, []), (LONG, ["cache_control"])])
def test_an_api_that_caches_by_itself_is_warned_of_for_more_than_that(name: str, mark: dict[str, Any], told: list[str]) -> None:
    messages = [{"role": "user", "content": [text("hi", **mark)]}]

    _, warned = carried("messages", {**CLAUDE, "max_tokens": 99, "system": "be", "messages": messages}, Capabilities(name))

    assert [field for field, _ in warned] == told


def test_a_mark_at_a_call_goes_on_or_is_told_of() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, **MARK}
    use = {"type": "tool_use", "id": "c", "name": "f", "input": {}, **MARK}
    result = {"type": "tool_result", "tool_use_id": "c", "content": "seen"}
    asked = {"role": "user", "content": "look"}
    of_chat = [asked, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "x"}]
    of_messages = [asked, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]

    made, _ = carried("chat", {"model": "m", "messages": of_chat}, Capabilities("messages"))
    _, warned = carried("messages", {"model": "m", "max_tokens": 9, "messages": of_messages}, Capabilities("chat", cache_marks=True))

    assert made["messages"][1]["content"] == [use]
    assert ("cache_control", "the target's API has no place for a mark at a call") in warned


def test_marks_within_one_api_stay_as_they_are() -> None:
    body, warned = carried("messages", CLAUDE, Capabilities("messages"))

    assert body == CLAUDE
    assert warned == []
