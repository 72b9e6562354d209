"""What a provider refuses, the simulator refuses, in the provider's words; what a provider takes, it takes."""

from __future__ import annotations

from typing import Any

import pytest
from desk import ask, fast, perform

from dragoman.simulator.proofs import Claim, Proofs, digest
from dragoman.simulator.script import Etiquette, Script

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALLING = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
ANSWER = {"role": "tool", "tool_call_id": "call_1", "content": "ok"}
HI = {"role": "user", "content": "hi"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def responses(*items: Any, **options: Any) -> dict[str, Any]:
    return {"model": "m", "input": list(items) or "hi", **options}


def chat(*messages: Any, **options: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages) or [HI], **options}


def function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


REFUSED_RESPONSES = [
    ({"input": "hi"}, "model", "missing_required_parameter"),
    (responses(max_output_tokens=5), "max_output_tokens", "integer_below_min_value"),
    (responses(messages=[]), "messages", "unknown_parameter"),
    (responses(temperature=3), "temperature", "integer_above_max_value"),
    (responses(reasoning={"effort": "huge"}), "reasoning.effort", "invalid_value"),
    (responses(tools=[{"type": "function", "name": "a.b"}]), "tools[0].name", "invalid_value"),
    (responses(tools=[{"type": "function", "function": {"name": "f"}}]), "tools[0].function", "unknown_parameter"),
    (responses(tools=[{"type": "wonder"}]), "tools[0].type", "invalid_value"),
    (responses(stream_options={}), "stream_options", None),
    (responses({"type": "wonder"}), "input[0].type", "invalid_value"),
    (responses(OUTPUT), "input", None),
    (responses(CALL), "input", None),
    (responses(OUTPUT, CALL), "input", None),
    (responses({**CALL, "arguments": {}}, OUTPUT), "input[0].arguments", "invalid_type"),
    (responses({**CALL, "call_id": "c" * 65}, {**OUTPUT, "call_id": "c" * 65}), "input[0].call_id", "string_above_max_length"),
    (responses({**CALL, "id": "call_1"}, OUTPUT), "input[0].id", "invalid_value"),
    (responses({"type": "reasoning", "id": "rs_1"}), "input[0].summary", "missing_required_parameter"),
    (responses({"role": "assistant", "content": [{"type": "input_text", "text": "a"}]}), "input[0].content[0]", "invalid_value"),
    (responses({"role": "user", "content": [{"type": "text", "text": "a"}]}), "input[0].content[0]", "invalid_value"),
    (responses({"role": "tool", "content": "a"}), "input[0].role", "invalid_value"),
    (responses({**CALL, "call_id": [1]}, {**OUTPUT, "call_id": {}}), "input[0].call_id", "invalid_type"),
]
REFUSED_CHAT = [
    ({"model": "m"}, "messages", "missing_required_parameter"),
    ({"model": "m", "messages": []}, "messages", "empty_array"),
    (chat(input="hi"), "input", "unknown_parameter"),
    (chat(model="gpt-5.5", max_tokens=9), "max_tokens", "unsupported_parameter"),
    (chat(tools=[]), "tools", "empty_array"),
    (chat(tool_choice="auto"), "tool_choice", None),
    (chat(parallel_tool_calls=True), "parallel_tool_calls", None),
    (chat(stream_options={"include_usage": True}), "stream_options", None),
    (chat(tools=[function("a.b")]), "tools[0].function.name", "invalid_value"),
    (chat(tools=[function("f" * 65)]), "tools[0].function.name", "string_above_max_length"),
    (chat(tools=[{"type": "function", "name": "f"}]), "tools[0].function", "missing_required_parameter"),
    (chat(tools=[{"type": "namespace", "name": "n", "tools": []}]), "tools[0].type", "invalid_value"),
    (chat(tools=[{"type": "web_search"}]), "tools[0].type", "invalid_value"),
    (chat(tools=[function("f", parameters={"type": "string"})]), "tools[0].function.parameters", "invalid_function_parameters"),
    (
        chat(tools=[function("f", strict=True, parameters={"type": "object", "properties": {"a": {}}, "additionalProperties": False})]),
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    (chat({"role": "user", "content": [{"type": "input_text", "text": "a"}]}), "messages[0].content[0].type", "invalid_value"),
    (chat({"role": "critic", "content": "a"}), "messages[0].role", "invalid_value"),
    (chat({"role": "user", "content": None}), "messages[0].content", None),
    (chat({**HI, "reasoning_content": "a"}), "messages[0].reasoning_content", "unknown_parameter"),
    (chat(HI, CALLING, {**ANSWER, "content": [PICTURE]}), "messages[2].content[0].type", "invalid_value"),
    (chat(HI, ANSWER), "messages.[1].role", None),
    (chat(HI, CALLING, HI, ANSWER), "messages", None),
    (chat(HI, CALLING), "messages", None),
    (
        chat(HI, {**CALLING, "tool_calls": [{**CALLING["tool_calls"][0], "id": ["a"]}]}, {**ANSWER, "tool_call_id": []}),
        "messages[1].tool_calls[0].id",
        "missing_required_parameter",
    ),
]
COMPACTED = Proofs().make_urlsafe(Claim("compaction", "m", digest("so far")))
TAKEN = [
    ("responses", responses(CALL, OUTPUT)),
    ("responses", responses({**CALL, "namespace": "n"}, {**OUTPUT, "output": [{"type": "input_image", "image_url": "data:"}]})),
    ("responses", responses(OUTPUT, previous_response_id="resp_1")),
    ("responses", responses(tools=[], tool_choice="auto", parallel_tool_calls=True, client_metadata={"a": "b"}, max_output_tokens=16)),
    ("responses", responses({"role": "user", "content": "hi"}, {"type": "compaction", "encrypted_content": COMPACTED})),
    ("chat", chat(HI, CALLING, ANSWER, tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f"}})),
    ("chat", chat({"role": "developer", "content": "be"}, {"role": "user", "content": [{"type": "text", "text": "a"}, PICTURE]})),
    ("chat", chat(model="gpt-4", max_tokens=9)),
    ("chat", chat(model="gpt-5.5", max_completion_tokens=9)),
    ("chat", chat({"role": "assistant", "content": ""}, HI)),
]


@pytest.mark.parametrize(
    ("dialect", "body", "param", "code"),
    [*(("responses", *row) for row in REFUSED_RESPONSES), *(("chat", *row) for row in REFUSED_CHAT)],
)
def test_violation_is_refused(dialect: str, body: dict[str, Any], param: str, code: str | None) -> None:
    simulator = fast()

    performance = perform(simulator, dialect, body)
    stats = simulator.records.stats()

    assert performance.status == 400
    error = ask(fast(), dialect, body)["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert stats["violations"][0].message == error["message"]


@pytest.mark.parametrize(("dialect", "body"), TAKEN)
def test_legal_request_is_taken(dialect: str, body: dict[str, Any]) -> None:
    simulator = fast()

    assert perform(simulator, dialect, body).status == 200
    assert simulator.records.stats()["violations"] == []


def test_violations_are_only_counted_where_the_script_says_so() -> None:
    simulator = fast(Script(etiquette=Etiquette(enforce=False)))

    assert perform(simulator, "chat", chat(HI, CALLING)).status == 200
    assert simulator.records.stats()["violation_count"] == 1


def test_metadata_of_the_user_is_a_violation_where_the_script_says_so() -> None:
    simulator = fast(Script(etiquette=Etiquette(private_metadata="refused")))

    perform(simulator, "responses", responses(client_metadata={"workspaces": "/secret"}), **{"x-codex-turn-metadata": "{}"})

    assert [violation.code for violation in simulator.records.stats()["violations"]] == ["private_metadata", "private_metadata"]


def test_models_can_refuse_reasoning() -> None:
    simulator = fast(Script(etiquette=Etiquette(reasoning_refused=("gpt-4*",))))

    assert perform(simulator, "responses", responses(model="gpt-4o", reasoning={"summary": "auto"})).status == 400
    assert perform(simulator, "responses", responses(model="o3", reasoning={"summary": "auto"})).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"\xff":1}', b"[" * 100_000])
def test_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    assert perform(fast(), "chat", body).status == 400
