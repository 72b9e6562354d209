"""Knows again the chunks that make up most of a stream: those that differ from an earlier one in a few words only."""

from __future__ import annotations

import re

from dragoman.dialects.peeking import NEVER

_QUOTE = 34
# A field of words, or one of random letters against guessing from sizes (OpenAI, Mistral). No words with a quote or a backslash.
_WORDS = re.compile(rb'("(?:content|reasoning_content|reasoning|obfuscation|p)": ?")[^"\\\n]*(?=")')


class Plain:
    """The bytes of a chunk around its words. Made from one event, in which nothing but words may be of use."""

    __slots__ = ("_after", "_between", "_end", "before", "start")

    def __init__(self, chunk: bytes) -> None:
        pieces: list[bytes] = []
        at = 0
        # Of anything but one data line alone, nothing is known again.
        if chunk.startswith(b"data: {") and chunk.find(b"\n") == len(chunk) - 2 and chunk.endswith(b"\n"):
            for found in _WORDS.finditer(chunk):
                pieces.append(chunk[at : found.end(1)])
                at = found.end()
        self.before, *self._between = pieces or (NEVER,)
        self.start = len(self.before)
        self._after = chunk[at:]
        self._end = -len(self._after)

    def rest_fits(self, chunk: bytes) -> bool:
        """Whether a chunk that begins with `before` is the same but for its words. Between the same pieces, what has no quote can only be
        within its string."""
        # Slices and `in` for one byte: `startswith` and `find` each take as long as all of this, for the way they are called.
        if chunk[self._end :] != self._after:
            return False
        words = chunk[self.start : self._end]
        for piece in self._between:
            before, found, words = words.partition(piece)
            if not found or _QUOTE in before:
                return False
        return _QUOTE not in words
