"""Watches relayed bytes: looks for the few byte strings that matter and parses only the chunks that hold them.

A quote inside a JSON string is escaped, so `"finishReason"` with both its quotes is always a key, never somebody's words.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.contract import Tap as ContractTap
from dragoman.dialects.generate.errors import error_inside, error_object, is_error
from dragoman.dialects.generate.frames import StreamFramer
from dragoman.dialects.generate.remainder import JsonObject, object_or_empty, objects, text_or_none
from dragoman.dialects.generate.usage import read_usage
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame, WireError

_decode = msgspec.json.Decoder().decode


class Tap:
    """See the contract. There is no end mark, so `ended` stays false; every chunk tells usage, and the last one is read."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.reason: str | None = None
        self.model: str | None = None
        self.first_token = False
        self.ended = False
        self.may_end = False
        self.failed: GatewayError | None = None
        self._framer = StreamFramer()

    def feed(self, chunk: bytes) -> None:
        """Watch a chunk of a stream."""
        try:
            frames = self._framer.feed(chunk)
        except WireError:
            # One event beyond all bounds: nothing more is learnt of this stream.
            self._framer = StreamFramer()
            return
        for place, frame in enumerate(frames):
            self._frame(frame, last=place == len(frames) - 1)

    def whole(self, body: bytes) -> None:
        """Watch a whole JSON reply, or a stream that came as a JSON array."""
        value = _value(body)
        entries = objects(value) if isinstance(value, list) else objects([value])
        if not any("candidates" in entry or "promptFeedback" in entry or is_error(entry) for entry in entries):
            self.failed = GatewayError(Kind.GARBLED, "the provider's answer is no reply of its API", source="upstream")
        for entry in entries:
            self._chunk(entry)

    def _frame(self, frame: Frame, *, last: bool) -> None:
        data = frame.data
        if last or not self.first_token or b'"finishReason"' in data or b'"error"' in data:
            value = _value(data)
            if isinstance(value, dict):
                self._chunk(value)  # pyright: ignore[reportUnknownArgumentType]

    def _chunk(self, value: JsonObject) -> None:
        if is_error(value):
            self.failed = error_inside(value)
            return
        self.model = text_or_none(value.get("modelVersion")) or self.model
        usage = object_or_empty(value.get("usageMetadata"))
        if "promptTokenCount" in usage or "candidatesTokenCount" in usage:
            self.usage = read_usage(usage)
        for candidate in objects(value.get("candidates")):
            self.first_token = self.first_token or any(map(_says, objects(object_or_empty(candidate.get("content")).get("parts"))))
            if candidate.get("finishReason"):
                self.reason = str(candidate["finishReason"])
                self.may_end = True
        if object_or_empty(value.get("promptFeedback")).get("blockReason"):
            self.reason = str(value["promptFeedback"]["blockReason"])
            self.may_end = True


def write_failure(error: GatewayError, tap: ContractTap) -> bytes:
    """The end of a relayed stream that failed: an error object; nothing of what the tap saw is needed for it."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": error_object(error)})


def _says(part: JsonObject) -> bool:
    return any(value not in ("", None) for name, value in part.items() if name not in ("thought", "thoughtSignature"))


def _value(data: bytes) -> Any:
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
