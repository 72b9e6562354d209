"""What the network does to us, said once: every OSError, TLS error and broken answer becomes a GatewayError here.

`place` is `host:port`; nothing else of the request is in a message, so no secret can be.
"""

from __future__ import annotations

import socket
import ssl

from dragoman.ir.errors import GatewayError, Kind

_ADDRESS = "`base_url`"
_PROXIES = "the proxy variables"


def connect_fault(error: BaseException, place: str, proxy: str | None = None) -> GatewayError:
    """Why no connection came about. proxy: the place of the one that leads there, if it happened on the way to that."""
    where, setting = (f"`{place}`", _ADDRESS) if proxy is None else (f"the proxy `{proxy}`", _PROXIES)
    say = next((say for kind, say in _CONNECT if isinstance(error, kind)), "could not connect to {where}: {why}; " + _CHECK)
    return GatewayError(Kind.UNREACHABLE, say.format(where=where, why=_why(error), setting=setting), source="upstream")


def connect_timeout(place: str, proxy: str | None, stage: str, connect_s: float) -> GatewayError:
    """No connection within its deadline; `stage` says how far it came."""
    way, setting = (f"`{place}`", _ADDRESS) if proxy is None else (f"`{place}` through the proxy `{proxy}`", _PROXIES)
    check = _CHECK.format(setting=setting)
    return GatewayError(Kind.TIMEOUT, f"could not connect to {way} within {connect_s:g} s (no end of {stage}); {check}", source="upstream")


def pool_full(place: str, limit: int, waiting: int) -> GatewayError:
    """Too many requests wait for a connection already."""
    return GatewayError(
        Kind.OVERLOADED, f"all {limit} connections to `{place}` are busy and {waiting} requests wait for one; try again later"
    )


def pool_timeout(place: str, limit: int, wait_s: float) -> GatewayError:
    """No connection came free in time."""
    return GatewayError(
        Kind.OVERLOADED, f"all {limit} connections to `{place}` are busy and none came free within {wait_s:g} s; try again later"
    )


def timeout(place: str, what: str, limit_s: float) -> GatewayError:
    """The provider was too slow: `what` as in "did not answer"."""
    return GatewayError(Kind.TIMEOUT, f"`{place}` {what} within {limit_s:g} s", source="upstream")


def cut(place: str, error: BaseException | None, *, headed: bool) -> GatewayError:
    """The connection ended before the answer did."""
    how = "closed the connection" if error is None else f"broke the connection ({_why(error)})"
    when = "in the middle of its answer" if headed else "before it answered"
    return GatewayError(Kind.CUT, f"`{place}` {how} {when}", source="upstream")


def garbled(place: str, why: str) -> GatewayError:
    """The answer isn't HTTP/1.1, or not such as can be trusted."""
    return GatewayError(Kind.GARBLED, f"`{place}` sent an answer that is not proper HTTP/1.1: {why}", source="upstream")


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no reason given").replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__


_CHECK = "check {setting} and the network"
# Looked at from the top: subclasses stand before their bases.
_CONNECT: tuple[tuple[type[BaseException], str], ...] = (
    (
        ssl.SSLCertVerificationError,
        "the certificate of {where} is not trusted: {why}; check {setting}, or name your own authority's file in `SSL_CERT_FILE`",
    ),
    (ssl.SSLError, "no TLS with {where}: {why}; check whether {setting} should begin with `http://`"),
    (socket.gaierror, "could not find the address of {where}: {why}; " + _CHECK),
    (ConnectionRefusedError, "{where} refused the connection; check that something listens there, and {setting}"),
    (ConnectionError, "{where} broke the connection while it was being made ({why}); " + _CHECK),
)
