"""What a parser found in a request's head, as ASGI has it, without the parts of it that nobody here reads."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable

import httptools
from uvicorn._types import HTTPScope

_ASGI = {"version": "3.0", "spec_version": "2.3"}


def scope_of(target: bytes, method: bytes, version: str, headers: list[tuple[bytes, bytes]], client: tuple[str, int] | None) -> HTTPScope:
    """The scope of a request. Raises what a request target raises that is no URL or not in ASCII."""
    raw_path, query = target, b""
    if target[:1] != b"/" or b"#" in target:
        url = httptools.parse_url(target)
        raw_path, query = url.path, url.query or b""
    elif b"?" in target:
        raw_path, _, query = target.partition(b"?")
    path = raw_path.decode("ascii")
    return {
        "type": "http",
        "asgi": _ASGI,  # type: ignore[typeddict-item]
        "http_version": version,
        "method": method.decode("ascii"),
        "scheme": "http",
        "path": urllib.parse.unquote(path) if "%" in path else path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": client,
        "server": None,
    }


class BodyOnly:
    """Takes from a parser the body of a request whose head is known already."""

    def __init__(self, on_body: Callable[[bytes], None], on_message_complete: Callable[[], None]) -> None:
        self.on_body = on_body
        self.on_message_complete = on_message_complete
