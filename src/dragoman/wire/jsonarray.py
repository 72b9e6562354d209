"""One JSON array as a stream of its elements, cut anywhere; a lone JSON object is an array of one.

Where Google's APIs are asked for a stream without `alt=sse`, they answer so: `[{…}` , `,\\r\\n{…}`, … `]`.
"""

from __future__ import annotations

import re

from dragoman.wire.frame import Frame, WireError

_MAX_ELEMENT_BYTES = 16 * 1024 * 1024
_BETWEEN = b" \t\r\n,[]\xef\xbb\xbf"
# Whole strings and what is between them, up to the next bracket or to a string that is not yet whole.
# No possessive quantifiers: Python 3.11.2 matches them wrongly inside a repeated group (https://github.com/python/cpython/issues/101955).
_PLAIN = re.compile(rb'[^"{}\[\]]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"{}\[\]]*)*', re.DOTALL)
_INSIDE_STRING = re.compile(rb'["\\]')


class JsonArrayFramer:
    """Splits the bytes into elements; any chunking gives the same frames. What is no object is a frame up to the next comma, for
    the reader to refuse. Raises WireError once an element is longer than `max_element_bytes`."""

    def __init__(self, max_element_bytes: int = _MAX_ELEMENT_BYTES) -> None:
        self._max = max_element_bytes
        self._held = bytearray()
        self._at = 0
        """How far what is held has been looked at."""
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The elements that this chunk completes."""
        self._held += chunk
        frames: list[Frame] = []
        while (end := self._element()) is not None:
            frames.append(Frame(bytes(self._held[:end])))
            del self._held[:end]
            self._at = 0
        if len(self._held) > self._max:
            raise WireError(f"an element of the stream is longer than {self._max} bytes")
        return frames

    def close(self) -> list[Frame]:
        """The bytes are over. Half an element is none: its stream was cut, which its reader tells by the missing end."""
        self._held.clear()
        return []

    def _element(self) -> int | None:
        """Where the element ends that stands at the beginning, once it is whole."""
        held = self._held
        if not self._at:
            rest = held.lstrip(_BETWEEN)
            del held[: len(held) - len(rest)]
        if not held:
            return None
        if held[0] != 0x7B:
            return self._junk()
        while self._leave_string():
            found = _PLAIN.match(held, self._at)
            self._at = found.end() if found is not None else self._at
            if self._at == len(held):
                return None
            self._at += 1
            if self._ends(held[self._at - 1]):
                return self._at
        return None

    def _leave_string(self) -> bool:
        """Go on to the end of the string under way; whether that was found."""
        held = self._held
        while self._in_string:
            found = _INSIDE_STRING.search(held, self._at)
            if found is None or (found[0] == b"\\" and found.end() == len(held)):
                self._at = len(held) if found is None else found.start()
                return False
            self._at = found.end() + (found[0] == b"\\")
            self._in_string = found[0] != b'"'
        return True

    def _ends(self, mark: int) -> bool:
        if mark == 0x22:
            self._in_string = True
            return False
        self._depth += 1 if mark in b"{[" else -1
        return self._depth == 0

    def _junk(self) -> int | None:
        end = self._held.find(b",")
        self._at = 0 if end >= 0 else len(self._held)
        return end if end >= 0 else None
