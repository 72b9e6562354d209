"""Tools, the choice among them, and calls of them: `tools`, `tool_choice`, `tool_calls`, and the legacy `functions`, `function_call`.

https://platform.openai.com/docs/api-reference/chat/create (tools, tool_choice)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Any

import msgspec

from dragoman.dialects.chat.parts import Lost
from dragoman.dialects.chat.proofs import CONTENT, proven
from dragoman.dialects.chat.remainder import NAME, keep, mark, own
from dragoman.dialects.remainder import JsonObject, complete, list_at, object_at, text_at, text_or_none, wrong
from dragoman.ir.request import Call, CustomTool, FunctionTool, HostedTool, SearchTool, Tool, ToolChoice

LEGACY = "$legacy"
"""Mark on tools, choices, calls and results that came as `functions`, `function_call` and role `function`."""

_ALLOWED = "allowed_tools"


# ---- definitions ---------------------------------------------------------------------------------------------------------


def read_tools(value: Any, path: str) -> tuple[Tool, ...]:
    """The list `tools`. Kinds that only some servers know are hosted tools, kept whole."""
    if value is None:
        return ()
    tools: list[Tool] = []
    for index, entry in enumerate(list_at(value, path)):
        here = f"{path}[{index}]"
        came = object_at(entry, here)
        kind = text_or_none(came, "type") if "type" in came else "function" if "function" in came else None
        tools.append(_READ_TOOL.get(kind or "", _read_hosted)(came, here))
    return tuple(tools)


def read_functions(value: Any, path: str) -> tuple[Tool, ...]:
    """The legacy list `functions`."""
    if value is None:
        return ()
    return tuple(
        msgspec.structs.replace(_function(object_at(entry, f"{path}[{index}]"), f"{path}[{index}]"), extra={NAME: {LEGACY: entry}})
        for index, entry in enumerate(list_at(value, path))
    )


def write_tools(tools: Iterable[Tool], body: JsonObject, lost: Lost) -> None:
    """Put `tools` (and `functions`) into a body."""
    for tool in tools:
        legacy = mark(tool.extra, LEGACY) if isinstance(tool, FunctionTool) else None
        if legacy is not None and isinstance(tool, FunctionTool):
            body.setdefault("functions", []).append({**legacy, **_write_function(tool)})
            continue
        written = _write_tool(tool)
        if written is None:
            lost.append(("tools", f"chat has no form for the tool `{tool_name(tool)}`"))
        else:
            body.setdefault("tools", []).append(written)


def tool_name(tool: Tool) -> str:
    """What a tool is called, for warnings and choices."""
    if isinstance(tool, HostedTool):
        return tool.kind
    return "tool_search" if isinstance(tool, SearchTool) else tool.name


def _read_function(came: JsonObject, path: str) -> Tool:
    return _kept(_function(object_at(came.get("function"), f"{path}.function"), f"{path}.function"), came)


def _function(value: JsonObject, path: str) -> FunctionTool:
    strict = value.get("strict")
    parameters = value.get("parameters")
    return FunctionTool(
        text_at(value, "name", path),
        text_or_none(value, "description"),
        None if parameters is None else object_at(parameters, f"{path}.parameters"),
        strict if isinstance(strict, bool) else None,
    )


def _read_custom(came: JsonObject, path: str) -> Tool:
    value = object_at(came.get("custom"), f"{path}.custom")
    form = value.get("format")
    tool = CustomTool(
        text_at(value, "name", f"{path}.custom"),
        text_or_none(value, "description"),
        None if form is None else _flat(object_at(form, f"{path}.custom.format")),
    )
    return _kept(tool, came)


def _read_hosted(came: JsonObject, path: str) -> Tool:
    return HostedTool(text_at(came, "type", path), NAME, came)


_READ_TOOL: dict[Any, Callable[[JsonObject, str], Tool]] = {"function": _read_function, "custom": _read_custom}


def _kept(tool: FunctionTool | CustomTool, came: JsonObject) -> Tool:
    extra = keep(came, _write_plain(tool))
    return msgspec.structs.replace(tool, extra=extra) if extra else tool


def _write_tool(tool: Tool) -> JsonObject | None:
    if isinstance(tool, HostedTool):
        return tool.value if tool.dialect == NAME else None
    if isinstance(tool, SearchTool):
        return None
    return complete(_write_plain(tool), own(tool.extra))


def _write_plain(tool: FunctionTool | CustomTool) -> JsonObject:
    if isinstance(tool, FunctionTool):
        return {"type": "function", "function": _write_function(tool)}
    custom: JsonObject = {"name": tool.name}
    if tool.description is not None:
        custom["description"] = tool.description
    if tool.format is not None:
        custom["format"] = _nested(tool.format)
    return {"type": "custom", "custom": custom}


def _write_function(tool: FunctionTool) -> JsonObject:
    function: JsonObject = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return function


def _flat(form: JsonObject) -> JsonObject:
    # The neutral form is the flat one of Responses; Chat nests the grammar one level deeper.
    grammar = form.get("grammar")
    if form.get("type") != "grammar" or not isinstance(grammar, dict):
        return form
    inner: JsonObject = grammar  # pyright: ignore[reportUnknownVariableType]
    return {"type": "grammar", **inner}


def _nested(form: JsonObject) -> JsonObject:
    if form.get("type") != "grammar" or "grammar" in form:
        return form
    return {"type": "grammar", "grammar": {name: value for name, value in form.items() if name != "type"}}


# ---- the choice ----------------------------------------------------------------------------------------------------------


def read_choice(value: Any) -> ToolChoice:
    """`tool_choice`. A form that only some servers know is `auto` (`any`: required) elsewhere and written as it came here."""
    if isinstance(value, str):
        mode = "required" if value == "any" else value if value in ("auto", "none", "required") else "auto"
        return ToolChoice(mode)  # pyright: ignore[reportArgumentType]
    came = object_at(value, "tool_choice")
    if came.get("type") == _ALLOWED:
        return _read_allowed(object_at(came.get(_ALLOWED), f"tool_choice.{_ALLOWED}"))
    name = _named(came)
    return ToolChoice("one", ((None, name),)) if name is not None else ToolChoice("auto")


def read_legacy_choice(value: Any) -> ToolChoice:
    """The legacy `function_call` of a request: auto, none or a name."""
    if isinstance(value, str):
        return msgspec.structs.replace(read_choice(value), extra={NAME: {LEGACY: True}})
    name = text_at(object_at(value, "function_call"), "name", "function_call")
    return ToolChoice("one", ((None, name),), extra={NAME: {LEGACY: True}})


def write_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> JsonObject:
    """`tool_choice` or `function_call` as a field for the body."""
    if mark(choice.extra, LEGACY):
        return {"function_call": {"name": choice.names[0][1]} if choice.mode == "one" else choice.mode}
    custom = {tool.name for tool in tools if isinstance(tool, CustomTool)} if choice.names else frozenset[str]()
    if choice.mode == "one":
        return {"tool_choice": _reference(choice.names[0][1], custom)}
    if choice.mode == "some":
        allowed = [_reference(name, custom) for _, name in choice.names]
        return {"tool_choice": {"type": _ALLOWED, _ALLOWED: {"mode": "required" if choice.required else "auto", "tools": allowed}}}
    return {"tool_choice": choice.mode}


def _read_allowed(came: JsonObject) -> ToolChoice:
    path = f"tool_choice.{_ALLOWED}.tools"
    names: list[tuple[str | None, str]] = []
    for index, entry in enumerate(list_at(came.get("tools"), path)):
        name = _named(object_at(entry, f"{path}[{index}]"))
        if name is None:
            raise wrong(f"{path}[{index}]", "must name a function or a custom tool")
        names.append((None, name))
    return ToolChoice("some", tuple(names), required=came.get("mode") == "required")


def _named(came: JsonObject) -> str | None:
    for kind in ("function", "custom"):
        inner = came.get(kind)
        if isinstance(inner, dict):
            value: JsonObject = inner  # pyright: ignore[reportUnknownVariableType]
            return text_or_none(value, "name")
    return None


def _reference(name: str, custom: Set[str]) -> JsonObject:
    kind = "custom" if name in custom else "function"
    return {"type": kind, kind: {"name": name}}


# ---- calls ---------------------------------------------------------------------------------------------------------------


def read_call(value: Any, path: str) -> Call:
    """One entry of an assistant message's `tool_calls`."""
    came = object_at(value, path)
    kind = "custom" if came.get("type") == "custom" else "function"
    inner = object_at(came.get(kind), f"{path}.{kind}")
    field = "input" if kind == "custom" else "arguments"
    arguments = inner.get(field)
    call = Call(
        text_or_none(came, "id") or "",
        text_at(inner, "name", f"{path}.{kind}"),
        arguments if isinstance(arguments, str) else "" if arguments is None else msgspec.json.encode(arguments).decode(),
        kind,
    )
    if len(came) == 3 and kind == came.get("type") and len(inner) == 2 and call.call_id and call.arguments is arguments and arguments:
        return call  # nothing is left over of it
    extra = keep(came, write_call(call))
    return msgspec.structs.replace(call, extra=extra) if extra else call


def write_call(call: Call) -> JsonObject:
    """One entry of `tool_calls`."""
    if call.kind == "custom":
        written: JsonObject = {"id": call.call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    else:
        # An empty string is what a model says for "no arguments"; servers that parse the history want an object.
        written = {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
    if call.proof is not None:
        written.update(proven(call.proof, CONTENT))
    return complete(written, own(call.extra)) if call.extra else written
