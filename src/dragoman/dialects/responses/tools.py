"""Tools and the choice among them: function, custom, namespace (flattened, regrouped when written), tool_search, hosted ones.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-tools
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Any, TypeVar

import msgspec

from dragoman.dialects.remainder import JsonObject, object_at, objects, text_at, text_or_none, wrong
from dragoman.dialects.responses.remainder import NAME, keep, mark, put_back
from dragoman.ir.request import CustomTool, Extra, FunctionTool, HostedTool, SearchTool, Tool, ToolChoice

_GROUP = "$namespace"
"""Mark on the first tool of a namespace: what else the wire object of that namespace said."""

# Wire type of a hosted tool -> the neutral word. Others keep their wire type as their kind.
_HOSTED_KINDS = {
    "web_search": "web_search",
    "web_search_2025_08_26": "web_search",
    "web_search_preview": "web_search",
    "web_search_preview_2025_03_11": "web_search",
    "code_interpreter": "code_execution",
    "computer_use_preview": "computer",
}

# Hosted tools of other APIs that this one has too, without any settings.
_OWN_FORMS: dict[str, JsonObject] = {"web_search": {"type": "web_search"}}


def read_tools(value: Any, path: str) -> tuple[Tool, ...]:
    """The list of tools, namespaces flattened."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong(path, "must be a list of tools")
    tools: list[Tool] = []
    entries: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    for index, entry in enumerate(entries):
        here = f"{path}[{index}]"
        came = object_at(entry, here)
        tools.extend(_READ.get(text_or_none(came, "type") or "", _read_hosted)(came, here))
    return tuple(tools)


def write_tools(tools: Iterable[Tool]) -> list[JsonObject]:
    """The list of tools, neighbours of one namespace grouped again. Hosted tools of other dialects are left out."""
    written: list[JsonObject] = []
    group: JsonObject | None = None
    for tool in tools:
        namespace = None if isinstance(tool, (SearchTool, HostedTool)) else tool.namespace
        said = _write_tool(tool)
        if said is None:
            continue
        if namespace is None or isinstance(tool, (SearchTool, HostedTool)):
            group = None
            written.append(said)
            continue
        if group is None or group["name"] != namespace or mark(tool.extra, _GROUP) is not None:
            group = _open_group(namespace, tool)
            written.append(group)
        group["tools"].append(said)
    return written


def unsayable_tools(tools: Iterable[Tool]) -> list[str]:
    """Kinds of the hosted tools that only another dialect can ask for."""
    return [tool.kind for tool in tools if isinstance(tool, HostedTool) and _write_tool(tool) is None]


def read_choice(value: Any) -> ToolChoice | None:
    """`tool_choice`. A hosted tool by name has no neutral form: it is `auto` elsewhere and written as it came here."""
    if value is None:
        return None
    if isinstance(value, str):
        return ToolChoice(value) if value in ("auto", "none", "required") else ToolChoice("auto")  # pyright: ignore[reportArgumentType]
    came = object_at(value, "tool_choice")
    kind, name = came.get("type"), text_or_none(came, "name")
    if kind in ("function", "custom") and name is not None:
        choice = ToolChoice("one", ((text_or_none(came, "namespace"), name),))
    elif kind == "allowed_tools":
        choice = _read_allowed(came)
    else:
        choice = ToolChoice("auto")
    return choice


def write_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> Any:
    """`tool_choice` on the wire."""
    custom = {(tool.namespace, tool.name) for tool in tools if isinstance(tool, CustomTool)} if choice.names else frozenset[Any]()
    if choice.mode == "one":
        return _reference(choice.names[0], custom)
    if choice.mode == "some":
        allowed = [_reference(name, custom) for name in choice.names]
        return {"type": "allowed_tools", "mode": "required" if choice.required else "auto", "tools": allowed}
    return choice.mode


def _read_allowed(came: JsonObject) -> ToolChoice:
    entries = objects(came.get("tools"))
    names = tuple((text_or_none(entry, "namespace"), name) for entry in entries if (name := text_or_none(entry, "name")) is not None)
    return ToolChoice("some", names, required=came.get("mode") == "required")


def _reference(name: tuple[str | None, str], custom: Set[tuple[str | None, str]]) -> JsonObject:
    namespace, bare = name
    reference: JsonObject = {"type": "custom" if name in custom else "function", "name": bare}
    if namespace is not None:
        reference["namespace"] = namespace
    return reference


