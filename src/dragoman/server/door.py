"""Who may look at the pages: whoever sits at this machine where there are no client keys, else whoever has typed one.

A key that was typed is remembered here, in memory, under a word that only its browser knows. So it ends with the process, after twelve
hours, or when config no longer knows the key.
"""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2s

import msgspec

from dragoman.config.secrets import Secret
from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.about import About
from dragoman.wire.frame import Headers
from dragoman.wire.hosts import is_loopback

COOKIE = "dragoman_login"
LASTS_S = 12 * 3600
_MOST = 1000
_LONGEST_KEY = 1000
_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-real-ip"})
"""By these a proxy on this machine says that somebody else asks."""


class _Login(msgspec.Struct, frozen=True):
    """Somebody's key, and until when it need not be typed again."""

    key: Secret
    until: float


class Door:
    """Lets in who may look. `clock` is monotonic seconds; `draw` makes the words for browsers."""

    def __init__(
        self,
        about: Callable[[], About],
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        self._about = about
        self._clock = clock
        self._draw = draw
        # By digest: how long it takes to find one tells nothing of the others. The oldest go first.
        self._logins: OrderedDict[bytes, _Login] = OrderedDict()

    @property
    def asks(self) -> bool:
        """Whether a key is needed."""
        return self._about().closed

    def enter(self, address: str, headers: Mapping[str, str]) -> None:
        """Raises GatewayError(authentication) for whom a key is needed, permission where no key could help."""
        if not self.asks:
            check_here(address, headers, "what it has on record is shown")
            return
        login = self._login(headers)
        self._about().identify(headers if login is None else _bearing(login.key.reveal()))

    def log_in(self, key: str, *, is_secure: bool) -> Headers:
        """Remember a key that was typed: the header that tells its browser. Raises GatewayError(authentication)."""
        if not key or len(key) > _LONGEST_KEY:
            raise GatewayError(Kind.AUTHENTICATION, "type a client key", source="client")
        self._about().identify(_bearing(key))
        word = self._draw()
        self._logins[_digest(word)] = _Login(Secret(key, "the login page"), self._clock() + LASTS_S)
        while len(self._logins) > _MOST:
            self._logins.popitem(last=False)
        return (("set-cookie", _cookie(word, LASTS_S, is_secure=is_secure)),)

    def log_out(self, headers: Mapping[str, str]) -> Headers:
        """Forget this browser's key."""
        self._logins.pop(_digest(_word(headers)), None)
        return (("set-cookie", _cookie("", 0, is_secure=False)),)

    def _login(self, headers: Mapping[str, str]) -> _Login | None:
        digest = _digest(_word(headers))
        login = self._logins.get(digest)
        if login is not None and login.until < self._clock():
            del self._logins[digest]
            return None
        return login


def check_here(address: str, headers: Mapping[str, str], what: str) -> None:
    """For a gateway without client keys. `what` is for whoever sits at its machine: raises GatewayError(permission) for others."""
    if not _is_here(address) or not _FORWARDED.isdisjoint(headers):
        message = f"this gateway has no client keys, so {what} on its own machine only; give it `access.keys`"
        raise GatewayError(Kind.PERMISSION, message, source="client")


def _bearing(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"}


def _word(headers: Mapping[str, str]) -> str:
    for pair in headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _cookie(word: str, lasts_s: int, *, is_secure: bool) -> str:
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={word}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"


def _digest(word: str) -> bytes:
    return blake2s(word.encode("utf-8", "surrogateescape")).digest()


def _is_here(address: str) -> bool:
    try:
        mapped = getattr(ipaddress.ip_address(address), "ipv4_mapped", None)
    except ValueError:
        return False
    return is_loopback(str(mapped or address))
