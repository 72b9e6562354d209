"""Requests: the model and stream at a glance, the whole body to the neutral form, and back.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import msgspec

from dragoman.dialects.chat.fields import put_back_fields, read_fields, write_fields
from dragoman.dialects.chat.messages import read_messages
from dragoman.dialects.chat.parts import Lost
from dragoman.dialects.chat.remainder import NAME, own
from dragoman.dialects.chat.tools import read_choice, read_functions, read_legacy_choice, read_tools, write_choice, write_tools
from dragoman.dialects.chat.turns import write_messages
from dragoman.dialects.chat.wishes import understood
from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.remainder import JsonObject, difference, object_at, read_body, text_at, wrong
from dragoman.ir.request import READ, Request, ToolChoice

PATH = "/chat/completions"

# Read and written here one by one, not by `fields`.
_STRUCTURE = frozenset({"model", "messages", "stream", "stream_options", "tools", "functions", "max_tokens", "max_completion_tokens"})
_OPTIONS = "$stream_options"


def read_request(call: Call) -> Request:
    """The neutral form of a body. Raises GatewayError(invalid_request) with the JSON path of what is wrong."""
    came = read_body(call.body)
    stream = _switch(came, "stream")
    options = object_at(came.get("stream_options") or {}, "stream_options")
    request = Request(
        text_at(came, "model", "body"),
        read_messages(came.get("messages")),
        stream=stream,
        stream_usage=_switch(options, "include_usage"),
        tools=(*read_tools(came.get("tools"), "tools"), *read_functions(came.get("functions"), "functions")),
        tool_choice=_choice(came),
        max_tokens=_max_tokens(came),
        **read_fields(came),
    )
    return msgspec.structs.replace(request, extra=_rest(came, options, request))


def write_request(request: Request, quirks: Quirks) -> tuple[Call, Lost]:
    """The call, and (field, why) for each thing that could not be said."""
    lost: Lost = []
    body: JsonObject = {"model": request.model, "messages": write_messages(request.items, quirks, lost)}
    rest = own(request.extra) or {}
    if request.stream:
        body["stream"] = True
    options = _stream_options(request, quirks, rest)
    if options:
        body["stream_options"] = options
    write_tools(request.tools, body, lost)
    body.update(_written_choice(request))
    if request.max_tokens is not None:
        body[quirks.max_tokens_field] = request.max_tokens
    body.update(write_fields(request, lost))
    if quirks.store:
        # false is this API's own default, and servers that don't know the field are the many.
        body["store"] = True
    if request.sampling.top_k is not None and "top_k" not in rest:
        lost.append(("top_k", "chat has no such setting"))
    put_back_fields(body, rest, request)
    return Call(PATH, msgspec.json.encode(body)), lost


def keeps(request: Request) -> bool:
    """Whether the provider is asked to keep the answer."""
    return bool((own(request.extra) or {}).get("store"))


def _switch(came: JsonObject, name: str) -> bool:
    value = came.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong(name, "must be true or false")
    return bool(value)


def _max_tokens(came: JsonObject) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = came.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(name, "must be an integer")
        return value
    return None


def _choice(came: JsonObject) -> ToolChoice | None:
    if came.get("tool_choice") is not None:
        return read_choice(came["tool_choice"])
    return read_legacy_choice(came["function_call"]) if came.get("function_call") is not None else None


def _rest(came: JsonObject, options: JsonObject, request: Request) -> dict[str, JsonObject] | None:
    # Structure that says nothing (null, an empty list, false) has no neutral form either.
    settings = {name: value for name, value in came.items() if name not in _STRUCTURE or not value}
    rest = difference(settings, {**write_fields(request, []), **_written_choice(request)})
    more = {name: value for name, value in options.items() if name != "include_usage"}
    if more:
        rest[_OPTIONS] = more
    if read := understood(came):
        rest[READ] = read
    return {NAME: rest} if rest else None


def _written_choice(request: Request) -> JsonObject:
    return {} if request.tool_choice is None else write_choice(request.tool_choice, request.tools)


def _stream_options(request: Request, quirks: Quirks, rest: JsonObject) -> JsonObject:
    if not request.stream:
        return {}
    options: JsonObject = dict(rest.get(_OPTIONS) or {})
    if quirks.stream_usage:
        # Asked for whether or not the client wants it: the record does.
        options["include_usage"] = True
    return options
