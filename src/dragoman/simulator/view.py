"""A light view of a request, the same for every dialect: who asks what, which tools there are, what came of earlier calls.

Read on purpose without the gateway's own request readers, so that a test of the gateway does not check a translator with itself.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

from dragoman.simulator.shapes import as_dict, as_dicts

RequestKind = Literal["turn", "title", "structured", "compaction", "review"]


class Tool(msgspec.Struct, frozen=True):
    """A tool on offer. `kind` is the tool's type on the wire; hosted tools have their type as name."""

    name: str
    kind: str = "function"
    namespace: str | None = None
    parameters: dict[str, Any] = {}
    description: str = ""

    @property
    def takes_text(self) -> bool:
        """Whether it takes one raw text: a freeform tool, or a function made of one with the single property `input`."""
        return self.kind == "custom" or list(as_dict(self.parameters.get("properties"))) == ["input"]


class Result(msgspec.Struct, frozen=True):
    """What came of a call: the call's own words and the text of its result."""

    call_id: str
    name: str
    payload: str
    text: str


class View(msgspec.Struct, frozen=True):
    """One request as the simulated model sees it. `results` are those since the user last spoke, `rounds` how often calls were
    answered since then."""

    dialect: str
    model: str
    stream: bool
    user: str
    system: str
    kind: RequestKind
    tools: tuple[Tool, ...]
    results: tuple[Result, ...]
    rounds: int
    said: int
    """How many times the user spoke."""
    forced: str | None
    """The tool that must be called, `*` for any, None where the model is free."""
    schema: dict[str, Any] | None
    """The JSON schema of the answer; `{}` for any JSON object."""
    parallel: bool
    body: dict[str, Any]
    headers: dict[str, str]
    size_bytes: int

    @property
    def turns(self) -> int:
        """The number of this request in its conversation, from 1, as far as the history shows."""
        return self.said + self.rounds

    def tool(self, pattern: str) -> Tool | None:
        """The first tool whose name fits the glob."""
        return next((tool for tool in self.tools if fnmatch.fnmatchcase(tool.name, pattern)), None)


class _Said(msgspec.Struct):
    """One thing in the history, of either dialect."""

    role: Literal["system", "user", "assistant", "call", "result", "other"]
    text: str = ""
    call_id: str = ""
    name: str = ""
    images: bool = False


def read_responses(body: dict[str, Any], headers: Mapping[str, str], size_bytes: int) -> View:
    """View a Responses request. Odd shapes are passed over: finding fault is the work of `etiquette`."""
    given = body.get("input")
    items: list[dict[str, Any]] = [{"role": "user", "content": given}] if isinstance(given, str) else as_dicts(given)
    tools = as_dicts(body.get("tools"))
    for item in items:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            tools.extend(as_dicts(item.get("tools")))
    text = as_dict(body.get("text"))
    said = [_said_of_item(item) for item in items]
    if body.get("instructions"):
        said.insert(0, _Said("system", str(body["instructions"])))
    return _view("responses", body, headers, size_bytes, said, _flat_tools(tools, _tool_of_responses), _schema(as_dict(text.get("format"))))


def read_chat(body: dict[str, Any], headers: Mapping[str, str], size_bytes: int) -> View:
    """View a Chat Completions request."""
    said = [said for message in as_dicts(body.get("messages")) for said in _said_of_message(message)]
    form = as_dict(body.get("response_format"))
    schema = _schema({**as_dict(form.get("json_schema")), "type": form.get("type")})
    return _view("chat", body, headers, size_bytes, said, _flat_tools(as_dicts(body.get("tools")), _tool_of_chat), schema)


READERS: dict[str, Callable[[dict[str, Any], Mapping[str, str], int], View]] = {"responses": read_responses, "chat": read_chat}


