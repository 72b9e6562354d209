"""Where a request goes: scheme, host and port."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from dragoman.wire.hosts import ascii_host, is_loopback

_PORTS = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True):
    """Scheme (`http` or `https`), host (lower case, ASCII; an IPv6 address without brackets) and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> tuple[Origin, str]:
        """The origin of a base URL, and its path without a trailing slash (`""` if it has none).

        Raises ValueError with a sentence that says what would be right; it repeats no user or password of the URL.
        """
        if any(character <= " " or character == "\x7f" for character in url):
            raise ValueError("a base URL holds no blanks or control characters")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError("the host of a base URL is a name or an address, its port a number from 1 to 65535") from error
        if parts.scheme not in _PORTS:
            raise ValueError(f"a base URL begins with `http://` or `https://`, not with `{parts.scheme or url[:20]}`")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a base URL holds no user or password; put the key into `keys`")
        if parts.query or parts.fragment:
            raise ValueError("a base URL ends with its path: no `?` and no `#`")
        if not parts.hostname:
            raise ValueError("a base URL names a host, as `https://api.example.com/v1`")
        if not parts.path.isascii():
            raise ValueError("the path of a base URL is plain ASCII; percent-encode what is not")
        if port == 0:
            raise ValueError("the port of a base URL is a number from 1 to 65535")
        try:
            host = ascii_host(parts.hostname)
        except ValueError as error:
            raise ValueError("the host of a base URL is not a legal name") from error
        return cls(parts.scheme, host, port or _PORTS[parts.scheme]), parts.path.rstrip("/")

    @property
    def place(self) -> str:
        """`host:port`, for messages and for CONNECT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """What stands in the Host header: without the port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether this can only be this machine."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"
