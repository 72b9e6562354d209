"""The bytes of a request's head. A header that could smuggle a second one is refused; framing headers are written here alone."""

from __future__ import annotations

import re

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.upstream.origin import Origin
from dragoman.upstream.proxy import Proxy
from dragoman.wire.frame import Headers
from dragoman.wire.splice import Splice, spliced

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
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_names: dict[str, bool] = dict.fromkeys(_OURS, False)
"""Names seen before: whether they are sent. Bounded, since clients choose some."""
_NAMES_KEPT = 1000
_BLOCKS_KEPT = 64
COPIED_BYTES = 16 * 1024
"""Up to this size it takes less to copy a body behind its head than to write it as a second piece. Longer ones are not copied."""


class Route(msgspec.Struct, frozen=True):
    """What is the same in each request to one origin: the Host header, what makes a target absolute and what a proxy asks for."""

    host: str
    prefix: str = ""
    lines: str = ""

    @classmethod
    def to(cls, origin: Origin, proxy: Proxy | None) -> Route:
        """Plain HTTP asks a proxy for an absolute target; with TLS the proxy is past and done with."""
        if proxy is None or origin.scheme == "https":
            return cls(origin.authority)
        return cls(origin.authority, str(origin), proxy.lines)

    def __repr__(self) -> str:
        return f"Route({self.prefix or self.host})"


class Heads:
    """Writes the heads of requests to one origin. Remembers the lines of headers that are the same tuple as before."""

    def __init__(self, route: Route) -> None:
        self._start = f" HTTP/1.1\r\nhost: {route.host}\r\n{route.lines}"
        self._prefix = route.prefix
        # By identity, which is safe as long as the tuple is kept beside what was made of it.
        self._known: dict[int, tuple[str, str, Headers, bytes]] = {}

    def __repr__(self) -> str:
        return "Heads()"

    def write(self, method: str, target: str, headers: Headers, length: int) -> bytes:
        """The request line and headers, with the blank line.

        Headers that belong to the connection (host, content-length, …) and `accept-encoding` are left out of `headers` and
        written here as they must be. Raises GatewayError: config for a header name or value with a character that HTTP has no
        place for, invalid_request for such a target.
        """
        known = self._known.get(id(headers))
        if known is not None and known[0] == method and known[1] == target and known[2] is headers:
            opening = known[3]
        else:
            opening = self._opening(method, target, headers)
        return b"%bcontent-length: %d\r\n\r\n" % (opening, length) if length or method != "GET" else opening + b"\r\n"

    def write_spliced(self, method: str, target: str, headers: Headers, body: bytes, splice: Splice) -> tuple[bytes, bytes | memoryview]:
        """As `write`, for a body into which something is put on its way: the head with the beginning of the body, and the rest, which is
        not copied. An agent's whole conversation is in it, and each copy drives out of the processor's caches what all others need."""
        start, stop, put = splice
        size = len(body)
        head = self.write(method, target, headers, size + len(put) - (stop - start))
        if size <= COPIED_BYTES:
            return b"".join((head, body[:start], put, body[stop:])), b""
        if start > COPIED_BYTES:
            return head, spliced(body, splice)
        return b"".join((head, body[:start], put)), memoryview(body)[stop:]

    def _opening(self, method: str, target: str, headers: Headers) -> bytes:
        """All but what says how long the body is. Kept, since nearly every request to a deployment begins with the same."""
        if method not in METHODS:
            raise ValueError(f"the method `{method}` is not sent upstream")
        if not (target[:1] == "/" and target.isascii() and target.isprintable() and " " not in target):
            raise GatewayError(
                Kind.INVALID_REQUEST, "the path of the request holds a character that has no place in a URL; percent-encode it"
            )
        opening = f"{method} {self._prefix}{target}{self._start}{_lines(headers)}".encode("latin-1")
        if len(self._known) >= _BLOCKS_KEPT:
            self._known.clear()
        self._known[id(headers)] = method, target, headers, opening
        return opening


def _lines(headers: Headers) -> str:
    lines = [f"{name}: {value}" for name, value in headers if _names.get(name) or _is_sent(name)]
    # All of it in one look: printable ASCII has no line ends. What is rarer is looked at line by line.
    joined = "".join(lines)
    if not (joined.isprintable() and joined.isascii()):
        _refuse_values(headers)
    return "".join([f"{line}\r\n" for line in lines])


def _is_sent(name: str) -> bool:
    """Whether this header is passed on. Raises GatewayError(config) for what is no header name in lower case."""
    known = _names.get(name)
    if known is not None:
        return known
    if _NAME.fullmatch(name) is None:
        raise _refused(name)
    if len(_names) < _NAMES_KEPT:
        _names[name] = True
    return True


def _refuse_values(headers: Headers) -> None:
    for name, value in headers:
        if _VALUE.fullmatch(value) is None:
            raise _refused(name)


def _refused(name: str) -> GatewayError:
    shown = name if re.fullmatch(r"[!-~]{1,80}", name) else "?"
    return GatewayError(
        Kind.CONFIG,
        f"the header `{shown}` holds a line break or another character that HTTP has no place for; check the key or the configured "
        "headers for stray characters",
    )
