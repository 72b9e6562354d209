"""The bytes of an answer's head: the status line with the date, and header lines in which nothing can hide."""

from __future__ import annotations

import re

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from dragoman.wire.frame import Headers

# RFC 9110, sections 5.1 and 5.5: what may stand in names and values.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINES_KEPT = 500
_LINE_BYTES = 256


class _Lines(dict[tuple[str, str], bytes]):
    """Header -> its line. Most headers of an answer stood in earlier ones: those are neither checked nor written again."""

    def __missing__(self, header: tuple[str, str]) -> bytes:
        name, value = header
        if _NAME.fullmatch(name) is None:
            raise ValueError("a header of the answer has a name that no header may have")
        if not value.isprintable() and _BAD_VALUE.search(value):
            raise ValueError("a header of the answer has characters that no header may have")
        line = f"{name}: {value}\r\n".encode("latin-1", "replace")
        if len(line) <= _LINE_BYTES:
            # Ids come once and never again, so what is kept is a mixture; all of it goes, and what is frequent is soon back.
            if len(self) >= _LINES_KEPT:
                self.clear()
            self[header] = line
        return line


_line = _Lines().__getitem__


def write_lines(headers: Headers) -> bytes:
    """The headers as they go over the wire. Names are in lower case. Raises ValueError for a header that would not be one, or be two."""
    return b"".join(map(_line, headers))


class Openings(dict[int, bytes]):
    """Status -> the status line and the date, at which a header begins. Made when first asked for; made anew when the date moves on."""

    def __init__(self, date: str = "") -> None:
        super().__init__()
        self._date = b"date: %b\r\n" % date.encode() if date else b""

    def __missing__(self, status: int) -> bytes:
        opening = self[status] = STATUS_LINE[status] + self._date
        return opening

    def move(self, date: str) -> None:
        """From now on it is this date."""
        self.clear()
        self._date = b"date: %b\r\n" % date.encode()
