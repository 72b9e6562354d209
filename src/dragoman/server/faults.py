"""What a connection can be told before any handler saw its request."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.asked import RawHeaders
from dragoman.server.settings import Limits


def judge_head(version: str, target: bytes, raw: RawHeaders, headers: Mapping[str, str], limits: Limits) -> GatewayError | None:
    """What is wrong with a whole request head, if anything: too large, or wrong about where its body ends (RFC 9112, section 6.1),
    as far as the parser lets that pass."""
    if len(target) > limits.target_bytes:
        message = f"the request's path and query are longer than {limits.target_bytes} bytes"
        return GatewayError(Kind.TOO_LARGE, message, source="client", status=414)
    if len(raw) > limits.header_count:
        message = f"the request has {len(raw)} headers; the limit is {limits.header_count}"
        return GatewayError(Kind.TOO_LARGE, message, source="client", status=431)
    if sum([len(name) + len(value) for name, value in raw]) > limits.header_bytes:
        return headers_too_large(limits)
    if version not in ("1.1", "1.0"):
        return not_http(f"HTTP version {version}")
    coding = headers.get("transfer-encoding")
    if coding is not None and (version == "1.0" or coding.strip().lower() != "chunked"):
        return not_http("a `Transfer-Encoding` other than `chunked` in HTTP/1.1")
    return None


def headers_too_large(limits: Limits) -> GatewayError:
    """431, as RFC 6585 has it."""
    message = f"the request's headers are larger than {limits.header_bytes} bytes"
    return GatewayError(Kind.TOO_LARGE, message, source="client", status=431)


def head_late(limits: Limits) -> GatewayError:
    """The clock ran out on the headers."""
    message = f"the request's headers were not complete within {limits.head_s:g} s"
    return GatewayError(Kind.CLIENT_TIMEOUT, message, source="client")


def body_late(limits: Limits) -> GatewayError:
    """The clock ran out on the body."""
    message = f"the request's body was not complete within {limits.body_s:g} s"
    return GatewayError(Kind.CLIENT_TIMEOUT, message, source="client")


def not_http(reason: str) -> GatewayError:
    """The parser gave up; `reason` is its own."""
    return GatewayError(Kind.INVALID_REQUEST, f"the request is not proper HTTP/1.1: {reason}", source="client")


def too_many_connections(limits: Limits) -> GatewayError:
    """One more than the server takes."""
    message = f"the gateway has its {limits.connections} connections open already; try again in a moment"
    return GatewayError(Kind.OVERLOADED, message, retry_after_s=1)


def shutting_down() -> GatewayError:
    """What comes while the server stops, or did not end in time."""
    return GatewayError(Kind.SHUTTING_DOWN, "the gateway is shutting down; try again in a moment", retry_after_s=1)
