"""Requests: the model and stream at a glance, the whole body to the neutral form, and back.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

import msgspec

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.messages.blocks import Lost, Pen
from dragoman.dialects.messages.cache import mark_cache
from dragoman.dialects.messages.messages import read_messages, read_system
from dragoman.dialects.messages.remainder import NAME, own
from dragoman.dialects.messages.settings import MODELLED, read_settings, write_settings
from dragoman.dialects.messages.tools import read_tools, write_tools
from dragoman.dialects.messages.turns import write_conversation
from dragoman.dialects.messages.wishes import loosen, unheard
from dragoman.dialects.remainder import JsonObject, complete, object_or_empty, read_body, stow, text_at, wrong
from dragoman.ir.request import Request

PATH = "/messages"

_STRUCTURE = frozenset({"model", "messages", "system", "tools", "stream"})
_SETTINGS = "$settings"
"""The settings as they came, in the request's own `extra`."""
_IN = "$in"
"""What of nested settings only this API knows: for those that warn of it."""


def read_request(call: Call) -> Request:
    """The neutral form of a body. Raises GatewayError(invalid_request) with the JSON path of what is wrong."""
    came = read_body(call.body)
    stream = came.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise wrong("stream", "must be true or false")
    return Request(
        text_at(came, "model", "body"),
        (*read_system(came.get("system")), *read_messages(came.get("messages"))),
        stream=bool(stream),
        tools=read_tools(came.get("tools")),
        extra={NAME: _rest(came)},
        **read_settings(came),
    )


def write_request(request: Request, quirks: Quirks) -> tuple[Call, Lost]:
    """The call, and (field, why) for each thing that could not be said.

    What grows from turn to turn stands last, so that a body begins with the bytes of the body before it.
    """
    rest = own(request.extra)
    pen = Pen([], native=rest is not None)
    body: JsonObject = {"model": request.model}
    write_settings(request, pen, quirks, (rest or {}).get(_SETTINGS) or {}, body)
    # A client of this dialect knows itself what it changed.
    headers = loosen(body) if quirks.binds_thoughts and not pen.native else ()
    if request.stream:
        body["stream"] = True
    system, messages = write_conversation(request.items, pen, continues=request.continues)
    tools = write_tools(request.tools, pen, quirks)
    if tools:
        body["tools"] = tools
    if system is not None:
        body["system"] = system
    body["messages"] = messages
    complete(body, rest)
    if not (pen.native or pen.marked):
        mark_cache(body, quirks)
    body["messages"] = body.pop("messages")
    return Call(PATH, msgspec.json.encode(body), headers=headers), pen.lost


def state_fields(request: Request) -> list[str]:
    """Names of the fields by which a request leans on state that the provider keeps: a container by its id, a thread."""
    rest = own(request.extra) or {}
    container = rest.get("container")
    kept = isinstance(container, str) or bool(object_or_empty(container).get("id"))
    return [name for name, leans in (("container", kept), ("thread", bool(rest.get("thread")))) if leans]


def _rest(came: JsonObject) -> JsonObject:
    # Structure that says nothing (null, an empty list, false) has no neutral form either.
    rest: JsonObject = {_SETTINGS: {name: value for name, value in came.items() if name in MODELLED}}
    if inside := unheard(came):
        rest[_IN] = inside
    for name, value in came.items():
        if name not in MODELLED and (name not in _STRUCTURE or not value):
            stow(rest, name, value)
    return rest
