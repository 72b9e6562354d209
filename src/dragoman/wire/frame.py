"""What a framer makes of the bytes of a stream, and the one error of this layer."""

from __future__ import annotations

from typing import Protocol

import msgspec

Headers = tuple[tuple[str, str], ...]
"""Header names in lower case, values as text (latin-1), in wire order."""


class WireError(Exception):
    """Bytes that break their format. The edge that fed them says whose fault that is."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message of a stream: an SSE event (`name` from its `event:` line, if any), an array element, an AWS frame."""

    data: bytes
    name: str | None = None


class Framer(Protocol):
    """Splits the bytes of a stream into frames, whatever the chunks are. Raises WireError past its size bound."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this chunk completes."""
        ...

    def close(self) -> list[Frame]:
        """The bytes are over: a last frame without its blank line, if any."""
        ...
