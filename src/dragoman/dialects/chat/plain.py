"""Knows again the chunks that make up most of a stream: those that differ from an earlier one in a few words only."""

from __future__ import annotations

import re

from dragoman.dialects.peeking import NEVER

QUOTE = 34
# A field of words, or one of random letters against guessing from sizes (OpenAI, Mistral). No words with a quote or a backslash.
_WORDS = re.compile(rb'("(?:content|reasoning_content|reasoning|obfuscation|p)": ?")[^"\\\n]*(?=")')


class Plain:
    """The bytes of a chunk around its words. Made from one event, in which nothing but words may be of use."""

    __slots__ = ("after", "before", "between", "end", "start")

    def __init__(self, chunk: bytes) -> None:
        pieces: list[bytes] = []
        at = 0
        # Of anything but one data line alone, nothing is known again.
        if chunk.startswith(b"data: {") and chunk.find(b"\n") == len(chunk) - 2 and chunk.endswith(b"\n"):
            for found in _WORDS.finditer(chunk):
                pieces.append(chunk[at : found.end(1)])
                at = found.end()
        self.before, *self.between = pieces or (NEVER,)
        self.start = len(self.before)
        self.after = chunk[at:]
        self.end = -len(self.after)

    def are_words(self, words: bytes) -> bool:
        """Whether what stands in a chunk from `start` to `end` is words, with the same pieces between them. What has no quote can only be
        within its string."""
        for piece in self.between:
            before, found, words = words.partition(piece)
            if not found or QUOTE in before:
                return False
        return QUOTE not in words
