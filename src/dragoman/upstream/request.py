"""The bytes of a request's head. A header that could smuggle a second one is refused; framing headers are written here alone."""

from __future__ import annotations

import re

from dragoman.ir.errors import GatewayError, Kind
from dragoman.upstream.origin import Origin
from dragoman.wire.frame import Headers

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""HEAD and CONNECT have answers of another shape and no use here."""

_OURS = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "expect",
        # Providers answer in plain then, so that what is watched and translated need not be unpacked first.
        "accept-encoding",
    }
)
_LEGAL = re.compile(r"(?:[a-z0-9!#$%&'*+.^_`|~-]+: [\t\x20-\x7e\x80-\xff]*\r\n)*+")
_TARGET = re.compile(r"/[!-~]*+")


def write_head(origin: Origin, method: str, target: str, headers: Headers, length: int, *, prefix: str = "", extra: str = "") -> bytes:
    """The request line and headers, up to the blank line.

    Headers that belong to the connection (host, content-length, …) and `accept-encoding` are left out of `headers` and written
    here as they must be. `prefix` makes the target absolute, `extra` is a block of header lines of our own (proxies).
    Raises GatewayError(config) for a header name or value with a character that HTTP has no place for.
    """
    if method not in METHODS:
        raise ValueError(f"the method `{method}` is not sent upstream")
    if _TARGET.fullmatch(target) is None:
        raise GatewayError(Kind.INVALID_REQUEST, "the path of the request holds a character that has no place in a URL; percent-encode it")
    lines = [f"{name}: {value}\r\n" for name, value in headers if name not in _OURS]
    block = "".join(lines)
    if _LEGAL.fullmatch(block) is None or block.count("\n") != len(lines):
        raise _refused(headers)
    size = f"content-length: {length}\r\n" if length or method != "GET" else ""
    return f"{method} {prefix}{target} HTTP/1.1\r\nhost: {origin.authority}\r\n{block}{extra}{size}\r\n".encode("latin-1")


def _refused(headers: Headers) -> GatewayError:
    for name, value in headers:
        if _LEGAL.fullmatch(f"{name}: {value}\r\n") is None or "\n" in name or "\n" in value:
            shown = name if re.fullmatch(r"[!-~]{1,80}", name) else "?"
            return GatewayError(
                Kind.CONFIG,
                f"the header `{shown}` holds a line break or another character that HTTP has no place for; check the key or the "
                "configured headers for stray characters",
            )
    return GatewayError(Kind.CONFIG, "a header holds a character that HTTP has no place for")
