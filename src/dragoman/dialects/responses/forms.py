"""What this API's form of an item says, without what only the API itself knew of it.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-input (ResponseInputItem)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.remainder import JsonObject, arguments_object
from dragoman.dialects.responses.parts import write_parts
from dragoman.dialects.responses.remainder import NAME
from dragoman.dialects.responses.sealed import SEALED
from dragoman.dialects.responses.tools import write_tools
from dragoman.ir.request import Call, CallKind, Compaction, CompactionTrigger, Message, Reasoning, Result, ToolsAdded

# Hosted calls with a neutral form: wire type -> (neutral name, the field that holds what was asked).
HOSTED_CALLS = {
    "web_search_call": ("web_search", "action"),
    "file_search_call": ("file_search", "queries"),
    "code_interpreter_call": ("code_execution", "code"),
}
RUN_THERE = "xs_call"
"""How the ids of custom calls begin that xAI ran itself (its `x_search`; https://docs.x.ai/docs/guides/tools/overview): the answer
stands after them, and nothing else tells them from the client's."""
_HOSTED_TYPES = {name: (kind, field) for kind, (name, field) in HOSTED_CALLS.items()}

Plain = Message | Reasoning | Call | Result | ToolsAdded | CompactionTrigger | Compaction


def plainly(item: Plain) -> JsonObject:
    """The item on the wire."""
    return _PLAINLY[type(item)](item)


def with_id(written: JsonObject, id: str | None) -> JsonObject:
    """The same object under an id. Changes and returns `written`."""
    if id is not None:
        written["id"] = id
    return written


def _plain_message(item: Message) -> JsonObject:
    written: JsonObject = {"type": "message", "role": item.role, "content": write_parts(item.parts, spoken=item.role == "assistant")}
    if item.phase is not None:
        written["phase"] = item.phase
    return with_id(written, item.id)


def _plain_reasoning(item: Reasoning) -> JsonObject:
    written: JsonObject = {"type": "reasoning", "summary": [{"type": "summary_text", "text": text} for text in item.summary]}
    if item.content:
        written["content"] = [{"type": "reasoning_text", "text": text} for text in item.content]
    if item.proof is not None and item.proof.maker == NAME:
        written[SEALED] = item.proof.data
    return with_id(written, item.id)


def _plain_call(item: Call) -> JsonObject:
    return with_id(_CALLS[item.kind](item) if item.executor == "client" else _hosted_call(item), item.id)


def _function_call(item: Call) -> JsonObject:
    return _named({"type": "function_call", "call_id": item.call_id, "name": item.name, "arguments": item.arguments}, item.namespace)


def _custom_call(item: Call) -> JsonObject:
    return _named({"type": "custom_tool_call", "call_id": item.call_id, "name": item.name, "input": item.arguments}, item.namespace)


def _search_call(item: Call) -> JsonObject:
    return {"type": "tool_search_call", "call_id": item.call_id, "execution": "client", "arguments": arguments_object(item.arguments)}


_CALLS: dict[CallKind, Callable[[Call], JsonObject]] = {"function": _function_call, "custom": _custom_call, "search": _search_call}


def _hosted_call(item: Call) -> JsonObject:
    kind, field = _HOSTED_TYPES.get(item.name, ("web_search_call", "action"))
    asked = arguments_object(item.arguments)
    return {"type": kind, field: asked.get(field)}


def _named(written: JsonObject, namespace: str | None) -> JsonObject:
    if namespace is not None:
        written["namespace"] = namespace
    return written


def _plain_result(item: Result) -> JsonObject:
    if item.kind == "search":
        written: JsonObject = {
            "type": "tool_search_output",
            "call_id": item.call_id,
            "execution": "client",
            "tools": write_tools(item.tools),
        }
        return with_id(written, item.id)
    parts = write_parts(item.parts, spoken=False)
    output = parts[0]["text"] if item.plain and len(parts) == 1 and "text" in parts[0] else parts or ""
    kind = "custom_tool_call_output" if item.kind == "custom" else "function_call_output"
    return with_id({"type": kind, "call_id": item.call_id, "output": output}, item.id)


def _plain_tools_added(item: ToolsAdded) -> JsonObject:
    return {"type": "additional_tools", "role": item.role, "tools": write_tools(item.tools)}


def _plain_trigger(item: CompactionTrigger) -> JsonObject:
    return {"type": "compaction_trigger"}


def _plain_compaction(item: Compaction) -> JsonObject:
    return with_id({"type": "compaction", SEALED: item.proof.data}, item.id)


_PLAINLY: dict[type, Callable[[Any], JsonObject]] = {
    Message: _plain_message,
    Reasoning: _plain_reasoning,
    Call: _plain_call,
    Result: _plain_result,
    ToolsAdded: _plain_tools_added,
    CompactionTrigger: _plain_trigger,
    Compaction: _plain_compaction,
}
