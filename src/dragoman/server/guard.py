"""Who may ask at all: keeps web pages, by rebinding or by forging requests, from spending the user's keys.

Client keys are another matter (`policy.identity`): a page that can reach an open gateway on loopback needs none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.hosts import is_loopback

_WILDCARDS = frozenset({"0.0.0.0", "::", ""})
_KNOWN_HOSTS = 64


class Guard:
    """Checks `Host`, `Origin` and `Sec-Fetch-Site` of a request, and the content type of one with a body.

    A request with a `Host` out of `known` and without the other two has nothing to be checked.
    """

    def __init__(self, host: str, allowed_hosts: Iterable[str] = (), allowed_origins: Iterable[str] = ()) -> None:
        names = [name.lower().strip("[]") for name in (host, *allowed_hosts)]
        self._names = frozenset(names)
        self._endings = tuple(name[1:] for name in names if name.startswith("*."))
        self._any_address = host in _WILDCARDS
        self._origins = frozenset(origin.lower().rstrip("/") for origin in allowed_origins)
        # Host headers that were found good: clients send the same one each time.
        self.known: set[str] = set()

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Raises GatewayError(forbidden_origin), or invalid_request where there is no single proper `Host`."""
        host = headers.get("host", "")
        if host not in self.known:
            self._check_host(host)
        if "origin" in headers:
            self._check_origin(headers["origin"], host)
        elif headers.get("sec-fetch-site") == "cross-site":
            self._check_navigation(method, headers)

    def may_read(self, headers: Mapping[str, str]) -> str | None:
        """The origin whose pages may read the answer to this request, if one of the configured asks."""
        origin = headers.get("origin")
        return origin if origin is not None and origin.lower() in self._origins else None

    def _check_host(self, host: str) -> None:
        name = host_name(host)
        if name is None:
            raise GatewayError(Kind.INVALID_REQUEST, "the request has no single proper `Host` header", source="client")
        if not self._may_call(name):
            raise GatewayError(
                Kind.FORBIDDEN_ORIGIN,
                f"the gateway does not answer to the host name `{name[:100]}`; call it by its address, or add the name to "
                "`server.allowed_hosts`",
                source="client",
            )
        if len(self.known) < _KNOWN_HOSTS:
            self.known.add(host)

    def _may_call(self, name: str) -> bool:
        if name in self._names or is_loopback(name) or name.endswith(self._endings):
            return True
        # No name leads a browser to a bare address: pages can only use one that they were loaded from.
        return self._any_address and _is_address(name)

    def _check_origin(self, origin: str, host: str) -> None:
        origin = origin.lower()
        if origin in self._origins or origin in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return
        raise GatewayError(
            Kind.FORBIDDEN_ORIGIN,
            f"web pages of `{origin[:100]}` may not use the gateway; add the origin to `server.allowed_origins` if they shall",
            source="client",
        )

    def _check_navigation(self, method: str, headers: Mapping[str, str]) -> None:
        # A link that is followed: the page it stands on learns nothing of the answer.
        if method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate":
            return
        raise GatewayError(Kind.FORBIDDEN_ORIGIN, "a web page of another site may not use the gateway", source="client")


def check_json(headers: Mapping[str, str]) -> None:
    """Raises GatewayError(invalid_request, 415) unless the body is declared as JSON: a page cannot do that without being asked first."""
    kind = headers.get("content-type", "")
    if kind == "application/json":
        return
    kind = kind.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    told = f"`{kind[:100]}`" if kind else "missing"
    message = f"the content type of the request is {told}; it must be `application/json`"
    raise GatewayError(Kind.INVALID_REQUEST, message, source="client", status=415)


def host_name(host: str) -> str | None:
    """The name or address in a `Host` header, in lower case, without port and brackets. None if it is not one host."""
    host = host.strip().lower()
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        port = port.removeprefix(":") if port.startswith(":") or not port else "?"
        if not closed or not _is_address(name):
            return None
    else:
        name, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit()):
        return None
    name = name.removesuffix(".")
    return name if name and not set(name) & set(" ,/@\\?#") else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
