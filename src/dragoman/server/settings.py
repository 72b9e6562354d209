"""What the server is told from outside: where it listens, whom it trusts, how much it takes. Sizes are bytes, times seconds."""

from __future__ import annotations

import msgspec
from msgspec.structs import force_setattr


class Limits(msgspec.Struct, frozen=True):
    """What one client, or all of them together, may ask of the server."""

    header_bytes: int = 64 * 1024
    """All header names and values of a request together. Default: 64 KiB."""
    header_count: int = 128
    """Headers of a request. Default: 128."""
    target_bytes: int = 8 * 1024
    """Path and query of a request. Default: 8 KiB."""
    head_s: float = 10.0
    """From the first byte of a request (or the opening of the connection) to the end of its headers. Default: 10."""
    body_bytes: int = 64 * 1024 * 1024
    """A request's body, also once it is decompressed. Default: 64 MiB."""
    body_s: float = 60.0
    """From the end of the headers to the end of the body. Default: 60."""
    idle_s: float = 75.0
    """How long a connection may stay open between requests. Default: 75."""
    write_stall_s: float = 300.0
    """How long a client may read nothing of an answer that waits for it. Default: 300."""
    write_buffer_bytes: int = 64 * 1024
    """Bytes of an answer that wait for a slow client before the provider is paused. Default: 64 KiB."""
    linger_s: float = 2.0
    """How long what a refused client still sends is read and dropped, so that it can read why. Default: 2."""
    connections: int = 4096
    """Open connections; one more is told 503. Default: 4096."""


class ServerSettings(msgspec.Struct, frozen=True):
    """Where the server listens and whom it trusts."""

    host: str = "127.0.0.1"
    """The address to listen on, an IPv6 one without brackets. Default: 127.0.0.1."""
    port: int = 8080
    """The port to listen on; 0 takes any free one. Default: 8080."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which the gateway may be called besides loopback and `host`, without port; `*.lan` allows all below. Default: none."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of web pages that may use the gateway, as `https://pages.example`. Default: none."""
    max_running: int = 2048
    """Exchanges under way at once; one more is told 503. Default: 2048."""
    shutdown_grace_s: float = 30.0
    """How long running answers may take to finish at shutdown. Default: 30."""
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        # An IPv6 address stands in brackets only where a port follows.
        force_setattr(self, "host", self.host.strip("[]"))
