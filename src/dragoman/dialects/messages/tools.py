"""Tools and the choice among them.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.messages.blocks import Pen
from dragoman.dialects.messages.remainder import NAME, keep, own
from dragoman.dialects.messages.schema import fits, object_schema
from dragoman.dialects.remainder import JsonObject, complete, list_at, object_at, object_or_empty, text_at, text_or_none
from dragoman.ir.request import FunctionTool, HostedTool, Request, Tool, ToolChoice

_DATED = re.compile(r"_\d{8}$")
_KINDS = {"mcp_toolset": "mcp", "computer_toolset": "computer"}
_MOST_STRICT = 20
_WEB_SEARCH = "web_search"


def read_tools(value: Any) -> tuple[Tool, ...]:
    """The list `tools`. Anthropic's own ones are hosted tools, kept whole; their kind is the type without its date."""
    if value is None:
        return ()
    return tuple(_read_tool(object_at(entry, f"tools[{i}]"), f"tools[{i}]") for i, entry in enumerate(list_at(value, "tools")))


def write_tools(tools: tuple[Tool, ...], pen: Pen, quirks: Quirks) -> list[JsonObject]:
    """The list on the wire; what has no form here is left out."""
    written: list[JsonObject] = []
    strict = 0
    for tool in tools:
        said = _write_tool(tool, pen, quirks)
        if said is None:
            pen.lost.append(("tools", f"messages has no form for the tool `{_name(tool)}`"))
            continue
        strict += said.get("strict") is True
        if strict > _MOST_STRICT and not pen.native:
            said.pop("strict", None)
        written.append(said)
    return written


def read_choice(value: Any) -> tuple[ToolChoice | None, bool | None]:
    """`tool_choice`: the choice, and whether several calls at once are welcome (None: not said)."""
    if value is None:
        return None, None
    came = object_at(value, "tool_choice")
    parallel = False if came.get("disable_parallel_tool_use") is True else None
    name = text_or_none(came, "name")
    if came.get("type") == "tool" and name is not None:
        return ToolChoice("one", ((None, name),)), parallel
    mode = {"any": "required", "none": "none"}.get(str(came.get("type")), "auto")
    return ToolChoice(mode), parallel  # pyright: ignore[reportArgumentType]


def write_choice(request: Request, pen: Pen) -> JsonObject | None:
    """`tool_choice` on the wire, None where nothing is to be said."""
    choice = request.tool_choice
    if choice is None:
        return {"type": "auto", "disable_parallel_tool_use": True} if request.parallel_tools is False and request.tools else None
    written = _chosen(choice, pen)
    if request.parallel_tools is False and written["type"] != "none":
        written["disable_parallel_tool_use"] = True
    return written if written != {"type": "auto"} else None


def _chosen(choice: ToolChoice, pen: Pen) -> JsonObject:
    if choice.mode == "one":
        return {"type": "tool", "name": choice.names[0][1]}
    if choice.mode == "some":
        pen.lost.append(("tool_choice", "messages cannot limit the choice to some tools"))
        return {"type": "any" if choice.required else "auto"}
    return {"type": {"required": "any", "none": "none"}.get(choice.mode, "auto")}


# ---- definitions ---------------------------------------------------------------------------------------------------------


def _read_tool(came: JsonObject, path: str) -> Tool:
    kind = came.get("type")
    if isinstance(kind, str) and kind != "custom":
        base = _DATED.sub("", kind)
        return HostedTool(_KINDS.get(base, base), NAME, came)
    schema, strict = came.get("input_schema"), came.get("strict")
    tool = FunctionTool(
        text_at(came, "name", path),
        text_or_none(came, "description"),
        None if schema is None else object_at(schema, f"{path}.input_schema"),
        strict if isinstance(strict, bool) else None,
    )
    extra = keep(came, _write_function(tool))
    return msgspec.structs.replace(tool, extra=extra) if extra else tool


def _write_tool(tool: Tool, pen: Pen, quirks: Quirks) -> JsonObject | None:
    if isinstance(tool, HostedTool):
        return tool.value if tool.dialect == NAME else _hosted(tool, quirks)
    if not isinstance(tool, FunctionTool):
        return None
    if pen.native:
        return complete(_write_function(tool), own(tool.extra))
    schema = object_schema(tool.parameters)
    strict = True if tool.strict and fits(schema) else None
    return pen.put_back(_write_function(FunctionTool(tool.name, tool.description, schema, strict)), tool.extra)


def _write_function(tool: FunctionTool) -> JsonObject:
    written: JsonObject = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    if tool.parameters is not None:
        written["input_schema"] = tool.parameters
    if tool.strict is not None:
        written["strict"] = tool.strict
    return written


def _hosted(tool: HostedTool, quirks: Quirks) -> JsonObject | None:
    """Another API's web search as this one's."""
    if tool.kind != _WEB_SEARCH:
        return None
    written: JsonObject = {"type": quirks.web_search_tool, "name": _WEB_SEARCH}
    domains = object_or_empty(tool.value.get("filters")).get("allowed_domains")
    if isinstance(domains, list) and domains:
        written["allowed_domains"] = domains
    place = object_or_empty(tool.value.get("user_location"))
    # Chat nests it one level deeper.
    place = object_or_empty(place.get("approximate")) or place
    told = {name: place[name] for name in ("city", "region", "country", "timezone") if isinstance(place.get(name), str)}
    if told:
        written["user_location"] = {"type": "approximate", **told}
    return written


def _name(tool: Tool) -> str:
    if isinstance(tool, HostedTool):
        return tool.kind
    return tool.name if hasattr(tool, "name") else "tool_search"  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
