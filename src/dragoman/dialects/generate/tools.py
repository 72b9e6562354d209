"""Tools and the choice among them: `tools`, `toolConfig`.

https://ai.google.dev/api/caching#Tool, https://ai.google.dev/gemini-api/docs/tool-combination
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.generate.enums import MODE, word
from dragoman.dialects.generate.parts import Lost
from dragoman.dialects.generate.remainder import NAME, camel, complete, entries_at, field, keep, own, text_or_none, wrong
from dragoman.dialects.generate.schema import arguments_schema, to_json_schema
from dragoman.dialects.remainder import JsonObject, object_at, object_or_empty
from dragoman.ir.request import FunctionTool, HostedTool, Request, SearchTool, Tool, ToolChoice

_DECLARATIONS = "functionDeclarations"
_KINDS = {
    "googleSearch": "web_search",
    "codeExecution": "code_execution",
    "urlContext": "web_fetch",
    "fileSearch": "file_search",
    "computerUse": "computer",
    "mcpServers": "mcp",
}
"""The API's own tools and the neutral word for each; others go by their own name."""
_OWN = {"web_search": "googleSearch", "code_execution": "codeExecution", "web_fetch": "urlContext"}
"""Neutral word -> own tool, for those that need no more settings than to be there."""


def read_tools(value: Any) -> tuple[Tool, ...]:
    """The list `tools`, of which each entry may hold many."""
    found: list[Tool] = []
    for index, entry in enumerate(entries_at(value, "tools")):
        path = f"tools[{index}]"
        for name, said in object_at(entry, path).items():
            if camel(name) == _DECLARATIONS:
                found += [_read_function(each, f"{path}.{name}[{i}]") for i, each in enumerate(entries_at(said, f"{path}.{name}"))]
            else:
                found.append(HostedTool(_KINDS.get(camel(name), camel(name)), NAME, {name: said}))
    return tuple(found)


def write_tools(tools: tuple[Tool, ...], lost: Lost, *, mixed: bool = True, runs: bool = True) -> list[JsonObject]:
    """The list `tools`: all functions in one entry, then the API's own. Unless `mixed`, own ones do not stand beside functions; unless
    it `runs` any, none is offered, since it cannot be told to leave them alone."""
    functions = [_write_function(tool) for tool in tools if isinstance(tool, FunctionTool)]
    written: list[JsonObject] = [{_DECLARATIONS: functions}] if functions else []
    for tool in tools:
        if isinstance(tool, FunctionTool):
            continue
        hosted = _write_hosted(tool)
        if hosted is None:
            lost.append(("tools", f"generate has no form for the tool `{_name(tool)}`"))
        elif not runs:
            lost.append(("tools", f"generate cannot be told to leave its own tool `{_name(tool)}` alone, so it is not offered"))
        elif functions and not mixed:
            lost.append(("tools", f"the model takes its own tool `{_name(tool)}` only without functions beside it"))
        else:
            written.append(hosted)
    return written


def is_mixed(tools: list[JsonObject]) -> bool:
    """Whether functions and the API's own tools stand side by side."""
    return len(tools) > 1 and _DECLARATIONS in tools[0]


def read_choice(came: JsonObject) -> ToolChoice | None:
    """The choice in a `functionCallingConfig`."""
    mode = word(field(came, "mode"), MODE)
    if mode is None:
        return None
    allowed = field(came, "allowedFunctionNames")
    entries: list[Any] = allowed if isinstance(allowed, list) else []  # pyright: ignore[reportUnknownVariableType]
    names = tuple((None, name) for name in entries if isinstance(name, str))
    mode = mode.upper()
    if mode == "ANY":
        return ToolChoice("required") if not names else ToolChoice("one" if len(names) == 1 else "some", names, required=len(names) > 1)
    if mode == "NONE":
        return ToolChoice("none")
    return ToolChoice("some", names) if names else ToolChoice("auto")


def write_choice(request: Request) -> JsonObject | None:
    """The `functionCallingConfig`, or None where nothing is to be said."""
    choice = request.tool_choice
    strict = any(isinstance(tool, FunctionTool) and tool.strict for tool in request.tools)
    if choice is None or choice.mode == "auto":
        # VALIDATED is AUTO with arguments held to their schema.
        return {"mode": "VALIDATED"} if strict else None if choice is None else {"mode": "AUTO"}
    if choice.mode == "none":
        return {"mode": "NONE"}
    if choice.mode == "required":
        return {"mode": "ANY"}
    forced = choice.mode == "one" or choice.required
    return {"mode": "ANY" if forced else "VALIDATED", "allowedFunctionNames": [name for _, name in choice.names]}


def tool_config(request: Request, quirks: Quirks, tools: list[JsonObject], lost: Lost) -> JsonObject:
    """`toolConfig`, empty where nothing is to be said."""
    has_functions = any(_DECLARATIONS in tool for tool in tools)
    config = write_choice(request) if has_functions else None
    forced = request.tool_choice is not None and request.tool_choice.mode not in ("auto", "none")
    if forced and not has_functions and own(request.extra) is None:
        lost.append(("tool_choice", "generate can be told to call functions only, not tools that it runs itself"))
    written: JsonObject = {} if config is None else {"functionCallingConfig": config}
    if quirks.mixed_tools and is_mixed(tools) and own(request.extra) is None:
        written["includeServerSideToolInvocations"] = True
    return written


def _read_function(value: Any, path: str) -> FunctionTool:
    came = object_at(value, path)
    name = came.get("name")
    if not isinstance(name, str):
        raise wrong(f"{path}.name", "is missing: a string is required")
    schema = field(came, "parametersJsonSchema")
    plain = field(came, "parameters")
    parameters = object_or_empty(schema if isinstance(schema, dict) else to_json_schema(plain))
    tool = FunctionTool(name, text_or_none(came.get("description")), parameters or None)
    extra = keep(came, _plain_function(tool))
    return msgspec.structs.replace(tool, extra=extra) if extra else tool


def _write_function(tool: FunctionTool) -> JsonObject:
    return complete(_plain_function(tool), own(tool.extra))


def _plain_function(tool: FunctionTool) -> JsonObject:
    written: JsonObject = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.parameters:
        written["parametersJsonSchema"] = arguments_schema(tool.parameters)
    return written


def _write_hosted(tool: Tool) -> JsonObject | None:
    if not isinstance(tool, HostedTool):
        return None
    if tool.dialect == NAME:
        return tool.value
    return {_OWN[tool.kind]: {}} if tool.kind in _OWN else None


def _name(tool: Tool) -> str:
    if isinstance(tool, HostedTool):
        return tool.kind
    return "tool_search" if isinstance(tool, SearchTool) else tool.name
