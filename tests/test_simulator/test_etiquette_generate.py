"""Requests that Gemini would refuse are refused in its words, and legal ones are not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import fast, payload, perform

HI = {"role": "user", "parts": [{"text": "hi"}]}
SENTINEL = "skip_thought_signature_validator"
CALL = {"functionCall": {"name": "look", "args": {}}}
SIGNED = {**CALL, "thoughtSignature": SENTINEL}
RESULT = {"functionResponse": {"name": "look", "response": {"output": "seen"}}}
LOOK = {"name": "look", "parametersJsonSchema": {"type": "object"}}


def body(*contents: Any, model: str = "gemini-3.7-flash", **fields: Any) -> dict[str, Any]:
    return {"model": model, "contents": list(contents or (HI,)), **fields}


def config(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


def thinking(**fields: Any) -> dict[str, Any]:
    return config(thinkingConfig=fields)


def tools(*declarations: Any, **builtin: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": list(declarations)}, *({name: value} for name, value in builtin.items())]}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


COUNT = "Please ensure that the number of function response parts is equal to the number of function call parts"
REFUSED: list[tuple[dict[str, Any], str]] = [
    (body(contents=[]), "* GenerateContentRequest.contents: contents is not specified"),
    (body(wishes=1), 'Invalid JSON payload received. Unknown name "wishes": Cannot find field.'),
    (body(**config(effort="high")), "Invalid JSON payload received. Unknown name \"effort\" at 'generation_config': Cannot find field."),
    (body({"role": "system", "parts": [{"text": "x"}]}), "Please use a valid role: user, model."),
    (body({"role": "user", "parts": []}), "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty."),
    (body(user({"thoughtSignature": "AAAA"})), "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data'"),
    (body(user({"text": "x", "cacheControl": {}})), 'Invalid JSON payload received. Unknown name "cacheControl"'),
    (body(HI, model(SIGNED)), COUNT),
    (body(HI, model(SIGNED), user({"text": "so"})), COUNT),
    (body(HI, model(SIGNED, CALL), user(RESULT)), COUNT),
    (body(HI, user(RESULT)), "Please ensure that function response turn comes immediately after a function call turn."),
    (body(model(SIGNED), user(RESULT)), "Please ensure that function call turn comes immediately after a user turn"),
    (
        body(HI, model(SIGNED), user({"functionResponse": {"name": "see", "response": {}}})),
        "Please ensure that the names of the function response parts",
    ),
    (
        body(HI, model(SIGNED), user({"functionResponse": {"name": "look", "response": "seen"}})),
        "Invalid value at 'contents[2].parts[0].functionResponse.response' (type.googleapis.com/google.protobuf.Struct)",
    ),
    (
        body(HI, model({"text": "so"}), HI, model(CALL), user(RESULT)),
        "Function call is missing a thought_signature in functionCall parts.",
    ),
    (body(HI, model({**CALL, "thoughtSignature": "AAAA"}), user(RESULT)), "Corrupted thought signature."),
    (body(HI, model({**CALL, "thoughtSignature": "a b"}), user(RESULT)), "Invalid value at 'contents[1].parts[0].thought_signature'"),
    (body(**tools({"name": "1st"})), "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name."),
    (body(**tools(LOOK, LOOK)), "Duplicate function declaration found: look"),
    (
        body(**tools({"name": "look", "parameters": {"type": "object", "$schema": "x"}})),
        "Invalid JSON payload received. Unknown name \"$schema\" at 'tools[0].function_declarations[0].parameters'",
    ),
    (body(**tools(LOOK, googleSearch={}), model="gemini-2.5-flash"), "Tool use with function calling is unsupported"),
    (body(**tools(LOOK, googleSearch={})), "Please enable tool_config.include_server_side_tool_invocations"),
    (body(toolConfig={"functionCallingConfig": {"mode": "ANY"}}), "Function calling config is set without function_declarations."),
    (
        body(**tools(LOOK), toolConfig={"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["look"]}}),
        "allowed_function_names can only be set when",
    ),
    (body(**thinking(thinkingLevel="LOW", thinkingBudget=512)), "You can only set only one of thinking budget and thinking level."),
    (body(**thinking(thinkingLevel="LOW"), model="gemini-2.5-pro"), "Thinking level is not supported for this model."),
    (body(**thinking(thinkingLevel="MINIMAL"), model="gemini-3.8-flash"), "Thinking level MINIMAL is not supported for this model."),
    (body(**thinking(thinkingBudget=0), model="gemini-2.5-pro"), "Budget 0 is invalid. This model only works in thinking mode."),
    (body(**thinking(thinkingBudget=64), model="gemini-2.5-pro"), "The thinking budget 64 is invalid."),
    (body(**config(temperature=3)), "Unable to submit request because it has a temperature value of 3"),
    (body(**config(responseJsonSchema={"type": "object"})), "Structured output requires response_mime_type 'application/json'."),
    (
        body(**tools(LOOK), **config(responseMimeType="application/json"), model="gemini-2.5-flash"),
        "Function calling with a response mime type: 'application/json' is unsupported",
    ),
]


@pytest.mark.parametrize(("request_body", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_broken_rule_gets_the_providers_400(request_body: dict[str, Any], message: str) -> None:
    simulator = fast()

    answer = perform(simulator, "generate", request_body)

    error = json.loads(payload(answer))["error"]
    assert (answer.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert error["message"].startswith(message)
    assert simulator.records.stats()["violation_count"] >= 1


TAKEN: list[dict[str, Any]] = [
    body(),
    body(HI, model(SIGNED, CALL), user(RESULT, RESULT), **tools(LOOK)),
    body(HI, model(CALL), user(RESULT), model="gemini-2.5-flash"),
    body(HI, model(CALL), user(RESULT), model({"text": "done"}), HI),
    body(HI, model({**CALL, "thought_signature": SENTINEL}), user(RESULT)),
    body(**tools(LOOK, googleSearch={}), toolConfig={"includeServerSideToolInvocations": True}),
    body(**config(responseMimeType="application/json", responseJsonSchema={"type": "object"}, stopSequences=["x"])),
    body(**thinking(thinkingLevel="high", includeThoughts=True)),
    body(user({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}), system_instruction={"parts": [{"text": "be brief"}]}),
]


@pytest.mark.parametrize("request_body", TAKEN)
def test_legal_request_is_taken(request_body: dict[str, Any]) -> None:
    simulator = fast()

    assert perform(simulator, "generate", request_body).status == 200
    assert simulator.records.stats()["violations"] == []
