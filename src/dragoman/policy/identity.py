"""Who asks: the client key of a request against those of config. A look-up in a dict, without telling keys apart by time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2s
from secrets import token_bytes

import msgspec

from dragoman.config.schema import Access
from dragoman.ir.errors import GatewayError, Kind

_HEADERS = ("x-api-key", "x-goog-api-key", "api-key")
_PREFIX = 6
_WHERE = (
    "send a key from `access.keys` of the gateway's dragoman.yaml as `Authorization: Bearer ...` (or in `x-api-key` or `x-goog-api-key`)"
)


class Principal(msgspec.Struct, frozen=True):
    """Who asks: the name that config gives the key, and the team and the person that it belongs to. bodies: what may be kept of requests
    and answers; None: as the journal says."""

    name: str
    team: str | None = None
    user: str | None = None
    bodies: str | None = None


ANYONE = Principal("-")
"""Whoever asks a gateway without client keys."""


class Identity:
    """Compiled from the access section; immutable.

    Keys are found by a digest that is keyed anew in each process: how long a look-up takes tells nothing of the keys, since nobody can
    choose or foresee a digest.
    """

    def __init__(self, access: Access) -> None:
        self._secret = token_bytes(32)
        self._principals = {
            self._digest(client.key.reveal()): Principal(client.name, client.team, client.user, client.bodies) for client in access.keys
        }
        self.is_open = not access.keys

    @classmethod
    def compile(cls, access: Access) -> Identity:
        """The identity check of a config; open to anyone if it has no keys."""
        return cls(access)

    def identify(self, headers: Mapping[str, str]) -> Principal:
        """Who sent these headers (names in lower case). Raises GatewayError(authentication), which never quotes a key."""
        if self.is_open:
            return ANYONE
        bearer = headers.get("authorization", "")
        principal = self._principals.get(self._digest(bearer[7:])) if bearer[:7] == "Bearer " else None
        return principal or self._look_closer(headers)

    def _look_closer(self, headers: Mapping[str, str]) -> Principal:
        sent = list(_keys(headers))
        for key in sent:
            principal = self._principals.get(self._digest(key))
            if principal is not None:
                return principal
        message = f"the key of this request is not known here; {_WHERE}" if sent else f"this gateway needs a key and got none; {_WHERE}"
        raise GatewayError(Kind.AUTHENTICATION, message, code="invalid_api_key")

    def _digest(self, key: str) -> bytes:
        return blake2s(key.encode("utf-8", "surrogateescape"), key=self._secret).digest()


def key_prefix(headers: Mapping[str, str]) -> str | None:
    """How the key of a refused request begins, to be told which one it was: never a third of it, and six characters at most. None: none
    was sent."""
    key = next(_keys(headers), None)
    return None if key is None else key[: min(_PREFIX, len(key) // 4)]


def _keys(headers: Mapping[str, str]) -> Iterator[str]:
    """Every key that the headers hold, bearer first."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        yield token.strip()
    for name in _HEADERS:
        key = headers.get(name, "").strip()
        if key:
            yield key
