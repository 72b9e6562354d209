"""Watches relayed bytes: looks for the few byte strings that matter and parses only the lines that hold them.

A quote inside a JSON string is escaped, so `"usage"` with both its quotes is always a key or a whole value, never somebody's words.
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.contract import Tap as ContractTap
from dragoman.dialects.messages.errors import error_frame, error_inside
from dragoman.dialects.messages.usage import merged, read_usage
from dragoman.dialects.peeking import NEVER, beginning, beginnings
from dragoman.dialects.remainder import JsonObject, object_in, object_or_empty, text_or_none
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.usage import Usage

_LONGEST_LINE = 16 * 1024 * 1024
_OUTPUT = b"content_block_"
_SHORT = 200
_LF = 10
_WORDS = beginnings("content_block_delta")
_STOP = b'"message_stop"'


class Tap:
    """See the contract. Keeps at most one unfinished line."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.reason: str | None = None
        self.model: str | None = None
        self.first_token = False
        self.ended = False
        self.may_end = False
        self.failed: GatewayError | None = None
        self.kept: str | None = None
        self.tier: str | None = None
        self._counts: JsonObject = {}
        self._tail = bytearray()
        self._before = NEVER

    def feed(self, chunk: bytes) -> bool:
        """Watch a chunk of a stream."""
        # By far the most: one event of words.
        before = self._before
        # Slices and `in` for one byte: `startswith` and `find` each take as long as all of this, for the way they are called.
        size = len(before)
        if chunk[:size] == before and chunk[-2:] == b"\n\n" and _LF not in chunk[size:-2]:
            return False
        lines = chunk if not self._tail and chunk.endswith(b"\n") else self._whole_lines(chunk)
        if not self.first_token:
            self.first_token = _OUTPUT in lines
        self._before = NEVER if self._tail else beginning(chunk, _WORDS) or self._before
        if _matters(lines):
            for line in lines.splitlines():
                self._line(line)
        return True

    def _whole_lines(self, chunk: bytes) -> bytes:
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        lines = bytes(self._tail) + chunk[:end] if end else b""
        if end:
            self._tail.clear()
        self._tail += chunk[end:]
        if len(self._tail) > _LONGEST_LINE:
            self._tail.clear()
        self._look_ahead()
        return lines

    def whole(self, body: bytes) -> None:
        """Watch a whole JSON reply."""
        value = object_in(body)
        if value is not None and isinstance(value.get("content"), list):
            self.first_token = self.ended = True
            self._note(value)
            self._end(value)
        elif value is not None and value.get("error"):
            self.failed = error_inside(value)
        else:
            self.failed = GatewayError(Kind.GARBLED, "the provider's answer is no message", source="upstream")

    def _look_ahead(self) -> None:
        # The last frame of a stream may lack its line end.
        if len(self._tail) < _SHORT and _STOP in self._tail:
            self._line(bytes(self._tail))

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:") or not _matters(line):
            return
        value = object_in(line[5:])
        if value is None:
            return
        kind = value.get("type")
        if kind == "message_start":
            self._note(object_or_empty(value.get("message")))
        elif kind == "message_delta":
            self._count(value.get("usage"))
            self._end(object_or_empty(value.get("delta")))
        elif kind == "message_stop":
            self.ended = True
        elif kind == "error" or (kind is None and value.get("error")):
            self.failed = error_inside(value)

    def _note(self, message: JsonObject) -> None:
        self.model = text_or_none(message, "model") or self.model
        self._count(message.get("usage"))

    def _count(self, counts: Any) -> None:
        self._counts = merged(self._counts, counts)
        if self._counts:
            self.usage = read_usage(self._counts)

    def _end(self, told: JsonObject) -> None:
        self.reason = text_or_none(told, "stop_reason") or self.reason


def _matters(data: bytes) -> bool:
    return b'"usage"' in data or _STOP in data or b'"error"' in data


def write_failure(error: GatewayError, tap: ContractTap) -> bytes:
    """The end of a relayed stream that failed: an `error` event; nothing of what the tap saw is needed for it."""
    return error_frame(error)
