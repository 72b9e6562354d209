"""What an answer looks like over Messages and generateContent: events, their order, searches, endings, usage, errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from agent import heard
from desk import ask, fast, payload, perform, perform_at, stream

from dragoman.simulator.script import read_script

RICH = """
rules:
  - match: {user: rich}
    reply: [{reasoning: first a thought}, {text: "then "}, {text: words}, {call: {name: look, arguments: {at: it}}}, {call: {name: look}}]
    usage: {input: 100, cached: 30, written: 20, output: 50, reasoning: 10}
  - match: {user: secret}
    reply: [{reasoning: {text: nobody reads this, redacted: true}}, {text: so}]
  - match: {user: news}
    reply: [{search: {query: news, found: [{title: T, url: "https://example.com/t", text: "Rain in Ürümqi."}]}}, {text: Done.}]
  - match: {user_matches: "^end "}
    reply: [{text: so}]
    finish: FINISH
  - match: {user: picture}
    reply: [{text: "I see {{images}}."}]
"""
LOOK = {"type": "object", "properties": {"at": {"type": "string"}}}


def script(finish: str = "stop") -> Any:
    return read_script(RICH.replace("FINISH", finish))


def claude(user: Any, **fields: Any) -> dict[str, Any]:
    body = {"model": "claude-opus-4-8", "max_tokens": 100, "messages": [{"role": "user", "content": user}]}
    return {**body, "tools": [{"name": "look", "input_schema": LOOK}], "thinking": {"type": "adaptive"}, **fields}


def gemini(*parts: Any, **fields: Any) -> dict[str, Any]:
    tools = [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": LOOK}]}]
    return {"model": "gemini-3.7-flash", "contents": [{"role": "user", "parts": list(parts)}], "tools": tools, **fields}


def test_events_of_messages_come_in_anthropics_order_with_a_ping_third() -> None:
    events = stream(fast(script()), "messages", claude("rich"))

    kinds = [event["type"] for event in events]
    assert kinds[:4] == ["message_start", "content_block_start", "ping", "content_block_delta"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert [event["content_block"] for event in events if event["type"] == "content_block_start"][:2] == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
    ]
    deltas = [event["delta"]["type"] for event in events if event.get("index") == 0 and "delta" in event]
    assert deltas == ["thinking_delta"] * 3 + ["signature_delta"]
    assert [block["type"] for block in heard(events)] == ["thinking", "text", "text", "tool_use", "tool_use"]
    assert events[0]["message"]["usage"]["input_tokens"] == 50
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    assert events[-2]["usage"] == {
        "input_tokens": 50,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 30,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 10},
    }


def test_stream_and_whole_answer_of_messages_say_the_same() -> None:
    whole = ask(fast(script()), "messages", claude("rich"))["content"]
    streamed = heard(stream(fast(script()), "messages", claude("rich")))

    assert [{**block, "id": ""} for block in whole] == [{**block, "id": ""} for block in streamed]


def test_newer_models_hide_their_thoughts_unless_asked() -> None:
    hidden, *_ = ask(fast(script()), "messages", claude("rich", model="claude-opus-5"))["content"]
    summarized = {"type": "adaptive", "display": "summarized"}
    shown, *_ = ask(fast(script()), "messages", claude("rich", model="claude-opus-5", thinking=summarized))["content"]
    off, *_ = ask(fast(script()), "messages", claude("rich", model="claude-opus-5", thinking={"type": "disabled"}))["content"]

    assert [hidden["thinking"], shown["thinking"], off["type"]] == ["", "first a thought", "text"]


def test_redacted_thought_comes_whole_and_goes_back() -> None:
    simulator = fast(script())
    content = heard(stream(simulator, "messages", claude("secret")))
    turns = [{"role": "user", "content": "secret"}, {"role": "assistant", "content": content}, {"role": "user", "content": "and?"}]

    forged = [turns[0], {"role": "assistant", "content": [{**content[0], "data": "AAAA"}]}, turns[2]]

    answers = [perform(simulator, "messages", claude("", messages=one)).status for one in (turns, forged)]

    assert [block["type"] for block in content] == ["redacted_thinking", "text"]
    assert answers == [200, 400]


def test_search_is_run_by_the_provider() -> None:
    anthropic = ask(fast(script()), "messages", claude("news"))
    google = ask(fast(script()), "generate", gemini({"text": "news"}))["candidates"][0]
    openai = ask(fast(script()), "responses", {"model": "m", "input": "news"})["output"]

    assert [block["type"] for block in anthropic["content"]] == ["server_tool_use", "web_search_tool_result", "text", "text"]
    assert anthropic["content"][1]["tool_use_id"] == anthropic["content"][0]["id"]
    assert anthropic["content"][2]["citations"][0]["url"] == "https://example.com/t"
    assert anthropic["stop_reason"] == "end_turn"
    grounding = google["groundingMetadata"]
    assert grounding["webSearchQueries"] == ["news"]
    # Google counts bytes, OpenAI characters.
    assert grounding["groundingSupports"][0]["segment"]["endIndex"] == len("Rain in Ürümqi.".encode())
    assert [item["type"] for item in openai] == ["web_search_call", "message", "message"]
    assert openai[1]["content"][0]["annotations"][0]["end_index"] == len("Rain in Ürümqi.")


@pytest.mark.parametrize(
    ("finish", "anthropic", "google", "openai"),
    [
        ("stop", "end_turn", "STOP", "completed"),
        ("length", "max_tokens", "MAX_TOKENS", "incomplete"),
        ("refusal", "refusal", "PROHIBITED_CONTENT", "incomplete"),
        ("pause", "pause_turn", "CONTINUATION", "completed"),
        ("context_window", "model_context_window_exceeded", "MAX_TOKENS", "incomplete"),
    ],
)
def test_every_dialect_ends_in_its_own_words(finish: str, anthropic: str, google: str, openai: str) -> None:
    simulator = fast(script(finish))

    assert ask(simulator, "messages", claude("end it"))["stop_reason"] == anthropic
    assert ask(simulator, "generate", gemini({"text": "end it"}))["candidates"][0]["finishReason"] == google
    assert ask(simulator, "responses", {"model": "m", "input": "end it"})["status"] == openai


def test_calls_of_gemini_end_with_stop_and_thoughts_are_shown_on_request_only() -> None:
    config = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}

    (plain,) = ask(fast(script()), "generate", gemini({"text": "rich"}))["candidates"]
    whole = ask(fast(script()), "generate", gemini({"text": "rich"}, **config))

    assert plain["finishReason"] == "STOP"
    assert not any("thought" in part for part in plain["content"]["parts"])
    assert whole["candidates"][0]["content"]["parts"][0] == {"text": "first a thought", "thought": True}
    assert whole["usageMetadata"] == {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 30,
        "candidatesTokenCount": 40,
        "totalTokenCount": 150,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
        "thoughtsTokenCount": 10,
        "serviceTier": "standard",
    }


def test_stream_without_sse_is_one_array() -> None:
    path = "/v1beta/models/gemini-3.7-flash:streamGenerateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "end it"}]}]}

    answer = perform_at(fast(script()), path, body)

    chunks = json.loads(payload(answer))
    assert dict(answer.headers)["content-type"].startswith("application/json")
    assert "".join(part["text"] for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]) == "so"


def test_pictures_are_seen_wherever_they_stand() -> None:
    data = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    said = {"type": "text", "text": "picture"}
    looked = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    shown = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "image", "source": data}]}
    turns = [{"role": "user", "content": [said]}, {"role": "assistant", "content": [looked]}, {"role": "user", "content": [shown]}]
    blob = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    url = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
    item = {"role": "user", "content": [{"type": "input_text", "text": "picture"}, url]}
    simulator = fast(script())

    told = [
        ask(simulator, "messages", claude("", messages=turns))["content"][0]["text"],
        ask(simulator, "generate", gemini({"text": "picture"}, blob))["candidates"][0]["content"]["parts"][0]["text"],
        ask(simulator, "responses", {"model": "m", "input": [item]})["output"][0]["content"][0]["text"],
    ]

    assert told == ["I see image/png of 8 bytes 4c4b6a3b."] * 3


@pytest.mark.parametrize(
    ("dialect", "error", "status", "path"),
    [
        ("messages", "rate_limit", 429, ("error", "type", "rate_limit_error")),
        ("messages", "overloaded", 529, ("error", "type", "overloaded_error")),
        ("generate", "rate_limit", 429, ("error", "status", "RESOURCE_EXHAUSTED")),
        ("generate", "invalid_key", 400, ("error", "status", "INVALID_ARGUMENT")),
        ("chat", "rate_limit", 429, ("error", "code", "rate_limit_exceeded")),
    ],
)
def test_named_error_is_said_in_the_dialects_own_words(dialect: str, error: str, status: int, path: tuple[str, str, str]) -> None:
    simulator = fast(read_script(f"rules: [{{fault: {{error: {error}}}}}]"))
    bodies = {
        "messages": claude("hi"),
        "generate": gemini({"text": "hi"}),
        "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    }

    answer = perform(simulator, dialect, bodies[dialect])

    assert (answer.status, json.loads(payload(answer))[path[0]][path[1]]) == (status, path[2])


def test_error_in_mid_stream_is_said_in_the_dialects_own_words() -> None:
    simulator = fast(read_script("rules: [{reply: [{text: one two}], fault: {in_stream: overloaded}}]"))

    events = stream(simulator, "messages", claude("hi"))
    chunks = stream(simulator, "generate", gemini({"text": "hi"}))

    assert (events[-1]["type"], events[-1]["error"]["type"]) == ("error", "overloaded_error")
    assert chunks[-1]["error"].keys() == {"code", "message", "status"}


@pytest.mark.parametrize(
    ("dialect", "headers"),
    [
        ("messages", {"x_api_key": "sk-demo"}),
        ("messages", {"authorization": "Bearer sk-demo"}),
        ("generate", {"x_goog_api_key": "sk-demo"}),
    ],
)
def test_key_is_found_where_each_dialect_carries_it(dialect: str, headers: dict[str, str]) -> None:
    body = claude("hi") if dialect == "messages" else gemini({"text": "hi"})

    assert perform(fast(key="sk-demo"), dialect, body, **headers).status == 200
    assert perform(fast(key="sk-demo"), dialect, body).status in (401, 403)


def test_schema_is_answered_to_each_dialects_own_control() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}
    controls = [
        {"responseMimeType": "application/json", "responseJsonSchema": schema},
        {"responseMimeType": "application/json", "responseSchema": {**schema, "type": "OBJECT"}},
        {"responseFormat": [{"text": {"mimeType": "APPLICATION_JSON", "schema": schema}}]},
    ]

    anthropic = ask(fast(), "messages", claude("hi", tools=[], output_config={"format": {"type": "json_schema", "schema": schema}}))
    google = [ask(fast(), "generate", gemini({"text": "hi"}, tools=[], generationConfig=one)) for one in controls]

    texts = [anthropic["content"][-1]["text"], *(one["candidates"][0]["content"]["parts"][0]["text"] for one in google)]
    assert [json.loads(text) for text in texts] == [{"name": "name"}] * 4
