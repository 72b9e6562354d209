"""Requests that nobody recorded, for each API: what its SDK's types allow, in the order that it demands."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.corpus.exchange import Exchange
from tests.corpus.imagined import Imagination, Json, name_of, words

from dragoman.dialects.contract import Call
from dragoman.dialects.registry import dialect

_STATE = frozenset({"previous_response_id", "conversation", "background", "background_options", "prompt", "store", "thread"})
"""What leans on something stored at a provider: refused by name elsewhere."""


def request(name: str, dice: Random) -> Exchange:
    """A request of this dialect."""
    body = _REQUESTS[name](dice)
    path = f"/models/some-model:{dice.choice(('generateContent', 'streamGenerateContent'))}" if name == "generate" else dialect(name).path
    return Exchange(name, "asked", 200, Call(path, json.dumps(body).encode()), None, None)


# ---- Responses -----------------------------------------------------------------------------------------------------------

_RESPONSES = "openai.types.responses.response_create_params:ResponseCreateParams"
_ANSWERS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "tool_search_call": "tool_search_output",
    "computer_call": "computer_call_output",
    "local_shell_call": "local_shell_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
}


def _responses(dice: Random) -> Json:
    of = Imagination(_RESPONSES, dice)
    told = of.members(of.root)[0]
    body = of.object(told, leave=_STATE | {"input", "stream", "stream_options", "instructions"}, often=0.2)
    kinds = of.members(told["properties"]["input"])[1]["items"]
    items: list[Json] = [{"role": "user", "content": "Hi"}]
    for _ in range(dice.randint(1, 4)):
        items += _with_answer(of, of.resolved(dice.choice(of.members(kinds))), of.members(kinds))
    return {**body, "model": "some-model", "input": items, **({"stream": True} if dice.random() < 0.5 else {})}


def _with_answer(of: Imagination, kind: Json, kinds: list[Json]) -> list[Json]:
    """An item, with its answer if it is a call, with its call if it is an answer."""
    item = of.object(kind)
    by_type = {of.resolved(each["properties"]["type"]).get("const"): each for each in kinds if "type" in each.get("properties", {})}
    if item.get("type") in _ANSWERS:
        answer = of.object(by_type[_ANSWERS[item["type"]]])
        return [item, _same_call(item, answer)]
    calls = {answer: call for call, answer in _ANSWERS.items()}
    if item.get("type") in calls:
        return [_same_call(item, of.object(by_type[calls[item["type"]]])), item]
    return [item]


def _same_call(one: Json, other: Json) -> Json:
    key = "call_id" if "call_id" in one or "call_id" in other else "id"
    one.setdefault(key, "id_1")
    one[key] = one[key] or "id_1"
    shared = {name: one[name] for name in ("namespace", "execution") if name in one and name in other}
    return {**other, key: one[key], **shared}


# ---- Chat ----------------------------------------------------------------------------------------------------------------

_CHAT = "openai.types.chat.completion_create_params:CompletionCreateParams"


def _chat(dice: Random) -> Json:
    of = Imagination(_CHAT, dice)
    told = of.members(of.root)[0]
    body = of.object(told, leave=frozenset({"messages", "stream", "stream_options", "store", "functions", "function_call"}), often=0.2)
    if "max_tokens" in body:
        body.pop("max_completion_tokens", None)
    by_role = {of.resolved(each["properties"]["role"])["const"]: each for each in of.members(told["properties"]["messages"]["items"])}
    messages: list[Json] = [of.object(by_role[role]) for role in ("developer", "system") if dice.random() < 0.3]
    for _ in range(dice.randint(1, 3)):
        messages.append(of.object(by_role["user"]))
        messages[-1]["content"] = messages[-1]["content"] if len(messages) > 3 else "Well?"
        if dice.random() < 0.7:
            said = of.object(by_role["assistant"], leave=frozenset({"function_call", "audio"}))
            if not said.get("tool_calls"):
                said.pop("tool_calls", None)
                said["content"] = said.get("content") or "Yes."
            messages.append(said)
            for at, call in enumerate(said.get("tool_calls", ())):
                call["id"] = f"call_{len(messages)}_{at}"
            calls = [call["id"] for call in said.get("tool_calls", ())]
            messages += [{**of.object(by_role["tool"]), "tool_call_id": call} for call in calls]
    return {**body, "model": "some-model", "messages": messages, **({"stream": True} if dice.random() < 0.5 else {})}


# ---- Messages ------------------------------------------------------------------------------------------------------------

_MESSAGES = "anthropic.types.beta.message_create_params:MessageCreateParams"
_OF_USERS = (
    "BetaTextBlockParam",
    "BetaImageBlockParam",
    "BetaRequestDocumentBlockParam",
    "BetaSearchResultBlockParam",
    "BetaContainerUploadBlockParam",
)
_OF_MODELS = (
    "BetaTextBlockParam",
    "BetaThinkingBlockParam",
    "BetaRedactedThinkingBlockParam",
    "BetaToolUseBlockParam",
    "BetaServerToolUseBlockParam",
    "BetaWebSearchToolResultBlockParam",
    "BetaWebFetchToolResultBlockParam",
    "BetaCodeExecutionToolResultBlockParam",
    "BetaBashCodeExecutionToolResultBlockParam",
    "BetaTextEditorCodeExecutionToolResultBlockParam",
    "BetaToolSearchToolResultBlockParam",
    "BetaMCPToolUseBlockParam",
    "BetaRequestMCPToolResultBlockParam",
    "BetaCompactionBlockParam",
)


def _messages(dice: Random) -> Json:
    of = Imagination(_MESSAGES, dice)
    told = of.members(of.root)[0]
    body = of.object(told, leave=_STATE | {"messages", "stream", "betas", "user_profile_id", "workspace_id"}, often=0.2)
    messages: list[Json] = [{"role": "user", "content": dice.choice((words(dice) + ".", _blocks(of, _OF_USERS)))}]
    for _ in range(dice.randint(0, 3)):
        said = _blocks(of, _OF_MODELS)
        calls = [block for block in said if block["type"] == "tool_use"]
        for at, call in enumerate(calls):
            call["id"] = f"toolu_{len(messages)}_{at}"
        answers = [{**of.object(of.named("BetaToolResultBlockParam")), "tool_use_id": call["id"]} for call in calls]
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": [*answers, *_blocks(of, _OF_USERS)]}]
    return {**body, "model": "some-model", "messages": messages, **({"stream": True} if dice.random() < 0.5 else {})}


def _blocks(of: Imagination, kinds: tuple[str, ...]) -> list[Json]:
    return [of.object(of.named(of.dice.choice(kinds))) for _ in range(of.dice.randint(1, 3))]


# ---- Generate ------------------------------------------------------------------------------------------------------------

_CONTENT = "google.genai.types:Content"
_OF_USER_PARTS = ("text", "inlineData", "fileData")
_OF_MODEL_PARTS = ("text", "thought", "functionCall", "executableCode", "codeExecutionResult", "inlineData", "toolCall")
_SETTINGS = {
    "generationConfig": "google.genai.types:GenerationConfig",
    "toolConfig": "google.genai.types:ToolConfig",
    "safetySettings": "google.genai.types:SafetySetting",
    "tools": "google.genai.types:Tool",
}


def _generate(dice: Random) -> Json:
    of = Imagination(_CONTENT, dice)
    contents: list[Json] = [{"role": "user", "parts": [_part(of, dice.choice(_OF_USER_PARTS)) for _ in range(dice.randint(1, 2))]}]
    for _ in range(dice.randint(0, 3)):
        said = [_part(of, dice.choice(_OF_MODEL_PARTS)) for _ in range(dice.randint(1, 3))]
        calls = [part["functionCall"] for part in said if "functionCall" in part]
        answers = [{"functionResponse": _answer(of, call)} for call in calls]
        contents += [{"role": "model", "parts": said}, {"role": "user", "parts": answers or [_part(of, "text")]}]
    body: Json = {"contents": contents}
    if dice.random() < 0.4:
        body["systemInstruction"] = {"parts": [{"text": words(dice) + "."}]}
    for name, place in _SETTINGS.items():
        if dice.random() < 0.4:
            value = _sparse(Imagination(place, dice))
            body[name] = [value] if name in ("tools", "safetySettings") else value
    return body


def _sparse(of: Imagination) -> Any:
    value = _without_nulls(of.object(of.root, often=0.2))
    for function in value.get("functionDeclarations") or ():
        function["name"] = name_of(of.dice)
    for name, instead in _ONE_OF:
        for held in (value, value.get("thinkingConfig") or {}):
            if name in held:
                held.pop(instead, None)
    return value


_ONE_OF = (("responseJsonSchema", "responseSchema"), ("responseMimeType", "responseFormat"), ("thinkingLevel", "thinkingBudget"))
"""Two ways to say one thing, of which the API takes one."""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _part(of: Imagination, kind: str) -> Json:
    if kind == "thought":
        return {"text": words(of.dice) + ".", "thought": True, "thoughtSignature": "c2ln"}
    if kind == "text":
        return {"text": words(of.dice) + "."}
    told = of.members(of.named("Part")["properties"][kind])[0]
    return {kind: _without_nulls({**of.object(told), **_NEEDED.get(kind, lambda dice: {})(of.dice)})}


_NEEDED: dict[str, Callable[[Random], Json]] = {
    "functionCall": lambda dice: {"name": name_of(dice), "args": {"a": words(dice)}, "willContinue": None, "partialArgs": None},
    "inlineData": lambda dice: {"data": "aGk=", "mimeType": dice.choice(("image/png", "application/pdf", "audio/wav"))},
    "fileData": lambda dice: {"fileUri": "https://example.com/a", "mimeType": dice.choice(("image/png", "application/pdf"))},
}


def _answer(of: Imagination, call: Json) -> Json:
    told = of.members(of.named("Part")["properties"]["functionResponse"])[0]
    answer = {**_without_nulls(of.object(told, leave=frozenset({"willContinue", "scheduling"}))), "name": call["name"]}
    answer.setdefault("response", {"output": words(of.dice)})
    answer.pop("id", None)
    return {**answer, "id": call["id"]} if "id" in call else answer


_REQUESTS: dict[str, Callable[[Random], Json]] = {"responses": _responses, "chat": _chat, "messages": _messages, "generate": _generate}
