"""Splits `<think>…</think>` at the beginning of an answer from the answer, whatever the deltas are.

Servers without a reasoning parser (llama.cpp, LM Studio, vLLM by default) and Perplexity send a model's thoughts so.
"""

from __future__ import annotations

_OPEN = "<think>"
_CLOSE = "</think>"


class ThinkSplitter:
    """Feed it the words of one answer from the first; `plain` says that no more thoughts can come and feeding is needless."""

    def __init__(self) -> None:
        self.plain = False
        self._inside = False
        self._held = ""
        self._after = False

    def feed(self, text: str) -> tuple[str, str]:
        """(thought, words) that this text completes."""
        text = self._held + text
        self._held = ""
        if self._inside:
            return self._think(text)
        if self._after:
            return "", self._begin_words(text)
        return self._begin(text)

    def close(self) -> tuple[str, str]:
        """(thought, words) that were held back: the answer is over."""
        held, self._held = self._held, ""
        self.plain = True
        return (held, "") if self._inside else ("", held)

    def _begin(self, text: str) -> tuple[str, str]:
        start = text.lstrip()
        if start.startswith(_OPEN):
            self._inside = True
            return self._think(start[len(_OPEN) :].removeprefix("\n"))
        if _OPEN.startswith(start):
            self._held = text
            return "", ""
        self.plain = True
        return "", text

    def _think(self, text: str) -> tuple[str, str]:
        thought, found, rest = text.partition(_CLOSE)
        if found:
            self._inside = False
            self._after = True
            return thought, self._begin_words(rest)
        keep = _overlap(text)
        if keep:
            self._held = text[-keep:]
            text = text[:-keep]
        return text, ""

    def _begin_words(self, text: str) -> str:
        # The line ends between the tag and the answer belong to neither.
        text = text.lstrip("\r\n")
        self.plain = bool(text)
        return text


def _overlap(text: str) -> int:
    """How many characters at the end of `text` may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:size])), 0)
