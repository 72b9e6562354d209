"""What a request's head says, as text: its target and its headers."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable

import httptools
import msgspec

RawHeaders = list[tuple[bytes, bytes]]
"""Headers as the parser gives them, names as the client spells them."""

_KEPT = 1000
_TARGET_BYTES = 100


class _Names(dict[bytes, str]):
    """Header names seen before, in lower case as text. Bounded, since clients choose them."""

    def __missing__(self, raw: bytes) -> str:
        name = raw.decode("latin-1").lower()
        if len(self) < _KEPT:
            self[raw] = name
        return name


_names = _Names()


class Target(msgspec.Struct, frozen=True):
    """As it was sent; the path in it, unquoted; the query. host: of one in absolute form, as proxies are asked, with its port."""

    raw: bytes
    path: str
    query: str
    host: str = ""


_targets: dict[bytes, Target] = {}
"""Targets without a query that were read before. Bounded likewise."""


def read_target(raw: bytes) -> Target:
    """Raises ValueError for what is no URL, or not in ASCII."""
    found = _targets.get(raw)
    if found is not None:
        return found
    raw_path, query, host = raw, b"", ""
    if raw[:1] != b"/" or b"#" in raw:
        raw_path, query, host = _parse(raw)
    elif b"?" in raw:
        raw_path, _, query = raw.partition(b"?")
    path = raw_path.decode("ascii")
    target = Target(raw, urllib.parse.unquote(path) if "%" in path else path, query.decode("latin-1"), host)
    if not query and len(raw) <= _TARGET_BYTES and len(_targets) < _KEPT:
        _targets[raw] = target
    return target


def _parse(raw: bytes) -> tuple[bytes, bytes, str]:
    try:
        url = httptools.parse_url(raw)
    except httptools.HttpParserError as error:
        raise ValueError("no URL") from error
    host = (url.host or b"").decode("ascii")
    host = f"[{host}]" if ":" in host else host
    return url.path or b"/", url.query or b"", f"{host}:{url.port}" if url.port else host


def read_headers(raw: RawHeaders) -> dict[str, str]:
    """Names in lower case, repeated headers joined by a comma."""
    headers = {_names[name]: value.decode("latin-1") for name, value in raw}
    return headers if len(headers) == len(raw) else _join(raw)


def _join(raw: RawHeaders) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = _names[name_bytes], value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class BodyOnly:
    """Takes from a parser the body of a request whose head is known already."""

    def __init__(self, on_body: Callable[[bytes], None], on_message_complete: Callable[[], None]) -> None:
        self.on_body = on_body
        self.on_message_complete = on_message_complete
