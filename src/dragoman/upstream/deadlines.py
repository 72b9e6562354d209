"""How long the gateway waits for a provider."""

from __future__ import annotations

import msgspec


class Deadlines(msgspec.Struct, frozen=True):
    """The four waits of one request, in seconds."""

    connect_s: float = 10.0
    """For a connection: a free place in the pool, name look-up, TCP, proxy and TLS together."""
    first_byte_s: float = 600.0
    """From the beginning of sending until the status and headers of the answer are complete."""
    idle_s: float = 300.0
    """Between two pieces of the body. Time in which the gateway itself isn't reading, for a slow client, doesn't count."""
    total_s: float = 3600.0
    """From beginning to end."""
