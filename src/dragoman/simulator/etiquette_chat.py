"""The rules of Chat Completions for requests (https://platform.openai.com/docs/api-reference/chat/create)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dragoman.simulator.script import Etiquette
from dragoman.simulator.shapes import as_dict, as_dicts, as_list
from dragoman.simulator.violation import (
    Violation,
    bad_type,
    bad_value,
    check_choice,
    check_name,
    check_range,
    check_schema,
    empty_array,
    matches_any,
    missing,
    too_long,
    unknown,
)

Body = dict[str, Any]


def check_chat(body: Body, etiquette: Etiquette) -> Iterable[Violation]:
    """Every rule that the request breaks."""
    if not isinstance(body.get("model"), str):
        yield missing("model")
    if etiquette.unknown_fields == "refused":
        yield from (unknown(name) for name in body if name not in _FIELDS)
    yield from _limits(body, etiquette)
    yield from _options(body)
    yield from _tools(body)
    yield from _messages(body.get("messages"), etiquette)


def _limits(body: Body, etiquette: Etiquette) -> Iterable[Violation]:
    if body.get("max_tokens") is None:
        return
    if body.get("max_completion_tokens") is not None:
        told = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        yield Violation(told, "max_tokens", "invalid_parameter_combination")
    if matches_any(str(body.get("model")).rpartition("/")[2], etiquette.max_tokens_refused):
        told = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        yield Violation(told, "max_tokens", "unsupported_parameter")


def _options(body: Body) -> Iterable[Violation]:
    for name, low, high in _RANGES:
        yield from check_range(name, body.get(name), low, high)
    yield from check_choice("reasoning_effort", body.get("reasoning_effort"), _EFFORTS)
    yield from check_choice("verbosity", body.get("verbosity"), ("low", "medium", "high"))
    if body.get("stream_options") is not None and body.get("stream") is not True:
        yield Violation("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    form = as_dict(body.get("response_format"))
    if form:
        yield from check_choice("response_format.type", form.get("type"), ("text", "json_object", "json_schema"))
    if form.get("type") == "json_schema":
        inner = as_dict(form.get("json_schema"))
        yield from check_name("response_format.json_schema.name", inner.get("name"), 64)
        yield from check_schema("response_format", str(inner.get("name")), inner.get("schema"), inner.get("strict") is True)


def _tools(body: Body) -> Iterable[Violation]:
    tools = body.get("tools")
    if tools == []:
        yield empty_array("tools")
    if not tools:
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) is not None:
                told = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
                yield Violation(told, name)
    names: list[Any] = []
    for number, value in enumerate(as_list(tools)):
        tool = as_dict(value)
        names.append(as_dict(tool.get(str(tool.get("type")))).get("name"))
        yield from _tool(f"tools[{number}]", tool)
    choice = as_dict(body.get("tool_choice"))
    forced = as_dict(choice.get("function") or choice.get("custom")).get("name")
    if choice.get("type") in ("function", "custom") and forced not in names:
        yield Violation(f"Tool choice '{forced}' not found in 'tools' parameter.", "tool_choice")


def _tool(param: str, tool: Body) -> Iterable[Violation]:
    kind = tool.get("type")
    if kind not in ("function", "custom"):
        yield missing(f"{param}.type") if kind is None else bad_value(f"{param}.type", kind, ("function", "custom"))
        return
    inner = as_dict(tool.get(str(kind)))
    if not inner:
        yield missing(f"{param}.{kind}")
        return
    yield from check_name(f"{param}.{kind}.name", inner.get("name"), 64)
    yield from (unknown(f"{param}.{name}") for name in tool if name not in ("type", kind))
    yield from (unknown(f"{param}.{kind}.{name}") for name in inner if name not in _TOOL_FIELDS)
    if kind == "function":
        strict = inner.get("strict") is True
        yield from check_schema(f"{param}.function.parameters", str(inner.get("name")), inner.get("parameters"), strict)


def _messages(given: Any, etiquette: Etiquette) -> Iterable[Violation]:
    if not isinstance(given, list):
        yield missing("messages") if given is None else bad_type("messages", "an array of objects", given)
        return
    messages = [as_dict(message) for message in as_list(given)]
    if not messages:
        yield empty_array("messages")
    for number, message in enumerate(messages):
        yield from _message(f"messages[{number}]", message, etiquette)
    yield from _pairs(messages)


def _message(param: str, message: Body, etiquette: Etiquette) -> Iterable[Violation]:
    role = message.get("role")
    known = [name for name in _PARTS if name != "developer" or etiquette.developer_role]
    if role not in known:
        yield missing(f"{param}.role") if role is None else bad_value(f"{param}.role", role, known)
        return
    if etiquette.unknown_fields == "refused":
        yield from (unknown(f"{param}.{name}") for name in message if name not in _MESSAGE_FIELDS)
    yield from _content(f"{param}.content", message, _PARTS[str(role)])
    if role == "assistant" and message.get("tool_calls") is not None:
        yield from _calls(f"{param}.tool_calls", message["tool_calls"])
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        yield missing(f"{param}.tool_call_id")


def _content(param: str, message: Body, legal: tuple[str, ...]) -> Iterable[Violation]:
    content = message.get("content")
    if isinstance(content, str):
        return
    if content is None:
        if message.get("role") != "assistant" or not (message.get("tool_calls") or message.get("refusal") or message.get("audio")):
            yield Violation("Invalid value for 'content': expected a string, got null.", param)
        return
    if not isinstance(content, list):
        yield bad_type(param, "one of a string or array of objects", content)
        return
    if content == []:
        yield empty_array(param)
    for number, value in enumerate(as_list(content)):
        part = as_dict(value)
        kind = part.get("type")
        if kind not in legal:
            yield bad_value(f"{param}[{number}].type", kind, legal)
        elif kind == "image_url" and not isinstance(as_dict(part.get("image_url")).get("url"), str):
            yield bad_type(f"{param}[{number}].image_url", "an object", part.get("image_url"))
        elif kind == "text" and not isinstance(part.get("text"), str):
            yield missing(f"{param}[{number}].text")


def _calls(param: str, calls: Any) -> Iterable[Violation]:
    if calls == []:
        yield empty_array(param)
    for number, call in enumerate(as_dicts(calls)):
        where = f"{param}[{number}]"
        kind = str(call.get("type"))
        if kind not in _PAYLOADS:
            yield bad_value(f"{where}.type", call.get("type"), list(_PAYLOADS))
            continue
        inner = as_dict(call.get(kind))
        if not isinstance(call.get("id"), str):
            yield missing(f"{where}.id")
        else:
            yield from too_long(f"{where}.id", call["id"], 64)
        yield from check_name(f"{where}.{kind}.name", inner.get("name"), 64)
        payload = inner.get(_PAYLOADS[kind])
        if not isinstance(payload, str):
            yield bad_type(f"{where}.{kind}.{_PAYLOADS[kind]}", "a string", payload)


def _pairs(messages: list[Body]) -> Iterable[Violation]:
    """Tool messages answer the calls of the assistant message right before them, each one, before anybody else speaks."""
    waiting: list[str] = []
    answerable: set[str] = set()
    for number, message in enumerate(messages):
        if message.get("role") == "tool":
            call_id = str(message.get("tool_call_id"))
            if call_id not in answerable:
                told = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                yield Violation(told, f"messages.[{number}].role")
            waiting = [one for one in waiting if one != call_id]
            continue
        if waiting:
            yield _unanswered(waiting)
        waiting = [str(call.get("id")) for call in as_dicts(message.get("tool_calls"))]
        answerable = set(waiting)
    if waiting:
        yield _unanswered(waiting)


def _unanswered(waiting: list[str]) -> Violation:
    told = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
    )
    return Violation(told, "messages")


_PAYLOADS = {"function": "arguments", "custom": "input"}
_PARTS: dict[str, tuple[str, ...]] = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
    "tool": ("text",),
    "function": ("text",),
}
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("n", 1, 128),
    ("top_logprobs", 0, 20),
    ("frequency_penalty", -2, 2),
    ("presence_penalty", -2, 2),
    ("max_tokens", 1, float("inf")),
    ("max_completion_tokens", 1, float("inf")),
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TOOL_FIELDS = frozenset(("name", "description", "parameters", "strict", "format"))
_MESSAGE_FIELDS = frozenset(("role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "audio", "annotations"))
_FIELDS = frozenset(
    (
        *("model", "messages", "max_completion_tokens", "max_tokens", "temperature", "top_p", "n", "stop", "seed", "frequency_penalty"),
        *("presence_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "tools", "tool_choice", "parallel_tool_calls"),
        *("functions", "function_call", "reasoning_effort", "verbosity", "modalities", "audio", "prediction", "web_search_options"),
        *("stream", "stream_options", "store", "metadata", "service_tier", "user", "safety_identifier", "prompt_cache_key"),
        *("prompt_cache_options", "prompt_cache_retention", "moderation"),
    )
)
