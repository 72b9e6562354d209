"""Requests: model and stream from the path, the body to the neutral form, and back.

https://ai.google.dev/api/generate-content#method:-models.generatecontent
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from dragoman.dialects.contract import Call, Peek, Quirks
from dragoman.dialects.generate.contents import read_contents, read_system
from dragoman.dialects.generate.fields import read_config, read_tier, write_config, write_tier
from dragoman.dialects.generate.parts import Lost
from dragoman.dialects.generate.remainder import NAME, complete, difference, field, own, wrong
from dragoman.dialects.generate.tools import read_choice, read_tools, tool_config, write_tools
from dragoman.dialects.generate.turns import opening, write_contents, write_system
from dragoman.dialects.remainder import JsonObject, object_at, object_or_empty, read_body
from dragoman.ir.request import Request

PATH = "/models/{model}:generateContent"

_WHOLE, _STREAM = "generateContent", "streamGenerateContent"
_ADDRESS = re.compile(r"(?P<before>.*?/)(?P<folder>models|tunedModels)/(?P<model>[^?]+):(?P<method>\w+)\Z")
_STATE = ("cachedContent", "continuationToken")
# A client may send its key in the query, which is ours and not the provider's.
_CLIENT_KEY = re.compile(r"(?:^|&)key=[^&]*")


def peek(call: Call) -> Peek:
    """Model and stream of a path. Raises GatewayError(invalid_request) for another path."""
    found = _ADDRESS.match(call.path)
    if found is None or found["method"] not in (_WHOLE, _STREAM):
        raise wrong("path", f"`{call.path[:200]}` is not `…/models/{{model}}:{_WHOLE}` or `:{_STREAM}`")
    model = unquote(found["model"])
    return Peek(model if found["folder"] == "models" else f"{found['folder']}/{model}", found["method"] == _STREAM)


def readdress(call: Call, model: str) -> Call:
    """The same call, below a provider's base URL, for another model."""
    stream = peek(call).stream
    query = _CLIENT_KEY.sub("", call.query).lstrip("&")
    return msgspec.structs.replace(call, path=_path(model, stream), query=query)


def read_request(call: Call) -> Request:
    """The neutral form of a call. Raises GatewayError(invalid_request) with the JSON path of what is wrong."""
    asked = peek(call)
    came = read_body(call.body)
    system, tools, config = field(came, "systemInstruction"), field(came, "tools"), field(came, "generationConfig")
    choice = field(object_at(field(came, "toolConfig") or {}, "toolConfig"), "functionCallingConfig")
    items = read_contents(field(came, "contents"))
    request = Request(
        asked.model,
        items if system is None else (read_system(system), *items),
        stream=asked.stream,
        tools=() if tools is None else read_tools(tools),
        tool_choice=None if choice is None else read_choice(object_at(choice, "toolConfig.functionCallingConfig")),
        service_tier=read_tier(field(came, "serviceTier")),
        **({} if config is None else read_config(object_at(config, "generationConfig"))),
    )
    return msgspec.structs.replace(request, extra={NAME: _rest(came, request)})


def write_request(request: Request, quirks: Quirks) -> tuple[Call, Lost]:
    """The call, and (field, why) for each thing that could not be said."""
    lost: Lost = []
    system, items = opening(request.items)
    body: JsonObject = {}
    instruction = write_system(system, lost)
    if instruction is not None:
        body["systemInstruction"] = instruction
    body.update(_settings(request, quirks, lost))
    body["contents"] = write_contents(items, quirks, lost)
    complete(body, own(request.extra))
    return Call(_path(request.model, request.stream), msgspec.json.encode(body), query="alt=sse" if request.stream else ""), lost


def state_fields(request: Request) -> list[str]:
    """Names of the fields by which a request leans on state that the provider keeps."""
    rest = own(request.extra) or {}
    return [name for name in _STATE if field(rest, name)]


def _settings(request: Request, quirks: Quirks, lost: Lost) -> JsonObject:
    body: JsonObject = {}
    native = own(request.extra) is not None
    chosen = request.tool_choice is None or request.tool_choice.mode != "none"
    tools = write_tools(request.tools, lost, mixed=native or quirks.mixed_tools, runs=native or chosen)
    parts: tuple[tuple[str, Any], ...] = (
        ("tools", tools),
        ("toolConfig", tool_config(request, quirks, tools, lost)),
        ("generationConfig", write_config(request, quirks, lost)),
    )
    body.update({name: value for name, value in parts if value})
    body.update(write_tier(request.service_tier, lost))
    return body


def _rest(came: JsonObject, request: Request) -> JsonObject:
    # In the form in which it came, which the model that it was written for takes.
    thinking = field(field(came, "generationConfig") or {}, "thinkingConfig")
    quirks = Quirks(thinking="level" if isinstance(thinking, dict) and field(object_or_empty(thinking), "thinkingLevel") else "budget")
    written = _settings(msgspec.structs.replace(request, extra={NAME: {}}), quirks, [])
    # Conversation and instruction keep what they say beside their neutral form on their own items.
    known = {name: True for name in ("contents", "systemInstruction") if field(came, name) is not None}
    plain = {name: True if name in _ITEMS and value is not None else value for name, value in came.items()}
    return difference(plain, {**written, **known})


_ITEMS = frozenset({"contents", "systemInstruction", "system_instruction"})


def _path(model: str, stream: bool) -> str:
    method = _STREAM if stream else _WHOLE
    folder, _, name = model.partition("/")
    if folder not in ("models", "tunedModels") or not name:
        folder, name = "models", model
    return f"/{folder}/{quote(name, safe='/-._~@:')}:{method}"
