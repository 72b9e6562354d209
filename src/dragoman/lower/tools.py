"""Tools as the target takes them: those offered on the way join the head, freeform ones and the search become functions, names
become legal, hosted ones of others are left out, and the choice among them stays possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.ir.request import (
    Call,
    CustomTool,
    FunctionTool,
    HostedTool,
    Item,
    Message,
    Request,
    Result,
    SearchTool,
    Text,
    Tool,
    ToolChoice,
    ToolsAdded,
)
from dragoman.lower.fitting import Fitting
from dragoman.lower.names import SEARCH
from dragoman.lower.unescape import FIELD

replace = msgspec.structs.replace

# Kinds of hosted tools that several APIs have. Any other is between a client and the server it knows.
_COMMON = frozenset(
    {
        "web_search",
        "web_fetch",
        "code_execution",
        "file_search",
        "image_generation",
        "mcp",
        "computer",
        "shell",
        "local_shell",
        "apply_patch",
        "programmatic_tool_calling",
    }
)
# Kinds that a writer has a form for whichever API asked for them.
_PORTABLE = frozenset({"web_search"})
_FREEFORM_HINT = f"Call it with the raw text of your input as the string `{FIELD}`, not wrapped in anything else."
_SEARCH_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}


def gather(request: Request, fitting: Fitting) -> Request:
    """Tools that came in mid-conversation join the head, after those that stand there, in the order in which they came."""
    caps = fitting.caps
    if not (fitting.census.brought or fitting.census.has(ToolsAdded)):
        return request
    found: list[Tool] = []
    items: list[Item] = []
    for item in request.items:
        if isinstance(item, ToolsAdded) and not caps.tools_added:
            found += item.tools
            continue
        if isinstance(item, Result) and item.tools and not caps.tool_search:
            found += item.tools
        items.append(item)
    if not found and len(items) == len(request.items):
        return request
    return replace(request, tools=_merged(request.tools, found), items=tuple(items))


def drop_hosted(request: Request, fitting: Fitting) -> Request:
    """Leave out the hosted tools that the target doesn't run."""
    kept: list[Tool] = []
    for tool in request.tools:
        if not isinstance(tool, HostedTool) or _runs(tool, fitting):
            kept.append(tool)
        else:
            fitting.warn("tools", _why_not(tool, fitting))
    return request if len(kept) == len(request.tools) else replace(request, tools=tuple(kept))


def rewrite(request: Request, fitting: Fitting) -> Request:
    """Every tool, call, result and choice in the form and under the name that the target takes."""
    tools = tuple(_tool(tool, fitting) for tool in request.tools)
    items = tuple([item if (fit := _FIT.get(type(item))) is None else fit(item, fitting) for item in request.items])
    choice = _named_choice(request.tool_choice, fitting)
    same = all(map(_is, tools, request.tools)) and all(map(_is, items, request.items)) and choice is request.tool_choice
    return request if same else replace(request, tools=tools, items=items, tool_choice=choice)


def choose(request: Request, fitting: Fitting) -> Request:
    """A choice only among tools that are there."""
    choice = request.tool_choice
    if choice is None or choice.mode in ("auto", "none"):
        return _without_choice(request) if not request.tools else request
    names = {(tool.namespace, tool.name) for tool in request.tools if isinstance(tool, FunctionTool | CustomTool)}
    names |= {(None, SEARCH) for tool in request.tools if isinstance(tool, SearchTool)}
    absent = [name for namespace, name in choice.names if (namespace, name) not in names]
    for name in absent:
        fitting.warn("tool_choice", f"the tool `{name}` is not offered to the target")
    if not request.tools:
        if not absent:
            fitting.warn("tool_choice", "no tool is offered to the target")
        return _without_choice(request)
    if not absent:
        return request
    left = tuple(name for name in choice.names if name in names)
    return replace(request, tool_choice=replace(choice, names=left, extra=None) if left and choice.mode == "some" else ToolChoice("auto"))


def tell_as_text(request: Request, fitting: Fitting) -> Request:
    """For a target that takes no tools: none are offered, and calls and results of the past are told in words."""
    if fitting.caps.tools or not (request.tools or any(isinstance(item, (Call, Result)) for item in request.items)):
        return request
    fitting.warn("tools", "the target takes no tools")
    items = tuple(_told(item) for item in request.items if not isinstance(item, ToolsAdded))
    return replace(request, tools=(), items=items, tool_choice=None, parallel_tools=None)


# ---- one of each ---------------------------------------------------------------------------------------------------------


def _merged(head: tuple[Tool, ...], more: list[Tool]) -> tuple[Tool, ...]:
    # The same tool offered again keeps its place, so that what stands before it stays as it was; its last definition counts.
    found = {_key(tool): tool for tool in head}
    found.update({_key(tool): tool for tool in more})
    return tuple(found.values())


def _key(tool: Tool) -> tuple[str, str | None, str]:
    if isinstance(tool, FunctionTool | CustomTool):
        return ("named", tool.namespace, tool.name)
    if isinstance(tool, SearchTool):
        return ("named", None, SEARCH)
    return ("hosted", tool.kind, msgspec.json.encode(tool.value, order="sorted").decode())


