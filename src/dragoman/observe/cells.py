"""How much room text takes in a terminal: letters of Chinese, Japanese and Korean and most emoji take two cells, accents that stand over
other letters none. Counted letter by letter, as terminals and wcwidth(3) do.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_WIDE = frozenset("WF")
_OVER_OTHERS = frozenset({"Mn", "Me", "Cf"})
_VOWELS = range(0x1160, 0x1200)
"""Of Korean, joined to the letter before: https://www.unicode.org/reports/tr11/"""


def width(text: str) -> int:
    """The cells that `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def beginning(text: str, cells: int) -> str:
    """As much of the beginning as has room in so many cells."""
    if text.isascii():
        return text[:cells]
    left = cells
    for place, char in enumerate(text):
        left -= _cells(char)
        if left < 0:
            return text[:place]
    return text


def ending(text: str, cells: int) -> str:
    """As much of the end; it does not begin with an accent of a letter that is left out."""
    if text.isascii():
        return text[max(0, len(text) - cells) :]
    left, begin = cells, len(text)
    for place in range(len(text) - 1, -1, -1):
        own = _cells(text[place])
        left -= own
        if left < 0:
            break
        if own:
            begin = place
    return text[begin:] if left < 0 else text


def padded(text: str, cells: int) -> str:
    """Text with spaces behind it, so that it takes at least so many cells."""
    return text + " " * (cells - width(text))


@lru_cache(maxsize=4096)
def _cells(char: str) -> int:
    if unicodedata.category(char) in _OVER_OTHERS or ord(char) in _VOWELS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in _WIDE else 1
