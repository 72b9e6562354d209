"""How the bytes of a stream are split and put together: server-sent events, or one JSON array where `alt=sse` was not asked for."""

from __future__ import annotations

from dragoman.wire.frame import Frame, Framer
from dragoman.wire.jsonarray import JsonArrayFramer
from dragoman.wire.sse import SseFramer

_BLANK = b" \t\r\n\xef\xbb\xbf"


class StreamFramer:
    """Takes either: the first byte that says something tells which it is."""

    def __init__(self) -> None:
        self._framer: Framer | None = None
        self._held = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this chunk completes."""
        if self._framer is not None:
            return self._framer.feed(chunk)
        self._held += chunk
        said = self._held.lstrip(_BLANK)
        if not said:
            return []
        self._framer = JsonArrayFramer() if said[:1] in (b"[", b"{") else SseFramer()
        return self._framer.feed(said)

    def close(self) -> list[Frame]:
        """The bytes are over."""
        return self._framer.close() if self._framer is not None else []
