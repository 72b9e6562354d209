"""The rules of the Responses API for requests (https://platform.openai.com/docs/api-reference/responses/create)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
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
    missing,
    too_long,
    unknown,
)

Body = dict[str, Any]


def check_responses(body: Body, etiquette: Etiquette) -> Iterable[Violation]:
    """Every rule that the request breaks."""
    if not isinstance(body.get("model"), str) and body.get("prompt") is None:
        yield missing("model")
    if etiquette.unknown_fields == "refused":
        yield from (unknown(name) for name in body if name not in _FIELDS)
    yield from _options(body)
    for number, tool in enumerate(as_list(body.get("tools"))):
        yield from _tool(f"tools[{number}]", as_dict(tool))
    yield from _input(body)


def _options(body: Body) -> Iterable[Violation]:
    yield from check_range("max_output_tokens", body.get("max_output_tokens"), 16, float("inf"))
    yield from check_range("temperature", body.get("temperature"), 0, 2)
    yield from check_range("top_p", body.get("top_p"), 0, 1)
    yield from check_range("top_logprobs", body.get("top_logprobs"), 0, 20)
    yield from check_choice("reasoning.effort", as_dict(body.get("reasoning")).get("effort"), _EFFORTS)
    yield from check_choice("reasoning.summary", as_dict(body.get("reasoning")).get("summary"), ("auto", "concise", "detailed"))
    yield from check_choice("text.verbosity", as_dict(body.get("text")).get("verbosity"), ("low", "medium", "high"))
    yield from check_choice("truncation", body.get("truncation"), ("auto", "disabled"))
    yield from check_choice("service_tier", body.get("service_tier"), _TIERS)
    for number, wanted in enumerate(as_list(body.get("include"))):
        yield from check_choice(f"include[{number}]", wanted, _INCLUDES)
    if body.get("stream_options") is not None and body.get("stream") is not True:
        yield Violation("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    yield from _format(as_dict(as_dict(body.get("text")).get("format")))
    yield from _tool_choice(body.get("tool_choice"), as_dicts(body.get("tools")))


def _format(form: Body) -> Iterable[Violation]:
    if not form:
        return
    yield from check_choice("text.format.type", form.get("type"), ("text", "json_object", "json_schema"))
    if form.get("type") == "json_schema":
        yield from check_name("text.format.name", form.get("name"), 64)
        if not isinstance(form.get("schema"), dict):
            yield missing("text.format.schema")
        yield from check_schema("text.format.schema", str(form.get("name")), form.get("schema"), form.get("strict") is True)


def _tool_choice(choice: Any, tools: list[Body]) -> Iterable[Violation]:
    if isinstance(choice, str):
        yield from check_choice("tool_choice", choice, ("none", "auto", "required"))
    form = as_dict(choice)
    if form.get("type") in ("function", "custom") and not any(tool.get("name") == form.get("name") for tool in tools):
        yield Violation(f"Tool choice '{form.get('name')}' not found in 'tools' parameter.", "tool_choice")


def _tool(param: str, tool: Body) -> Iterable[Violation]:
    kind = tool.get("type")
    if kind not in _TOOL_TYPES:
        yield missing(f"{param}.type") if kind is None else bad_value(f"{param}.type", kind, _TOOL_TYPES)
        return
    if "function" in tool:
        yield unknown(f"{param}.function")
    if kind in ("function", "custom"):
        yield from check_name(f"{param}.name", tool.get("name"), 128)
    if kind == "function":
        yield from check_schema(f"{param}.parameters", str(tool.get("name")), tool.get("parameters"), tool.get("strict") is True)
    if kind == "namespace":
        yield from check_name(f"{param}.name", tool.get("name"), 64)
        for number, inner in enumerate(as_dicts(tool.get("tools"))):
            yield from _tool(f"{param}.tools[{number}]", inner)


def _input(body: Body) -> Iterable[Violation]:
    given = body.get("input")
    if isinstance(given, str):
        return
    if not isinstance(given, list):
        if given is None and any(body.get(name) is not None for name in ("prompt", "previous_response_id", "conversation")):
            return
        yield missing("input") if given is None else bad_type("input", "one of an array of objects or string", given)
        return
    items = [as_dict(item) for item in as_list(given)]
    for number, item in enumerate(items):
        yield from _item(f"input[{number}]", item)
    if body.get("previous_response_id") is None and body.get("conversation") is None:
        yield from _pairs(items)


def _item(param: str, item: Body) -> Iterable[Violation]:
    kind = item.get("type", "message")
    fields = _ITEMS.get(kind)
    if fields is None:
        yield bad_value(f"{param}.type" if "type" in item else param, kind, list(_ITEMS))
        return
    for name, check in fields.items():
        yield from check(f"{param}.{name}", item.get(name))
    if isinstance(item.get("id"), str):
        yield from too_long(f"{param}.id", item["id"], 64)
        prefix = _PREFIXES.get(kind)
        if prefix is not None and not item["id"].startswith(prefix) and (kind != "message" or item.get("role") == "assistant"):
            told = f"Invalid '{param}.id': '{item['id']}'. Expected an ID that begins with '{prefix}'."
            yield Violation(told, f"{param}.id", "invalid_value")
    if kind == "message":
        yield from _message(param, item)


def _message(param: str, item: Body) -> Iterable[Violation]:
    role = item.get("role")
    yield from check_choice(f"{param}.role", role if role is not None else "null", ("assistant", "system", "developer", "user"))
    content = item.get("content")
    if isinstance(content, str):
        return
    legal = _OUTPUT_PARTS if role == "assistant" else _INPUT_PARTS
    yield from _parts(f"{param}.content", content, legal)


def _parts(param: str, content: Any, legal: dict[str, tuple[str, ...]]) -> Iterable[Violation]:
    if not isinstance(content, list):
        yield missing(param) if content is None else bad_type(param, "one of an array of objects or string", content)
        return
    for number, value in enumerate(as_list(content)):
        part = as_dict(value)
        needed = legal.get(str(part.get("type")))
        if needed is None:
            yield bad_value(f"{param}[{number}]", part.get("type"), list(legal))
        elif needed and not any(isinstance(part.get(name), str) for name in needed):
            yield missing(f"{param}[{number}].{needed[0]}")


def _pairs(items: list[Body]) -> Iterable[Violation]:
    """Each result has its call before it, and each call has its result."""
    open_calls: dict[tuple[str, str], None] = {}
    closed: set[tuple[str, str]] = set()
    for item in items:
        kind = str(item.get("type"))
        if kind in _CALLS:
            open_calls[kind, str(item.get("call_id"))] = None
        elif kind in _RESULTS:
            key = (_RESULTS[kind], str(item.get("call_id")))
            if key not in open_calls and key not in closed:
                told = f"No tool call found for {_CALLS[key[0]]} output with call_id {key[1]}."
                yield Violation(told, "input")
            open_calls.pop(key, None)
            closed.add(key)
    for kind, call_id in open_calls:
        yield Violation(f"No tool output found for {_CALLS[kind]} {call_id}.", "input")


def _text(param: str, value: Any) -> Iterable[Violation]:
    if not isinstance(value, str):
        yield missing(param) if value is None else bad_type(param, "a string", value)


def _call_id(param: str, value: Any) -> Iterable[Violation]:
    yield from _text(param, value)
    yield from too_long(param, value, 64) if isinstance(value, str) else ()


def _tool_name(param: str, value: Any) -> Iterable[Violation]:
    yield from check_name(param, value, 128)


def _array(param: str, value: Any) -> Iterable[Violation]:
    if not isinstance(value, list):
        yield missing(param) if value is None else bad_type(param, "an array of objects", value)


def _agent_content(param: str, value: Any) -> Iterable[Violation]:
    yield from _parts(param, value, _AGENT_PARTS)
    for number, part in enumerate(as_dicts(value)):
        if part.get("type") == "encrypted_content" and _CIPHERTEXT.fullmatch(str(part.get("encrypted_content"))) is None:
            told = f"The encrypted content of {param}[{number}] could not be decrypted or parsed."
            yield Violation(told, f"{param}[{number}]", "invalid_encrypted_content")


def _output(param: str, value: Any) -> Iterable[Violation]:
    if not isinstance(value, str):
        yield from _parts(param, value, _INPUT_PARTS)


Check = Callable[[str, Any], Iterable[Violation]]
_ITEMS: dict[str, dict[str, Check]] = {
    "message": {},
    "function_call": {"call_id": _call_id, "name": _tool_name, "arguments": _text},
    "function_call_output": {"call_id": _call_id, "output": _output},
    "custom_tool_call": {"call_id": _call_id, "name": _tool_name, "input": _text},
    "custom_tool_call_output": {"call_id": _call_id, "output": _output},
    "reasoning": {"summary": _array},
    "compaction": {"encrypted_content": _text},
    "agent_message": {"author": _text, "recipient": _text, "content": _agent_content},
    "additional_tools": {"tools": _array},
    "tool_search_output": {"tools": _array},
    "item_reference": {"id": _text},
    **{
        name: {}
        for name in (
            "compaction_trigger",
            "configuration_update",
            "tool_search_call",
            "web_search_call",
            "file_search_call",
            "computer_call",
            "computer_call_output",
            "code_interpreter_call",
            "image_generation_call",
            "local_shell_call",
            "local_shell_call_output",
            "shell_call",
            "shell_call_output",
            "apply_patch_call",
            "apply_patch_call_output",
            "mcp_list_tools",
            "mcp_call",
            "mcp_approval_request",
            "mcp_approval_response",
            "program",
            "program_output",
        )
    },
}
_CALLS = {"function_call": "function call", "custom_tool_call": "custom tool call"}
_RESULTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
_PREFIXES = {"message": "msg", "function_call": "fc", "custom_tool_call": "ctc", "reasoning": "rs"}
_INPUT_PARTS: dict[str, tuple[str, ...]] = {
    "input_text": ("text",),
    "input_image": ("image_url", "file_id"),
    "input_file": ("file_id", "file_data", "file_url"),
}
_AGENT_PARTS = {**_INPUT_PARTS, "encrypted_content": ("encrypted_content",)}
_CIPHERTEXT = re.compile(r"gAAAA[\w=-]+", re.ASCII)
_OUTPUT_PARTS: dict[str, tuple[str, ...]] = {"output_text": ("text",), "refusal": ("refusal",)}
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
_INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)
_TOOL_TYPES = (
    *("function", "custom", "namespace", "tool_search", "programmatic_tool_calling", "web_search", "web_search_2025_08_26"),
    *("web_search_preview", "file_search", "code_interpreter", "image_generation", "mcp", "computer", "computer_use_preview"),
    *("local_shell", "shell", "apply_patch"),
)
_FIELDS = frozenset(
    (
        *("model", "input", "instructions", "max_output_tokens", "max_tool_calls", "temperature", "top_p", "top_logprobs", "tools"),
        *("tool_choice", "parallel_tool_calls", "reasoning", "text", "store", "previous_response_id", "conversation", "include"),
        *("background", "background_options", "stream", "stream_options", "service_tier", "prompt_cache_key", "prompt_cache_options"),
        *("prompt_cache_retention", "safety_identifier", "user", "metadata", "truncation", "prompt", "context_management", "moderation"),
        *("image", "access_programs", "generate", "client_metadata"),
    )
)
