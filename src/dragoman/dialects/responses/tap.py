"""Watches relayed bytes of a Responses stream: usage, how it ended, whether output was seen. Looks for two keys, parses only on them."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from dragoman.dialects.contract import Tap
from dragoman.dialects.peeking import NEVER, beginning, beginnings
from dragoman.dialects.remainder import JsonObject, text_or_none
from dragoman.dialects.responses.envelope import failing
from dragoman.dialects.responses.errors import error_object, error_of
from dragoman.dialects.responses.frames import lifecycle
from dragoman.dialects.responses.usage import read_usage
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame, WireError
from dragoman.wire.not_json import NOT_JSON
from dragoman.wire.sse import SseFramer

# Keys of the frames that matter. Inside a JSON string the quotes would be escaped, so words of the model set off a parse at most
# where they stand alone in a string, and never a wrong reading.
_OBJECT, _ERROR = b'"response"', b'"error"'
_DELTA, _DONE = b'.delta"', b"output_item.done"
_UNDER_WAY = ("queued", "in_progress")
_SEQUENCE = re.compile(rb'"sequence_number"\s*:\s*(\d+)')
_BOUNDARIES = (b"\n\n", b"\r\n\r\n")
_NO_FIELD = b":\n"
_LF = 10
_MOST_BYTES = 16 * 1024 * 1024
_WORDS = beginnings(
    "response.output_text.delta",
    "response.function_call_arguments.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.custom_tool_call_input.delta",
)


class _Any(msgspec.Struct, frozen=True, gc=False):
    """What any frame may say that matters here."""

    type: str = ""
    response: dict[str, Any] | None = None
    error: Any = None
    code: Any = None
    message: Any = None
    param: Any = None


_DECODER = msgspec.json.Decoder(_Any)


class _Whole(msgspec.Struct, frozen=True, gc=False):
    """What matters of a whole reply; msgspec steps over the rest."""

    id: Any = None
    store: Any = None
    model: Any = None
    status: Any = None
    usage: Any = None
    tool_usage: Any = None
    service_tier: Any = None
    error: Any = UNSET
    incomplete_details: Any = None
    output: msgspec.Raw | UnsetType = UNSET


_NO_RESPONSE = _Whole()
_decode_whole = msgspec.json.Decoder(_Whole).decode


class ResponsesTap:
    """A Tap. `response` (as the opening frame told it) and `next_sequence` are for an end that we must write ourselves."""

    usage: Usage | None = None
    reason: str | None = None
    model: str | None = None
    first_token = False
    ended = False
    may_end = False
    failed: GatewayError | None = None
    kept: str | None = None
    tier: str | None = None
    response: JsonObject | None = None
    _framer: SseFramer | None = None
    _last = b""
    _before = NEVER

    def feed(self, chunk: bytes) -> bool:
        """Watch a chunk of a stream."""
        # By far the most: one event of words, of the same kind as one before.
        before = self._before
        # Slices and `in` for one byte: `startswith` and `find` each take as long as all of this, for the way they are called.
        size = len(before)
        if chunk[:size] == before and chunk[-2:] == b"\n\n" and _LF not in chunk[size:-2]:
            self._last = chunk
            return False
        if self._framer is not None or not chunk.endswith(_BOUNDARIES):
            self._broken(chunk)
            return True
        if not self.first_token:
            self.first_token = _DELTA in chunk or _DONE in chunk
        if chunk[0] not in _NO_FIELD:
            self._last = chunk
        # `find`, not `in`: that takes twice as long on bytes, since it tries them as a number first.
        if chunk.find(_OBJECT) >= 0 or chunk.find(_ERROR) >= 0:
            self._parse(SseFramer(_MOST_BYTES), chunk)
        else:
            self._before = beginning(chunk, _WORDS) or self._before
        return True

    @property
    def next_sequence(self) -> int:
        """The number of the frame after the last one seen."""
        numbers = _SEQUENCE.findall(self._last)
        return int(numbers[-1]) + 1 if numbers else 0

    def _broken(self, chunk: bytes) -> None:
        """A chunk that ends (or begins) within an event: framed until the two fall together again."""
        if self._framer is None:
            self._framer = SseFramer(_MOST_BYTES)
        self._before = NEVER
        self._parse(self._framer, chunk)
        if chunk.endswith(_BOUNDARIES):
            self._framer = None

    def _parse(self, framer: SseFramer, chunk: bytes) -> None:
        try:
            frames = framer.feed(chunk)
        except WireError:
            return
        for frame in frames:
            self._see(frame)

    def _see(self, frame: Frame) -> None:
        self._last = frame.data
        if not self.first_token:
            self.first_token = _DELTA in frame.data or _DONE in frame.data
        if _OBJECT not in frame.data and _ERROR not in frame.data:
            return
        try:
            seen = _DECODER.decode(frame.data)
        except NOT_JSON:
            return
        kind = seen.type or frame.name or ""
        if seen.response is not None:
            self._note(seen.response)
        if kind in ("response.completed", "response.incomplete"):
            self.ended = True
        elif kind == "response.failed" and seen.response is not None:
            self._fail(seen.response.get("error"))
        elif kind == "error" or (not kind and seen.error):
            self._fail(seen.error or {"code": seen.code, "message": seen.message, "param": seen.param})

    def whole(self, body: bytes) -> None:
        """Watch a whole JSON reply."""
        try:
            seen = _decode_whole(body)
        except NOT_JSON:
            seen = _NO_RESPONSE
        if seen.output is UNSET and seen.error is UNSET:
            self.failed = GatewayError(Kind.GARBLED, "the provider's answer is no response", source="upstream")
            return
        self._read(seen)
        self.first_token = self.ended = True
        if seen.status == "failed" or (seen.error and seen.output is UNSET):
            self._fail(None if seen.error is UNSET else seen.error)

    def _note(self, response: JsonObject) -> None:
        if self.response is None:
            self.response = response
        get = response.get
        told = get("id"), get("store"), get("model"), get("status"), get("usage"), get("tool_usage"), get("service_tier")
        self._read(_Whole(*told, incomplete_details=get("incomplete_details")))

    def _read(self, seen: _Whole) -> None:
        if isinstance(seen.model, str):
            self.model = seen.model or self.model
        if seen.store is not False and isinstance(seen.id, str):
            self.kept = seen.id or self.kept
        if seen.usage is not None:
            self.usage = read_usage(seen.usage, seen.tool_usage) or self.usage
        if isinstance(seen.service_tier, str):
            self.tier = seen.service_tier or self.tier
        details = seen.incomplete_details
        why = details.get("reason") if isinstance(details, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        ended = isinstance(seen.status, str) and seen.status not in _UNDER_WAY
        self.reason = why if isinstance(why, str) else seen.status if ended else None

    def _fail(self, error: Any) -> None:
        found = error_object({"error": error})
        message = text_or_none(found, "message") or "the provider reported an error without a word"
        self.failed = error_of(found, message)


# ~800 bytes of it are worth repeating; tools and instructions are not.
_LEFT_OUT = frozenset({"tools", "instructions", "output"})


def write_failure(error: GatewayError, tap: Tap) -> bytes:
    """The end of a relayed stream that failed: `response.failed` with the id and the next number of what the tap saw."""
    seen: JsonObject = tap.response if isinstance(tap, ResponsesTap) and tap.response else {}
    number = tap.next_sequence if isinstance(tap, ResponsesTap) else 0
    response: JsonObject = {
        "id": "resp_failed",
        "object": "response",
        "created_at": 0,
        "model": "",
        **{name: value for name, value in seen.items() if name not in _LEFT_OUT},
        "tools": [],
    }
    return lifecycle(b"response.failed", number, msgspec.json.encode(failing(response, [], tap.usage, error)))
