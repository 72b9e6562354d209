"""Server-sent events: split a byte stream into frames, write a frame. https://html.spec.whatwg.org/multipage/server-sent-events.html

Only what model APIs use: `data` and `event`; `id` and `retry` are ignored, for nothing here reconnects.
"""

from __future__ import annotations

from dragoman.wire.frame import Frame, WireError

_BOM = b"\xef\xbb\xbf"
_CR, _LF = 13, 10
_MAX_EVENT_BYTES = 16 * 1024 * 1024


class SseFramer:
    """Splits SSE bytes into frames; any chunking gives the same frames.

    CR, LF and CRLF end a line, several `data` lines are joined by LF, frames without data are dropped. Raises WireError once one
    event is longer than `max_event_bytes`.
    """

    def __init__(self, max_event_bytes: int = _MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        # Bytes of the event under way, line ends already LF, holding no blank line; as pieces, so that a long event is joined once.
        self._pieces: list[bytes] = []
        self._size = 0
        self._ends_line = False
        self._after_cr = False
        self._head: bytes | None = b""
        self._is_between = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this chunk completes."""
        if self._is_between and chunk[-2:] == b"\n\n" and _CR not in chunk and len(chunk) <= self._max:
            # What providers send: whole events, mostly one at a time.
            return _frames(chunk[:-2].split(b"\n\n"))
        if self._head is not None:
            chunk = self._skip_bom(chunk)
        frames = self._feed(chunk)
        self._is_between = not self._pieces and self._head is None and not self._after_cr
        return frames

    def _feed(self, chunk: bytes) -> list[Frame]:
        if self._after_cr or _CR in chunk:
            chunk = self._plain_lines(chunk)
        if not chunk:
            return []
        if chunk.find(b"\n\n") < 0 and not (self._ends_line and chunk[0] == _LF):
            self._keep(chunk)
            return []
        if self._pieces:
            self._pieces.append(chunk)
            chunk = b"".join(self._pieces)
            self._pieces.clear()
        parts = chunk.split(b"\n\n")
        tail = parts.pop()
        if len(chunk) > self._max:
            for part in parts:
                self._check(len(part))
        self._size = 0
        self._ends_line = False
        # A part that is all of one run of blank lines can leave the tail with a leading LF; it is a blank line too, so harmless.
        if tail:
            self._keep(tail)
        return _frames(parts)

    def close(self) -> list[Frame]:
        """The bytes are over: a last event that lacks only its blank line is still given."""
        pieces, self._pieces = self._pieces, []
        if self._head:
            pieces.append(self._head)
        self._head, self._size = None, 0
        return _frames([b"".join(pieces)])

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        self._ends_line = piece[-1] == 10
        self._check(self._size - self._ends_line)

    def _check(self, size: int) -> None:
        if size > self._max:
            raise WireError(f"an event of the stream is longer than {self._max} bytes")

    def _plain_lines(self, chunk: bytes) -> bytes:
        # A CR ends its line at once; an LF that follows it, perhaps only in the next chunk, belongs to it.
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == 10:
                chunk = chunk[1:]
        if chunk.endswith(b"\r"):
            self._after_cr = True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _skip_bom(self, chunk: bytes) -> bytes:
        chunk = (self._head or b"") + chunk
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._head = chunk
            return b""
        self._head = None
        return chunk[3:] if chunk.startswith(_BOM) else chunk


def encode(data: bytes, name: bytes | None = None) -> bytes:
    """One event. `data` may hold line ends (each line gets its own `data:`); `name` may not: WireError."""
    if name is not None and (b"\n" in name or b"\r" in name):
        raise WireError("the name of an event holds a line end")
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return b"data: %b\n\n" % data if name is None else b"event: %b\ndata: %b\n\n" % (name, data)


def _frames(parts: list[bytes]) -> list[Frame]:
    # The two shapes that every provider sends are read without a loop over the lines: a third of the time of `_frame`.
    frames: list[Frame] = []
    for part in parts:
        if part[:6] == b"data: ":
            if _LF not in part and len(part) > 6:
                frames.append(Frame(part[6:]))
                continue
        elif part[:7] == b"event: ":
            head, _, data = part.partition(b"\ndata: ")
            if data and _LF not in data and _LF not in head:
                frames.append(Frame(data, str(head[7:], "utf-8", "replace") or None))
                continue
        frame = _frame(part)
        if frame is not None:
            frames.append(frame)
    return frames


def _frame(part: bytes) -> Frame | None:
    """An event in any legal shape, or None if it has no data."""
    data: list[bytes] = []
    name = b""
    for line in part.split(b"\n"):
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    joined = b"\n".join(data)
    return Frame(joined, name.decode("utf-8", "replace") or None) if joined else None
