"""Which proxy leads to an origin, read from the usual environment variables.

`https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, in lower or upper case (lower wins), as curl reads them
(https://curl.se/docs/manpage.html#ENVIRONMENT). This machine itself (`localhost`, 127.0.0.0/8, ::1) is never reached through a
proxy, whatever the variables say.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.upstream.origin import Origin

_PORT = 1080
"""What curl takes where a proxy has no port."""
_NO_URL = "is no proxy URL; it looks like `http://proxy.example.com:3128`"


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP proxy. `authorization` is the value of its Proxy-Authorization header; no repr shows it."""

    host: str
    port: int
    authorization: str | None = None

    @property
    def place(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def lines(self) -> str:
        """The header lines that this proxy asks for in each request to it."""
        return f"proxy-authorization: {self.authorization}\r\n" if self.authorization else ""

    def __repr__(self) -> str:
        return f"Proxy({self.place!r}{', with credentials' if self.authorization else ''})"


class Proxies(msgspec.Struct, frozen=True):
    """Proxy URLs by scheme, and the hosts that are reached without. No repr shows the URLs, which may hold passwords."""

    by_scheme: dict[str, tuple[str, str]] = {}
    """Scheme -> (name of the variable, its value)."""
    without: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Proxies:
        """Read the variables. Nothing is refused here: a proxy that cannot be used is told about when it would be needed."""
        found: dict[str, tuple[str, str]] = {}
        for scheme in ("http", "https"):
            for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
                # In a CGI process HTTP_PROXY is set by the client's `Proxy` header (https://httpoxy.org).
                if name == "HTTP_PROXY" and "REQUEST_METHOD" in environment:
                    continue
                if name in environment:
                    if environment[name].strip():
                        found[scheme] = (name, environment[name].strip())
                    break
        listed = environment.get("no_proxy", environment.get("NO_PROXY", ""))
        return cls(found, tuple(listed.replace(",", " ").lower().split()))

    def pick(self, origin: Origin) -> Proxy | None:
        """The proxy to use for this origin, if any. Raises GatewayError(config) if the variable holds none that can be used."""
        setting = self.by_scheme.get(origin.scheme)
        if setting is None or origin.is_loopback or any(_covers(entry, origin) for entry in self.without):
            return None
        return _read(*setting)

    def __repr__(self) -> str:
        return f"Proxies({', '.join(name for name, _ in self.by_scheme.values())}; without {', '.join(self.without) or 'exception'})"


def _read(name: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        # Without its cause, which repeats what stood there.
        raise _refused(name, _NO_URL) from None
    if parts.scheme != "http":
        raise _refused(name, f"names a `{parts.scheme}` proxy; only `http://` proxies are supported")
    if not host:
        raise _refused(name, _NO_URL)
    authorization = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + b64encode(credentials.encode()).decode()
    return Proxy(host, port or _PORT, authorization)


def _refused(name: str, why: str) -> GatewayError:
    return GatewayError(Kind.CONFIG, f"the environment variable `{name}` {why}; change it, or name the provider's host in `NO_PROXY`")


def _covers(entry: str, origin: Origin) -> bool:
    """Whether one entry of no_proxy means this origin: `*`, a domain with its subdomains, an address, a network, each with `:port`."""
    if entry == "*":
        return True
    name, port = _split_port(entry)
    if port is not None and port != origin.port:
        return False
    try:
        address = ip_address(origin.host)
    except ValueError:
        name = name.strip(".")
        return bool(name) and (origin.host == name or origin.host.endswith(f".{name}"))
    try:
        return address in ip_network(name, strict=False)
    except ValueError:
        return False


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        port = rest.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, port = entry.partition(":")
    else:
        name, port = entry, ""
    return name, int(port) if port.isascii() and port.isdecimal() else None
