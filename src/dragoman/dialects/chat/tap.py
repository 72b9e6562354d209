"""Watches relayed bytes: looks for the few byte strings that matter and parses only the lines that hold them.

A quote inside a JSON string is escaped, so `"usage"` with both its quotes is always a key or a whole value, never somebody's words.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from dragoman.dialects.chat.errors import error_frame, error_inside, is_error
from dragoman.dialects.chat.plain import QUOTE, Plain
from dragoman.dialects.chat.usage import read_usage, told_usage
from dragoman.dialects.contract import Tap as ContractTap
from dragoman.dialects.remainder import JsonObject, object_in, object_or_empty, objects, text_or_none
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.usage import Usage
from dragoman.wire.not_json import NOT_JSON

_LONGEST_LINE = 16 * 1024 * 1024
_NULL = (b":null", b": null")
_NOTHING_PLAIN = Plain(b"")
_BOUNDARIES = (b"\n\n", b"\r\n\r\n")
_SAID = ("content", "tool_calls", "function_call", "refusal", "reasoning_content", "reasoning", "reasoning_details", "audio")


class _Choice(msgspec.Struct, frozen=True, gc=False):
    finish_reason: str | None = None


class _Whole(msgspec.Struct, frozen=True, gc=False):
    """What matters of a whole reply; msgspec steps over the rest."""

    model: str | None = None
    choices: list[_Choice] | UnsetType = UNSET
    usage: JsonObject | None = None
    service_tier: Any = None
    error: Any = None


_decode_whole = msgspec.json.Decoder(_Whole).decode


class Tap:
    """See the contract. Keeps at most one unfinished line."""

    usage: Usage | None = None
    reason: str | None = None
    model: str | None = None
    first_token = False
    ended = False
    may_end = False
    failed: GatewayError | None = None
    kept: str | None = None
    tier: str | None = None
    _plain = _NOTHING_PLAIN

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, chunk: bytes) -> bool:
        """Watch a chunk of a stream."""
        # By far the most: an event that differs from an earlier one in its words only.
        plain = self._plain
        # Slices and `in` for one byte: `startswith` and `find` each take as long as all of this, for the way they are called.
        if chunk[: plain.start] == plain.before and chunk[plain.end :] == plain.after:
            words = chunk[plain.start : plain.end]
            if plain.are_words(words) if plain.between else QUOTE not in words:
                return False
        if not self._tail and self.first_token and chunk.endswith(_BOUNDARIES):
            # Whole events, and nothing in them.
            if _matters(chunk):
                self._lines(chunk)
                return True
            self._plain = Plain(chunk)
            return False
        self._broken(chunk)
        return True

    def _broken(self, chunk: bytes) -> None:
        """A chunk that ends (or begins) within an event, or one before any output."""
        end = chunk.rfind(b"\n") + 1
        lines = b"%b%b" % (self._tail, chunk[:end]) if end else b""
        if end:
            self._tail.clear()
        self._tail += chunk[end:]
        if len(self._tail) > _LONGEST_LINE:
            self._tail.clear()
        if self._tail:
            self._plain = _NOTHING_PLAIN
        if not self.first_token or _matters(lines):
            self._lines(lines)

    def whole(self, body: bytes) -> None:
        """Watch a whole JSON reply."""
        try:
            seen = _decode_whole(body)
        except NOT_JSON:
            seen = None
        if seen is not None and seen.choices is not UNSET and not seen.error:
            self.model, self.first_token = seen.model, True
            self.tier = seen.service_tier if isinstance(seen.service_tier, str) else None
            if seen.usage:
                self.usage = read_usage(seen.usage)
            for choice in seen.choices:
                self.reason = choice.finish_reason or self.reason
            self.may_end = self.reason is not None
            return
        # Anything else: an error, no completion at all, or one with something in an unusual form.
        value = object_in(body)
        if value is not None and (is_error(value) or "choices" in value):
            self._chunk(value)
        else:
            self.failed = GatewayError(Kind.GARBLED, "the provider's answer is no chat completion", source="upstream")

    def _lines(self, lines: bytes) -> None:
        for line in lines.splitlines():
            self._line(line)

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == b"[DONE]":
            self.ended = True
        elif not self.first_token or _matters(data):
            value = object_in(data)
            if value is not None:
                self._chunk(value)

    def _chunk(self, value: JsonObject) -> None:
        if is_error(value):
            self.failed = error_inside(value)
            return
        self.model = text_or_none(value, "model") or self.model
        self.tier = text_or_none(value, "service_tier") or self.tier
        usage = told_usage(value)
        if usage is not None:
            self.usage = read_usage(usage)
        for choice in objects(value.get("choices")):
            said = object_or_empty(choice.get("delta") or choice.get("message"))
            self.first_token = self.first_token or any(said.get(name) for name in _SAID)
            if choice.get("finish_reason"):
                self.reason = str(choice["finish_reason"])
                # Servers that just close after the last chunk say no [DONE].
                self.may_end = True


def write_failure(error: GatewayError, tap: ContractTap) -> bytes:
    """The end of a relayed stream that failed: an error object; nothing of what the tap saw is needed for it."""
    return error_frame(error)


def _matters(data: bytes) -> bool:
    # `find`, not `in`: that takes twice as long on bytes, since it tries them as a number first.
    find = data.find
    return find(b'"error"') >= 0 or find(b"[DONE]") >= 0 or _told(data, b'"finish_reason"') or _told(data, b'"usage"')


def _told(data: bytes, key: bytes) -> bool:
    """Whether a key stands somewhere with another value than null."""
    at = data.find(key)
    while at >= 0:
        at += len(key)
        if not data.startswith(_NULL, at):
            return True
        at = data.find(key, at)
    return False