def _runs(tool: HostedTool, fitting: Fitting) -> bool:
    if tool.dialect == fitting.caps.dialect:
        return tool.kind in fitting.caps.hosted_tools or tool.kind not in _COMMON
    return tool.live and tool.kind in _PORTABLE and tool.kind in fitting.caps.hosted_tools


def _why_not(tool: HostedTool, fitting: Fitting) -> str:
    if tool.kind in _PORTABLE and tool.kind in fitting.caps.hosted_tools:
        return f"the client allows `{tool.kind}` without live access only, which the target does not have"
    return f"the target does not run the hosted tool `{tool.kind}`"


def _tool(tool: Tool, fitting: Fitting) -> Tool:
    caps = fitting.caps
    if isinstance(tool, SearchTool) and not caps.tool_search:
        name = fitting.names.legal(None, SEARCH)
        return FunctionTool(name, tool.description or "Searches for further tools.", tool.parameters or _SEARCH_PARAMETERS)
    if isinstance(tool, CustomTool) and not caps.freeform_tools:
        return _as_function(tool, fitting)
    if isinstance(tool, FunctionTool):
        tool = _loosened(tool, fitting)
    if isinstance(tool, FunctionTool | CustomTool):
        legal = fitting.names.legal(tool.namespace, tool.name)
        if legal != tool.name or (tool.namespace is not None and not caps.namespaces):
            return replace(tool, name=legal, namespace=None, namespace_description=None)
    return tool


def _as_function(tool: CustomTool, fitting: Fitting) -> FunctionTool:
    words = [tool.description or "", _FREEFORM_HINT]
    form = tool.format or {}
    if form.get("type") == "grammar":
        words.append(f"The text must match this {form.get('syntax', '')} grammar:\n{form.get('definition', '')}")
    legal = fitting.names.legal(tool.namespace, tool.name)
    parameters = {
        "type": "object",
        "properties": {FIELD: {"type": "string", "description": "The raw text."}},
        "required": [FIELD],
        "additionalProperties": False,
    }
    described = "\n\n".join(word for word in words if word)
    if fitting.caps.namespaces and tool.namespace is not None:
        return FunctionTool(legal, described, parameters, namespace=tool.namespace, namespace_description=tool.namespace_description)
    return FunctionTool(legal, described, parameters)


def _loosened(tool: FunctionTool, fitting: Fitting) -> FunctionTool:
    if fitting.caps.strict_tools or tool.strict is None:
        return tool
    if tool.strict:
        fitting.warn("tools.strict", "the target does not hold arguments to their schema")
    return replace(tool, strict=None)


def _call(item: Call, fitting: Fitting) -> Call:
    if item.executor == "provider":
        return item
    caps = fitting.caps
    legal = fitting.names.legal(item.namespace, item.name)
    # An id tells the kind of its item to OpenAI, so it goes with the kind.
    if item.kind == "custom" and not caps.freeform_tools:
        item = replace(item, kind="function", arguments=msgspec.json.encode({FIELD: item.arguments}).decode(), id=None, extra=None)
    elif item.kind == "search" and not caps.tool_search:
        item = replace(item, kind="function", id=None, extra=None)
    if legal != item.name or (item.namespace is not None and not caps.namespaces):
        item = replace(item, name=legal, namespace=None)
    return item


def _result(item: Result, fitting: Fitting) -> Result:
    if item.executor == "provider":
        return item
    caps = fitting.caps
    if item.kind == "search" and not caps.tool_search:
        names = [fitting.names.legal(tool.namespace, tool.name) for tool in item.tools if isinstance(tool, FunctionTool | CustomTool)]
        text = f"Found and now offered: {', '.join(names)}" if names else "Nothing found."
        return replace(item, kind="function", parts=item.parts or (Text(text),), plain=True, tools=(), id=None, extra=None)
    if item.kind == "custom" and not caps.freeform_tools:
        item = replace(item, kind="function", id=None)
    if item.namespace is not None and not caps.namespaces:
        name = fitting.names.legal(item.namespace, item.name) if item.name is not None else None
        item = replace(item, name=name, namespace=None)
    return item


_FIT: dict[type, Callable[[Any, Fitting], Item]] = {Call: _call, Result: _result}


def _named_choice(choice: ToolChoice | None, fitting: Fitting) -> ToolChoice | None:
    if choice is None or not choice.names:
        return choice
    if fitting.caps.namespaces:
        names = choice.names
    else:
        names = tuple((None, fitting.names.legal(namespace, name)) for namespace, name in choice.names)
    return choice if names == choice.names else replace(choice, names=names)


def _without_choice(request: Request) -> Request:
    # APIs refuse a choice, and the switch for parallel calls, where no tools are.
    if request.tool_choice is None and request.parallel_tools is None:
        return request
    return replace(request, tool_choice=None, parallel_tools=None)


def _told(item: Item) -> Item:
    if isinstance(item, Call):
        return Message("assistant", (Text(f"[called {item.name}: {item.arguments}]"),))
    if isinstance(item, Result):
        return Message("user", (Text(f"[answer to {item.call_id}]"), *item.parts))
    return item


def _is(one: object, other: object) -> bool:
    return one is other
