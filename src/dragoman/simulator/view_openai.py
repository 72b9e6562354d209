"""Views of requests of OpenAI's two dialects, Responses and Chat Completions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from dragoman.simulator.shapes import as_dict, as_dicts
from dragoman.simulator.view import Asking, Incoming, Said, Tool, View, assemble, picture_at, text_of


def read_responses(incoming: Incoming) -> View:
    """View a Responses request. Odd shapes are passed over: finding fault is the work of `etiquette`."""
    body = incoming.body
    given = body.get("input")
    items: list[dict[str, Any]] = [{"role": "user", "content": given}] if isinstance(given, str) else as_dicts(given)
    tools = as_dicts(body.get("tools"))
    for item in items:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            tools.extend(as_dicts(item.get("tools")))
    said = [_said_of_item(item) for item in items]
    if body.get("instructions"):
        said.insert(0, Said("system", str(body["instructions"])))
    asking = Asking(
        dialect="responses",
        tools=_flat_tools(tools, _tool_of_responses),
        schema=_schema(as_dict(as_dict(body.get("text")).get("format"))),
        forced=_forced(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        stream=body.get("stream") is True,
        compacts=bool(items) and items[-1].get("type") == "compaction_trigger",
    )
    return assemble(incoming, asking, said)


def read_chat(incoming: Incoming) -> View:
    """View a Chat Completions request."""
    body = incoming.body
    said = [said for message in as_dicts(body.get("messages")) for said in _said_of_message(message)]
    form = as_dict(body.get("response_format"))
    asking = Asking(
        dialect="chat",
        tools=_flat_tools(as_dicts(body.get("tools")), _tool_of_chat),
        schema=_schema({**as_dict(form.get("json_schema")), "type": form.get("type")}),
        forced=_forced(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        stream=body.get("stream") is True,
    )
    return assemble(incoming, asking, said)


def _forced(choice: Any) -> str | None:
    if choice == "required":
        return "*"
    form = as_dict(choice)
    inner = as_dict(form.get("function") or form.get("custom") or form)
    return str(inner["name"]) if "name" in inner else None


def _schema(form: dict[str, Any]) -> dict[str, Any] | None:
    if form.get("type") == "json_schema":
        return as_dict(form.get("schema"))
    return {} if form.get("type") == "json_object" else None


def _said_of_item(item: dict[str, Any]) -> Said:
    kind = str(item.get("type") or "message")
    if kind == "message":
        role = str(item.get("role"))
        content: Any = item.get("content")
        return Said(_ROLES.get(role, "other"), text_of(content), images=_images(content))
    if kind == "agent_message":
        return Said("user", text_of(item.get("content")))
    if kind.endswith("_output") and kind != "tool_search_output":
        return Said("result", text_of(item.get("output")), call_id=str(item.get("call_id")), images=_images(item.get("output")))
    if kind == "tool_search_output":
        names = ", ".join(str(tool.get("name")) for tool in as_dicts(item.get("tools")))
        return Said("result", f"found: {names}", call_id=str(item.get("call_id")))
    if kind in ("function_call", "custom_tool_call", "tool_search_call", "local_shell_call"):
        payload: Any = item.get("arguments") or item.get("input") or ""
        text = payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()
        return Said("call", text, call_id=str(item.get("call_id")), name=str(item.get("name") or "tool_search"))
    return Said("other")


def _said_of_message(message: dict[str, Any]) -> Iterable[Said]:
    role = str(message.get("role"))
    content: Any = message.get("content")
    if role in ("tool", "function"):
        yield Said("result", text_of(content), call_id=str(message.get("tool_call_id")))
        return
    yield Said(_ROLES.get(role, "other"), text_of(content), images=_images(content))
    for call in as_dicts(message.get("tool_calls")):
        inner = as_dict(call.get("function") or call.get("custom"))
        payload = str(inner.get("arguments") or inner.get("input") or "")
        yield Said("call", payload, call_id=str(call.get("id")), name=str(inner.get("name")))


def _flat_tools(tools: list[dict[str, Any]], read: Callable[[dict[str, Any]], Tool]) -> tuple[Tool, ...]:
    flat: list[Tool] = []
    for tool in tools:
        if tool.get("type") == "namespace":
            inner = [read(one) for one in as_dicts(tool.get("tools"))]
            flat.extend(msgspec.structs.replace(one, namespace=str(tool.get("name"))) for one in inner)
        else:
            flat.append(read(tool))
    return tuple(flat)


def _tool_of_responses(tool: dict[str, Any]) -> Tool:
    kind = str(tool.get("type"))
    return Tool(str(tool.get("name") or kind), kind, None, as_dict(tool.get("parameters")), str(tool.get("description") or ""))


def _tool_of_chat(tool: dict[str, Any]) -> Tool:
    kind = str(tool.get("type"))
    inner = as_dict(tool.get(kind))
    return Tool(str(inner.get("name") or kind), kind, None, as_dict(inner.get("parameters")), str(inner.get("description") or ""))


def _images(content: Any) -> tuple[str, ...]:
    return tuple(_image(part) for part in as_dicts(content) if part.get("type") in ("input_image", "image_url"))


def _image(part: dict[str, Any]) -> str:
    given: Any = part.get("image_url")
    address = given if isinstance(given, str) else as_dict(given).get("url") or part.get("file_id")
    return picture_at(str(address))


_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
