"""Knows again the chunks that make up most of a stream: those that differ from an earlier one in a few words only."""

from __future__ import annotations

import re

_QUOTE = 34
# A field of words, or one of random letters against guessing from sizes (OpenAI, Mistral). No words with a quote or a backslash.
_WORDS = re.compile(rb'("(?:content|reasoning_content|reasoning|obfuscation|p)": ?")[^"\\\n]*(?=")')
_NEVER = b"\n"


class Plain:
    """The bytes of a chunk around its words. Made from one event, in which nothing but words may be of use."""

    __slots__ = ("_before", "_rest", "_start")

    def __init__(self, chunk: bytes) -> None:
        pieces: list[bytes] = []
        at = 0
        # Of anything but one data line alone, nothing is known again.
        if chunk.startswith(b"data: {") and chunk.find(b"\n") == len(chunk) - 2:
            for found in _WORDS.finditer(chunk):
                pieces.append(chunk[at : found.end(1)])
                at = found.end()
        self._before, *self._rest = (*pieces, chunk[at:]) if pieces else (_NEVER,)
        self._start = len(self._before)

    def fits(self, chunk: bytes) -> bool:
        """Whether a chunk is the same but for its words. Between the same pieces, what has no quote can only be within its string."""
        if not chunk.startswith(self._before):
            return False
        at = self._start
        for piece in self._rest:
            end = chunk.find(_QUOTE, at)
            if not chunk.startswith(piece, end):
                return False
            at = end + len(piece)
        return at == len(chunk)
