"""The built-in model calls a plain client's tools when the request asks for them, and answers from the results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import ask, fast

WEATHER = {
    "type": "object",
    "properties": {"location": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
    "required": ["location", "unit"],
    "additionalProperties": False,
}
TIME = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def chat_body(user: str, **options: Any) -> dict[str, Any]:
    tools = [
        {"type": "function", "function": {"name": name, "parameters": form}}
        for name, form in (("get_weather", WEATHER), ("get_time", TIME))
    ]
    return {"model": "m", "messages": [{"role": "user", "content": user}], "tools": tools, **options}


def called(reply: dict[str, Any]) -> list[tuple[str, Any]]:
    calls = reply["choices"][0]["message"].get("tool_calls", [])
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


@pytest.mark.parametrize(
    ("user", "options", "expected"),
    [
        ("What is the weather in Paris?", {}, [("get_weather", {"location": "Paris", "unit": "celsius"})]),
        ("Use the tool, please", {}, [("get_weather", {"location": "location", "unit": "celsius"})]),
        (
            "weather and time in New York",
            {},
            [("get_weather", {"location": "New York", "unit": "celsius"}), ("get_time", {"city": "New York"})],
        ),
        ("weather and time in Rome", {"parallel_tool_calls": False}, [("get_weather", {"location": "Rome", "unit": "celsius"})]),
        ("hello", {"tool_choice": "required"}, [("get_weather", {"location": "location", "unit": "celsius"})]),
        ("hello", {"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, [("get_time", {"city": "city"})]),
        ("hello", {}, []),
    ],
)
def test_calls_what_is_asked_for(user: str, options: dict[str, Any], expected: list[Any]) -> None:
    assert called(ask(fast(), "chat", chat_body(user, **options))) == expected


def test_answers_from_the_results_and_does_not_call_again() -> None:
    body = chat_body("What is the weather in Paris?", tool_choice="required")
    simulator = fast()
    message = ask(simulator, "chat", body)["choices"][0]["message"]
    body["messages"] += [message, {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "18 degrees"}]

    answer = ask(simulator, "chat", body)["choices"][0]

    assert (answer["finish_reason"], answer["message"]["content"]) == ("stop", "`get_weather` says: 18 degrees")


def test_namespaced_and_freeform_and_search_tools_come_back_as_what_they_are() -> None:
    tools = [
        {"type": "namespace", "name": "team", "tools": [{"type": "function", "name": "spawn_agent", "parameters": TIME}]},
        {"type": "custom", "name": "math_exp"},
        {"type": "tool_search", "execution": "client", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}},
    ]
    body = {"model": "m", "input": "call spawn_agent, math_exp and tool_search with `4 + 4`", "tools": tools}

    output = ask(fast(), "responses", body)["output"]

    kept = [{key: item.get(key) for key in ("type", "name", "namespace", "arguments", "input")} for item in output]
    assert kept == [
        {"type": "function_call", "name": "spawn_agent", "namespace": "team", "arguments": '{"city":"city"}', "input": None},
        {"type": "custom_tool_call", "name": "math_exp", "namespace": None, "arguments": None, "input": "4 + 4"},
        {"type": "tool_search_call", "name": None, "namespace": None, "arguments": {"query": "4 + 4"}, "input": None},
    ]


def test_structured_answer_satisfies_the_schema() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": WEATHER}}

    reply = ask(fast(), "chat", {"model": "m", "messages": [{"role": "user", "content": "where?"}], "response_format": form})

    assert json.loads(reply["choices"][0]["message"]["content"]) == {"location": "location", "unit": "celsius"}
