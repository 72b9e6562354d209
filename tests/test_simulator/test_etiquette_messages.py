"""Requests that Anthropic would refuse are refused in its words, and legal ones are not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import fast, payload, perform

HI = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
OTHER = {**CALL, "id": "toolu_2"}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
SCHEMA = {"type": "object", "properties": {}}
TOOL = {"name": "look", "input_schema": SCHEMA}
PNG = "iVBORw0KGgo="
MARK = {"type": "ephemeral"}


def body(*turns: Any, model: str = "claude-sonnet-4-5", **fields: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 2048, "messages": list(turns or (HI,)), **fields}


def said(role: str, *blocks: Any) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def image(media_type: str, data: str = PNG) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"model": "m", "messages": [HI]}, "max_tokens: Field required"),
    (body(messages=[]), "messages: at least one message is required"),
    (body(wishes=1), "wishes: Extra inputs are not permitted"),
    (body(temperature=1.0), "temperature: Extra inputs are not permitted"),
    (body({"role": "developer", "content": "x"}), "messages.0.role: Unexpected role"),
    (body(said("system", text("x")), HI), "messages.0.role: Unexpected role"),
    (body(said("user", text(""))), "messages: text content blocks must be non-empty"),
    (body({"role": "user", "content": []}), "messages.0: all messages must have non-empty content"),
    (body(said("user", text("x", colour="red"))), "messages.0.content.0.text.colour: Extra inputs are not permitted"),
    (body(said("user", image("image/tiff"))), "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg'"),
    (body(said("user", image("image/jpeg"))), "messages.0.content.0.image.source.base64: Image does not match"),
    (body(said("assistant", image("image/png")), HI), "messages.0.content.0: Input tag 'image'"),
    (body(HI, said("assistant", CALL)), "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1."),
    (
        body(HI, said("assistant", CALL, OTHER), said("user", RESULT)),
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_2.",
    ),
    (body(HI, said("user", RESULT)), "messages.0.content.1: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1."),
    (
        body(HI, said("assistant", CALL), said("user", text("so"), RESULT)),
        "messages.2.content.1: `tool_result` blocks must come first in the content",
    ),
    (body(HI, said("assistant", CALL), said("user", RESULT, RESULT)), "messages.2.content.1: each tool_use must have a single result."),
    (body(HI, said("assistant", CALL, CALL), said("user", RESULT)), "messages: `tool_use` ids must be unique"),
    (body(HI, said("assistant", {**CALL, "id": "a.b"}), said("user", RESULT)), "messages.1.content.0.tool_use.id: String should match"),
    (body(HI, said("assistant", {**CALL, "input": "{}"}), said("user", RESULT)), "messages.1.content.0.tool_use.input: Input should be"),
    (body(tools=[{"name": "a.b", "input_schema": SCHEMA}]), "tools.0.custom.name: String should match pattern"),
    (body(tools=[TOOL, TOOL]), "tools: Tool names must be unique."),
    (body(tools=[{"name": "a"}]), "tools.0.custom.input_schema: Field required"),
    (body(tools=[{"name": "a", "input_schema": {**SCHEMA, "anyOf": []}}]), "tools.0.custom.input_schema: input_schema does not support"),
    (body(tools=[{"type": "function", "name": "a", "input_schema": SCHEMA}]), "tools.0: Input tag 'function'"),
    (body(tools=[{**TOOL, "parameters": {}}]), "tools.0.custom.parameters: Extra inputs are not permitted"),
    (body(tool_choice={"type": "auto"}), "tool_choice: tool_choice may only be specified while providing tools"),
    (body(tools=[TOOL], tool_choice={"type": "tool", "name": "b"}), "Tool 'b' not found in provided tools"),
    (
        body(tools=[TOOL], tool_choice={"type": "any"}, model="claude-opus-5-5"),
        'tool_choice: type "tool" and "any" are not supported for this model',
    ),
    (
        body(tools=[TOOL], tool_choice={"type": "any"}, thinking={"type": "enabled", "budget_tokens": 1024}),
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        body(said("user", *(text(str(n), cache_control=MARK) for n in range(5)))),
        "A maximum of 4 blocks with cache_control may be provided.",
    ),
    (body(thinking={"type": "enabled", "budget_tokens": 100}), "thinking.enabled.budget_tokens: Input should be greater than or equal"),
    (body(thinking={"type": "enabled", "budget_tokens": 4096}), "`max_tokens` must be greater than `thinking.budget_tokens`."),
    (body(thinking={"type": "adaptive"}), '"thinking.type.adaptive" is not supported for this model.'),
    (
        body(thinking={"type": "enabled", "budget_tokens": 1024}, model="claude-opus-4-8"),
        '"thinking.type.enabled" is not supported for this model.',
    ),
    (body(thinking={"type": "disabled"}, model="claude-fable-5"), '"thinking.type.disabled" is not supported for this model.'),
    (body(output_config={"effort": "high"}), "This model does not support the effort parameter."),
    (body(output_config={"effort": "xhigh"}, model="claude-opus-4-6"), "output_config.effort: Input should be one of"),
    (
        body(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
    ),
    (body(HI, said("assistant", text("so")), model="claude-opus-4-8"), "This model does not support assistant message prefill."),
    (body(said("user", text("x", citations=[{"type": "char_location"}]))), "messages.0.content.0.text.citations: citations are not"),
]


@pytest.mark.parametrize(("request_body", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_broken_rule_gets_the_providers_400(request_body: dict[str, Any], message: str) -> None:
    simulator = fast()

    answer = perform(simulator, "messages", request_body)

    error = json.loads(payload(answer))
    assert (answer.status, error["type"], error["error"]["type"]) == (400, "error", "invalid_request_error")
    assert error["error"]["message"].startswith(message)
    assert error["request_id"] == dict(answer.headers)["request-id"]
    assert simulator.records.stats()["violation_count"] >= 1


TAKEN: list[dict[str, Any]] = [
    body(),
    body(HI, HI),
    body(HI, said("assistant", CALL, OTHER), said("user", {**RESULT, "tool_use_id": "toolu_2"}, RESULT, text("and?")), tools=[TOOL]),
    body(HI, said("assistant", CALL), said("user", {**RESULT, "content": [text("x"), image("image/png")], "is_error": True})),
    body(HI, said("system", text("new rule")), model="claude-opus-4-8"),
    body(thinking={"type": "adaptive"}, output_config={"effort": "xhigh"}, model="claude-opus-5-5"),
    body(tools=[TOOL, {"type": "web_search_20260209", "name": "web_search"}], tool_choice={"type": "any"}, model="claude-opus-5"),
    body(tools=[{**TOOL, "cache_control": MARK}], system=[text("be brief", cache_control=MARK)]),
]


@pytest.mark.parametrize("request_body", TAKEN)
def test_legal_request_is_taken(request_body: dict[str, Any]) -> None:
    simulator = fast()

    assert perform(simulator, "messages", request_body).status == 200
    assert simulator.records.stats()["violations"] == []


def test_version_is_required_and_must_be_one_that_exists() -> None:
    answer = perform(fast(), "messages", body(), anthropic_version="2020-01-01")

    assert (answer.status, json.loads(payload(answer))["error"]["message"]) == (
        400,
        'anthropic-version: "2020-01-01" is not a valid version',
    )


def test_older_version_takes_sampling_on_older_models() -> None:
    asked = body(temperature=0.5)

    assert perform(fast(), "messages", asked, anthropic_version="2023-06-01").status == 200
    assert perform(fast(), "messages", {**asked, "model": "claude-opus-5"}, anthropic_version="2023-06-01").status == 400
