"""The short way for the chunks that make up most of a stream: they differ from one another only in a few words.

A chunk that has been read in full leaves its bytes as a template. One that equals it but for the words (and for padding) has the same
JSON structure, provided that the words are one whole JSON string and the padding holds no quote and no backslash, so nothing else of it
needs to be looked at. Measured: half the time of decoding the chunk. Whatever doesn't fit is read in full, and leaves the next template.
"""

from __future__ import annotations

import re

import msgspec

from dragoman.dialects.remainder import JsonObject

FIELDS = frozenset({"content", "reasoning_content", "reasoning"})
"""Fields of a delta that are a few words of text."""

# Random letters of random length, against guessing from sizes (OpenAI, Mistral).
_PADDING = re.compile(rb'"(?:obfuscation|p)"\s*:\s*"([^"\\]*)"')
_WORDS = {name: re.compile(rb'"%b"\s*:\s*"' % name.encode()) for name in FIELDS}

# No possessive quantifiers: Python 3.11.2 matches them wrongly inside a repeated group (https://github.com/python/cpython/issues/101955).
_REST_OF_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*')
_BACKSLASH = 92
_decode_string = msgspec.json.Decoder(str).decode


class Template:
    """The bytes of a chunk around its words: `before`, `between` words and padding, `after`. `field` is where the words are."""

    __slots__ = ("_after", "_before", "_between", "_start", "field", "used")

    def __init__(self, field: str, before: bytes, between: bytes, after: bytes | None) -> None:
        self.field = field
        self.used = False
        self._before = before
        self._between = between
        self._after = after
        self._start = len(before)

    def words(self, data: bytes) -> str | None:
        """The words of a chunk that fits; None for any other."""
        if not data.startswith(self._before):
            return None
        start = self._start
        is_escaped = data.find(_BACKSLASH, start) >= 0
        end = _end_of_string(data, start) if is_escaped else data.find(b'"', start)
        if not data.startswith(self._between, end):
            return None
        rest, after = end + len(self._between), self._after
        if after is None:
            if rest != len(data):
                return None
        elif data.find(b'"', rest) != len(data) - len(after) or not data.endswith(after) or data.find(_BACKSLASH, rest) >= 0:
            return None
        self.used = True
        try:
            return _decode_string(data[start - 1 : end + 1]) if is_escaped else data[start:end].decode()
        except (UnicodeDecodeError, msgspec.DecodeError):
            return None


def _end_of_string(data: bytes, start: int) -> int:
    found = _REST_OF_STRING.match(data, start)
    return found.end() if found is not None else -1


def template_of(data: bytes, chunk: JsonObject) -> Template | None:
    """The template that a chunk leaves, if it is one of those: one choice, one field with words, nothing else told."""
    field = _only_field(chunk)
    if field is None:
        return None
    found = list(_WORDS[field].finditer(data))
    words: bytes = chunk["choices"][0]["delta"][field].encode("utf-8", "surrogatepass")
    if len(found) != 1 or b"\\" in data:
        return None
    start = found[0].end()
    end = start + len(words)
    if data[start:end] != words or data[end : end + 1] != b'"':
        return None
    padding = _PADDING.search(data, end)
    if padding is None:
        return Template(field, data[:start], data[end:], None)
    return Template(field, data[:start], data[end : padding.start(1)], data[padding.end(1) :])


def _only_field(chunk: JsonObject) -> str | None:
    choices = chunk["choices"]
    if len(choices) != 1 or chunk.get("usage"):
        return None
    choice: JsonObject = choices[0]
    if choice.get("finish_reason") or choice.get("logprobs"):
        return None
    delta: JsonObject = choice.get("delta") or {}
    told = [name for name, value in delta.items() if value and name != "role"]
    return told[0] if len(told) == 1 and told[0] in FIELDS and isinstance(delta[told[0]], str) else None