def text_of(content: Any) -> str:
    """The text of a content that is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in as_dicts(content))


def _view(
    dialect: str, body: dict[str, Any], headers: Mapping[str, str], size: int, said: list[_Said], tools: tuple[Tool, ...], schema: Any
) -> View:
    system = "\n".join(one.text for one in said if one.role == "system")
    spoken = [at for at in range(len(said)) if _is_user_speaking(said, at)]
    user = said[spoken[-1]].text if spoken else ""
    since = said[spoken[-1] + 1 :] if spoken else said
    results, rounds = _results(said, since)
    return View(
        dialect=dialect,
        model=str(body.get("model") or ""),
        stream=body.get("stream") is True,
        user=_PICTURE_TAGS.sub("", user).strip(),
        system=system,
        kind=_kind(user, system, schema, body),
        tools=tools,
        results=results,
        rounds=rounds,
        said=len(spoken),
        forced=_forced(body.get("tool_choice")),
        schema=schema,
        parallel=body.get("parallel_tool_calls") is not False,
        body=body,
        headers=dict(headers),
        size_bytes=size,
    )


def _is_user_speaking(said: list[_Said], at: int) -> bool:
    """A user message, but neither context that a client wrote nor pictures that belong to the tool result before them."""
    one = said[at]
    if one.role != "user" or _CONTEXT.match(one.text.lstrip()):
        return False
    return not (one.images and at > 0 and said[at - 1].role == "result")


def _results(said: list[_Said], since: list[_Said]) -> tuple[tuple[Result, ...], int]:
    calls = {one.call_id: one for one in said if one.role == "call"}
    results: list[Result] = []
    rounds = 0
    previous = ""
    for one in since:
        if one.role == "result":
            rounds += previous != "result"
            call = calls.get(one.call_id, _Said("call"))
            results.append(Result(one.call_id, call.name, call.text, one.text))
        if one.role != "other":
            previous = one.role
    return tuple(results), rounds


def _kind(user: str, system: str, schema: Any, body: dict[str, Any]) -> RequestKind:
    items = as_dicts(body.get("input"))
    is_triggered = bool(items) and items[-1].get("type") == "compaction_trigger"
    if is_triggered or user.startswith("You are performing a CONTEXT CHECKPOINT COMPACTION"):
        return "compaction"
    if schema is not None:
        return "title" if list(schema.get("properties", {})) == ["title"] else "structured"
    return "review" if system.lstrip().startswith("# Review guidelines") else "turn"


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


def _said_of_item(item: dict[str, Any]) -> _Said:
    kind = str(item.get("type") or "message")
    if kind == "message":
        role = str(item.get("role"))
        content: Any = item.get("content")
        return _Said(_ROLES.get(role, "other"), text_of(content), images=_has_images(content))
    if kind.endswith("_output") and kind != "tool_search_output":
        return _Said("result", text_of(item.get("output")), call_id=str(item.get("call_id")))
    if kind == "tool_search_output":
        names = ", ".join(str(tool.get("name")) for tool in as_dicts(item.get("tools")))
        return _Said("result", f"found: {names}", call_id=str(item.get("call_id")))
    if kind in ("function_call", "custom_tool_call", "tool_search_call", "local_shell_call"):
        payload: Any = item.get("arguments") or item.get("input") or ""
        text = payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()
        return _Said("call", text, call_id=str(item.get("call_id")), name=str(item.get("name") or "tool_search"))
    return _Said("other")


def _said_of_message(message: dict[str, Any]) -> Iterable[_Said]:
    role = str(message.get("role"))
    content: Any = message.get("content")
    if role in ("tool", "function"):
        yield _Said("result", text_of(content), call_id=str(message.get("tool_call_id")))
        return
    yield _Said(_ROLES.get(role, "other"), text_of(content), images=_has_images(content))
    for call in as_dicts(message.get("tool_calls")):
        inner = as_dict(call.get("function") or call.get("custom"))
        payload = str(inner.get("arguments") or inner.get("input") or "")
        yield _Said("call", payload, call_id=str(call.get("id")), name=str(inner.get("name")))


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


def _has_images(content: Any) -> bool:
    return any(part.get("type") in ("input_image", "image_url") for part in as_dicts(content))


_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}

# Coding agents put context into user messages of its own: it is not the user who speaks there.
_CONTEXT = re.compile(
    r"# AGENTS\.md instructions|Another language model started to solve this problem"
    r"|<(environment_context|user_instructions|turn_aborted|system-reminder|skill)\b"
)
_PICTURE_TAGS = re.compile(r"</?image\b[^>]*>")
