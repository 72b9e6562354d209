"""Which dialect a path belongs to, what the path itself says, and where each dialect carries its key."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, unquote

import msgspec

from dragoman.simulator.listener import Asked

DIALECTS = ("responses", "chat", "messages", "generate")
"""Every dialect that the simulator speaks."""


class Route(msgspec.Struct, frozen=True):
    """What the path of a call says."""

    dialect: str
    model: str = ""
    stream: bool | None = None
    array: bool = False


def find_route(asked: Asked, dialects: tuple[str, ...]) -> Route | None:
    """The dialect that a call speaks, None for a path that no dialect has."""
    found = next((route for read in _ROUTES if (route := read(asked)) is not None), None)
    return found if found is not None and found.dialect in dialects else None


def guess_dialect(asked: Asked) -> str:
    """The dialect of a request that is no call: by the headers that only one kind of client sends."""
    if "anthropic-version" in asked.headers:
        return "messages"
    return "generate" if "x-goog-api-key" in asked.headers or "/v1beta" in asked.path else "responses"


def given_key(asked: Asked) -> str:
    """The API key of a request, wherever its dialect carries it; empty where there is none."""
    for name in ("x-api-key", "x-goog-api-key", "api-key"):
        if asked.headers.get(name):
            return asked.headers[name]
    bearer = asked.headers.get("authorization", "")
    if bearer.lower().startswith("bearer "):
        return bearer[7:]
    return parse_qs(asked.query).get("key", [""])[0]


def _by_ending(asked: Asked) -> Route | None:
    return next((Route(dialect) for ending, dialect in _ENDINGS if asked.path.endswith(ending)), None)


def _by_method(asked: Asked) -> Route | None:
    match = _METHOD.search(unquote(asked.path))
    if match is None:
        return None
    streams = match["method"] == "streamGenerateContent"
    is_sse = parse_qs(asked.query).get("alt") == ["sse"]
    return Route("generate", match["model"], streams, streams and not is_sse)


_ENDINGS = (("/responses", "responses"), ("/chat/completions", "chat"), ("/messages", "messages"))
_METHOD = re.compile(r"/models/(?P<model>[^:]+):(?P<method>generateContent|streamGenerateContent)$")
_ROUTES: tuple[Callable[[Asked], Route | None], ...] = (_by_ending, _by_method)
