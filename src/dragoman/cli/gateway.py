"""Looks at what answers at a gateway's address. Asks directly, never through a proxy."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dragoman.wire.not_json import NOT_JSON

_WAIT_S = 10.0
"""A busy machine answers late; a gateway that is gone refuses at once."""
_MOST_BYTES = 1 << 24
_TOLD_TO_STRANGERS = b'{"status":"ok"}'


class Sight(StrEnum):
    """What stands at an address. LOCKED: a gateway that tells strangers nothing, and does not know the key."""

    GATEWAY = "gateway"
    LOCKED = "locked"
    OTHER = "other"
    NOT_HTTP = "not_http"
    NOBODY = "nobody"
    SILENT = "silent"
    NOT_TLS = "not_tls"
    BAD_ADDRESS = "bad_address"


class Look(msgspec.Struct, frozen=True):
    """sight: what was seen. facts: what a gateway says of itself at /health. detail: what was seen instead, in a few words."""

    sight: Sight
    facts: dict[str, Any] = {}
    detail: str = ""


class Answer(msgspec.Struct, frozen=True):
    """One small HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def look_at(address: str, *, key: str | None = None, wait_s: float = _WAIT_S) -> Look:
    """Ask `GET /health` at this address (scheme, host, port; a path is left out) and say what stands there. Never raises."""
    try:
        answer = get(address, "/health", key=key, wait_s=wait_s)
        locked = answer.body == _TOLD_TO_STRANGERS and get(address, "/v1/models", key=key, wait_s=wait_s).status == 401
    except OSError as error:
        return Look(
            next((sight for kind, sight in _BY_ERROR if isinstance(error, kind)), Sight.NOBODY), detail=error.strerror or str(error)
        )
    except http.client.HTTPException as error:
        return Look(Sight.NOT_HTTP, detail=type(error).__name__)
    except ValueError as error:
        return Look(Sight.BAD_ADDRESS, detail=str(error))
    facts = _facts(answer)
    if facts is not None:
        return Look(Sight.GATEWAY, facts)
    if locked:
        return Look(Sight.LOCKED, detail="it asks for a key")
    return Look(Sight.OTHER, detail=f"`GET /health` answered {answer.status}, as no gateway does")


def get(address: str, path: str, *, key: str | None = None, wait_s: float = _WAIT_S, headers: Mapping[str, str] | None = None) -> Answer:
    """One GET. Raises OSError, http.client.HTTPException, or ValueError for an address that is none."""
    return _ask("GET", address, path, None, {**(headers or {}), **credentials(key)}, wait_s)


def post(
    address: str, path: str, body: bytes, *, key: str | None = None, wait_s: float = _WAIT_S, headers: Mapping[str, str] | None = None
) -> Answer:
    """One POST of JSON. Raises as `get` does."""
    return _ask("POST", address, path, body, {"content-type": "application/json", **(headers or {}), **credentials(key)}, wait_s)


def connection_to(address: str, wait_s: float) -> http.client.HTTPConnection:
    """One that opens when something is asked. Raises ValueError for what is no address."""
    url = urlsplit(address)
    if url.scheme not in _CONNECTIONS or not url.hostname:
        raise ValueError(f"`{address}` is not an http or https address")
    try:
        return _CONNECTIONS[url.scheme](url.hostname, url.port, timeout=wait_s)
    except ValueError as error:
        raise ValueError(f"`{address}` names no port from 0 to 65535") from error


def credentials(key: str | None) -> dict[str, str]:
    """The headers that show a client key."""
    return {"authorization": f"Bearer {key}"} if key else {}


def _ask(method: str, address: str, path: str, body: bytes | None, headers: dict[str, str], wait_s: float) -> Answer:
    connection = connection_to(address, wait_s)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read(_MOST_BYTES))
    finally:
        connection.close()


def _facts(answer: Answer) -> dict[str, Any] | None:
    """What /health told, if it was a gateway's."""
    try:
        told = msgspec.json.decode(answer.body)
    except NOT_JSON:
        return None
    return told if isinstance(told, dict) and told.get("name") == "dragoman" else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


_CONNECTIONS: dict[str, type[http.client.HTTPConnection]] = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
_BY_ERROR: tuple[tuple[type[OSError], Sight], ...] = (
    (ssl.SSLError, Sight.NOT_TLS),
    (TimeoutError, Sight.SILENT),
    (ConnectionResetError, Sight.NOT_HTTP),
)