def _read_function(came: JsonObject, path: str) -> tuple[FunctionTool]:
    parameters, strict, description = came.get("parameters"), came.get("strict"), text_or_none(came, "description")
    tool = FunctionTool(
        text_at(came, "name", path),
        description,
        parameters if isinstance(parameters, dict) else None,  # pyright: ignore[reportUnknownArgumentType]
        strict if isinstance(strict, bool) else None,
    )
    # As many fields as are written again, each as it came: nothing is left over.
    understood = tool.parameters is not None and tool.strict is not None and len(came) == 4 + (description is not None)
    return (tool if understood else _kept(tool, came),)


def _read_custom(came: JsonObject, path: str) -> tuple[CustomTool]:
    form = came.get("format")
    tool = CustomTool(
        text_at(came, "name", path),
        text_or_none(came, "description"),
        form if isinstance(form, dict) else None,  # pyright: ignore[reportUnknownArgumentType]
    )
    return (_kept(tool, came),)


def _read_search(came: JsonObject, path: str) -> tuple[Tool]:
    if came.get("execution", "server") != "client":
        return _read_hosted(came, path)
    parameters = came.get("parameters")
    tool = SearchTool(
        text_or_none(came, "description"),
        parameters if isinstance(parameters, dict) else None,  # pyright: ignore[reportUnknownArgumentType]
    )
    return (_kept(tool, came),)


def _read_namespace(came: JsonObject, path: str) -> tuple[Tool, ...]:
    nested = came.get("tools")
    entries: list[Any] = nested if isinstance(nested, list) else []  # pyright: ignore[reportUnknownVariableType]
    plain = all(isinstance(entry, dict) and entry.get("type") in ("function", "custom") for entry in entries)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not entries or not plain:
        return _read_hosted(came, path)
    namespace, description = text_at(came, "name", path), text_or_none(came, "description")
    tools = [
        msgspec.structs.replace(tool, namespace=namespace, namespace_description=description)
        for tool in read_tools(entries, f"{path}.tools")
        if isinstance(tool, (FunctionTool, CustomTool))
    ]
    marks: Extra = keep(came, {**_group(namespace, description), "tools": nested}) or {NAME: {}}
    first = tools[0]
    tools[0] = msgspec.structs.replace(first, extra={NAME: {**(first.extra or {}).get(NAME, {}), _GROUP: marks[NAME]}})
    return tuple(tools)


def _read_hosted(came: JsonObject, path: str) -> tuple[HostedTool]:
    kind = came.get("type")
    if not isinstance(kind, str):
        raise wrong(f"{path}.type", "must name the type of the tool")
    return (HostedTool(_HOSTED_KINDS.get(kind, kind), NAME, came, live=came.get("external_web_access") is not False),)


_READ: dict[Any, Callable[[JsonObject, str], tuple[Tool, ...]]] = {
    "function": _read_function,
    "custom": _read_custom,
    "tool_search": _read_search,
    "namespace": _read_namespace,
}


_Named = TypeVar("_Named", FunctionTool, CustomTool, SearchTool)


def _kept(tool: _Named, came: JsonObject) -> _Named:
    extra = keep(came, _plainly(tool))
    return msgspec.structs.replace(tool, extra=extra) if extra else tool


def _write_tool(tool: Tool) -> JsonObject | None:
    if isinstance(tool, HostedTool):
        return tool.value if tool.dialect == NAME else dict(_OWN_FORMS[tool.kind]) if tool.kind in _OWN_FORMS else None
    return put_back(_plainly(tool), tool.extra)


def _plainly(tool: FunctionTool | CustomTool | SearchTool) -> JsonObject:
    return _WRITE[type(tool)](tool)


def _write_function(tool: FunctionTool) -> JsonObject:
    written: JsonObject = {"type": "function", "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    # Both are required in the API. Without `strict` it would try strict mode; a client of Chat that says nothing means off.
    written["parameters"] = tool.parameters
    written["strict"] = tool.strict or False
    return written


def _write_custom(tool: CustomTool) -> JsonObject:
    written: JsonObject = {"type": "custom", "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.format is not None:
        written["format"] = tool.format
    return written


def _write_search(tool: SearchTool) -> JsonObject:
    written: JsonObject = {"type": "tool_search", "execution": "client"}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.parameters is not None:
        written["parameters"] = tool.parameters
    return written


_WRITE: dict[type, Callable[[Any], JsonObject]] = {
    FunctionTool: _write_function,
    CustomTool: _write_custom,
    SearchTool: _write_search,
}


def _group(namespace: str, description: str | None) -> JsonObject:
    group: JsonObject = {"type": "namespace", "name": namespace}
    if description is not None:
        group["description"] = description
    return group


def _open_group(namespace: str, tool: FunctionTool | CustomTool) -> JsonObject:
    group = put_back(_group(namespace, tool.namespace_description), {NAME: mark(tool.extra, _GROUP) or {}})
    group["tools"] = []
    return group
