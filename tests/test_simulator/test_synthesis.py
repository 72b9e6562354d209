"""Streams and whole answers have the shape that the APIs document; the official SDK's types agree."""

from __future__ import annotations

from typing import Any

import pytest
from desk import ask, fast, payload, perform, stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from dragoman.simulator.script import read_script

SCRIPT = read_script("""
rules:
  - match: {user: everything}
    reply:
      - reasoning: {summary: I think, text: deep down, encrypted_content: gAAAA-sealed}
      - commentary: On my way.
      - call: {name: get_weather, arguments: {location: "{{user}}"}}
      - call: {name: math, input: 4 + 4}
    usage: {input: 100, cached: 40, output: 30, reasoning: 10}
    model: other-model
  - match: {user: short}
    reply: [{text: one two three}]
    finish: length
  - match: {user: unpaid}
    reply: [{text: hm}]
    usage: null
  - reply: [{text: "hello  wörld\\n"}]
""")
TOOLS = [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}, {"type": "custom", "name": "math"}]
CHAT_TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}},
    {"type": "custom", "custom": {"name": "math"}},
]
SEALED = {"include": ["reasoning.encrypted_content"]}


def responses(user: str, **options: Any) -> dict[str, Any]:
    return {"model": "m", "input": user, **options}


def chat(user: str, **options: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": user}], **options}


def bare(event: dict[str, Any]) -> dict[str, Any]:
    """An event without what is random or long."""
    left_out = ("obfuscation", "sequence_number", "response", "item_id", "logprobs", "part", "item")
    return {key: value for key, value in event.items() if key not in left_out}


def test_responses_stream_of_a_text() -> None:
    events = stream(fast(SCRIPT), "responses", responses("hi"))

    where = {"output_index": 0, "content_index": 0}
    assert [bare(event) for event in events] == [
        {"type": "response.created"},
        {"type": "response.in_progress"},
        {"type": "response.output_item.added", "output_index": 0},
        {"type": "response.content_part.added", **where},
        {"type": "response.output_text.delta", **where, "delta": "hello"},
        {"type": "response.output_text.delta", **where, "delta": "  wörld\n"},
        {"type": "response.output_text.done", **where, "text": "hello  wörld\n"},
        {"type": "response.content_part.done", **where},
        {"type": "response.output_item.done", "output_index": 0},
        {"type": "response.completed"},
    ]
    assert [event["sequence_number"] for event in events] == list(range(10))


def test_responses_stream_of_everything_ends_with_what_was_streamed() -> None:
    events = stream(fast(SCRIPT), "responses", responses("everything", tools=TOOLS, **SEALED))

    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    last = events[-1]["response"]
    assert last["output"] == done
    assert [item["type"] for item in done] == ["reasoning", "message", "function_call", "custom_tool_call"]
    assert (done[0]["encrypted_content"], done[2]["arguments"], done[3]["input"]) == ("gAAAA-sealed", '{"location":"everything"}', "4 + 4")
    assert (last["status"], last["model"]) == ("completed", "other-model")
    assert last["usage"] == {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 130,
    }


def test_sealed_reasoning_is_given_to_those_only_who_ask_for_it() -> None:
    output = ask(fast(SCRIPT), "responses", responses("everything", tools=TOOLS))["output"]

    assert "encrypted_content" not in output[0]


@pytest.mark.parametrize("user", ["hi", "everything", "short", "unpaid"])
def test_sdk_types_take_every_answer(user: str) -> None:
    event_type: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)

    for event in stream(fast(SCRIPT), "responses", responses(user, tools=TOOLS, **SEALED)):
        event_type.validate_python(event, strict=True)
    for chunk in stream(fast(SCRIPT), "chat", chat(user, tools=CHAT_TOOLS, stream_options={"include_usage": True})):
        # The SDK has no type for a freeform call in a chunk, though it has one for it in a whole answer.
        if "custom" not in str(chunk):
            ChatCompletionChunk.model_validate(chunk, strict=True)
    Response.model_validate_json(payload(perform(fast(SCRIPT), "responses", responses(user, tools=TOOLS))), strict=True)
    ChatCompletion.model_validate_json(payload(perform(fast(SCRIPT), "chat", chat(user, tools=CHAT_TOOLS))), strict=True)


def test_chat_stream_of_everything() -> None:
    chunks = stream(fast(SCRIPT), "chat", chat("everything", tools=CHAT_TOOLS, stream_options={"include_usage": True}))

    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    heads = [{key: value for key, value in call.items() if key != "id"} for call in calls if "id" in call]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "deep down"
    assert "".join(delta.get("content") or "" for delta in deltas) == "On my way."
    assert heads == [
        {"index": 0, "type": "function", "function": {"name": "get_weather", "arguments": ""}},
        {"index": 1, "type": "custom", "custom": {"name": "math", "input": ""}},
    ]
    assert "".join(call.get("function", {}).get("arguments", "") for call in calls) == '{"location":"everything"}'
    assert "".join(call.get("custom", {}).get("input", "") for call in calls) == "4 + 4"
    assert (chunks[-2]["choices"][0]["finish_reason"], chunks[-1]["choices"]) == ("tool_calls", [])
    assert chunks[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 40, "cache_write_tokens": 0, "audio_tokens": 0}


def test_chat_stream_without_include_usage_has_none() -> None:
    assert not any("usage" in chunk for chunk in stream(fast(SCRIPT), "chat", chat("hi")))


def test_chat_stream_ends_with_done() -> None:
    assert payload(perform(fast(SCRIPT), "chat", chat("hi", stream=True))).endswith(b"\n\ndata: [DONE]\n\n")


def test_cut_off_answer_says_so_in_both_dialects() -> None:
    whole = ask(fast(SCRIPT), "responses", responses("short"))

    assert (whole["status"], whole["incomplete_details"], whole["output"][0]["status"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
        "incomplete",
    )
    assert ask(fast(SCRIPT), "chat", chat("short"))["choices"][0]["finish_reason"] == "length"


def test_usage_can_be_missing() -> None:
    assert ask(fast(SCRIPT), "responses", responses("unpaid"))["usage"] is None
    assert "usage" not in ask(fast(SCRIPT), "chat", chat("unpaid"))


def test_whole_and_streamed_answers_say_the_same() -> None:
    streamed = stream(fast(SCRIPT), "responses", responses("hi"))[-1]["response"]
    whole = ask(fast(SCRIPT), "responses", responses("hi"))

    assert [item["content"] for item in whole["output"]] == [item["content"] for item in streamed["output"]]


def test_same_seed_gives_the_same_bytes() -> None:
    assert payload(perform(fast(SCRIPT), "chat", chat("hi", stream=True))) == payload(
        perform(fast(SCRIPT), "chat", chat("hi", stream=True))
    )
