"""Watches relayed bytes: looks for the few byte strings that matter and parses only the chunks that hold them.

A quote inside a JSON string is escaped, so `"finishReason"` with both its quotes is always a key, never somebody's words.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.contract import Tap as ContractTap
from dragoman.dialects.generate.enums import BLOCK_REASON, FINISH_REASON, word
from dragoman.dialects.generate.errors import error_frame, error_inside, is_error
from dragoman.dialects.generate.frames import StreamFramer
from dragoman.dialects.generate.remainder import text_or_none
from dragoman.dialects.generate.searches import Searches
from dragoman.dialects.generate.usage import read_usage, tells_counts
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame, WireError
from dragoman.wire.not_json import NOT_JSON

_decode = msgspec.json.Decoder().decode
_TELLING = (b'"finishReason"', b'"error"', b'"promptFeedback"', b'"functionResponse"', b'"groundingMetadata"')


class Tap:
    """See the contract. There is no end mark, so `ended` stays false; every chunk tells usage, and the last one is read."""

    def __init__(self) -> None:
        self._usage: Usage | None = None
        self._searches = Searches()
        self._last = b""
        """The latest chunk that told counts and was not looked into."""
        self.reason: str | None = None
        self.model: str | None = None
        self.first_token = False
        self.ended = False
        self.may_end = False
        self.failed: GatewayError | None = None
        self.kept: str | None = None
        self.tier: str | None = None
        self._framer = StreamFramer()

    @property
    def usage(self) -> Usage | None:
        """The counts of the last chunk that told any, read only when wanted: every chunk tells them."""
        if self._last:
            last, self._last = self._last, b""
            self._count(object_or_empty(_value(last)))
        return None if self._usage is None else self._searches.counted(self._usage)

    def feed(self, chunk: bytes) -> bool:
        """Watch a chunk of a stream."""
        try:
            frames = self._framer.feed(chunk)
        except WireError:
            # One event beyond all bounds: nothing more is learnt of this stream.
            self._framer = StreamFramer()
            return True
        for frame in frames:
            self._frame(frame)
        return True

    def whole(self, body: bytes) -> None:
        """Watch a whole JSON reply, or a stream that came as a JSON array."""
        value = _value(body)
        entries = objects(value) if isinstance(value, list) else objects([value])
        if not any("candidates" in entry or "promptFeedback" in entry or is_error(entry) for entry in entries):
            self.failed = GatewayError(Kind.GARBLED, "the provider's answer is no reply of its API", source="upstream")
        for entry in entries:
            self._chunk(entry)

    def _frame(self, frame: Frame) -> None:
        data = frame.data
        if not self.first_token or _matters(data):
            self._chunk(object_or_empty(_value(data)))
        elif b'TokenCount"' in data:
            self._last = data

    def _chunk(self, value: JsonObject) -> None:
        if is_error(value):
            self.failed = error_inside(value)
            return
        self.model = text_or_none(value.get("modelVersion")) or self.model
        self._count(value)
        for candidate in objects(value.get("candidates")):
            parts = objects(object_or_empty(candidate.get("content")).get("parts"))
            self.first_token = self.first_token or any(map(_says, parts))
            if any(part.get("functionResponse") is not None for part in parts):
                # Of a tool that the provider ran itself: the candidate had finished only to call it, and goes on.
                self.reason, self.may_end = None, False
            self._searches.add(object_or_empty(candidate.get("groundingMetadata")))
            self._end(word(candidate.get("finishReason"), FINISH_REASON))
        self._end(word(object_or_empty(value.get("promptFeedback")).get("blockReason"), BLOCK_REASON))

    def _end(self, reason: str | None) -> None:
        if reason is not None:
            self.reason = reason
            self.may_end = True

    def _count(self, value: JsonObject) -> None:
        usage = value.get("usageMetadata")
        if usage is not None and tells_counts(usage):
            self._usage, self._last = read_usage(usage), b""


def write_failure(error: GatewayError, tap: ContractTap) -> bytes:
    """The end of a relayed stream that failed: an error object; nothing of what the tap saw is needed for it."""
    return error_frame(error)


def _matters(data: bytes) -> bool:
    return any(name in data for name in _TELLING)


def _says(part: JsonObject) -> bool:
    return any(value not in ("", None) for name, value in part.items() if name not in ("thought", "thoughtSignature"))


def _value(data: bytes) -> Any:
    try:
        return _decode(data)
    except NOT_JSON:
        return None
