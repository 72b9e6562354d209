"""The seam between what a broken stream said and what goes on from there: words that the model says again are taken out.

Models that are asked to go on often begin with the last word or sentence once more, or with the whole answer. What is said again is
the end of the text before, word for word, so the longest such end is looked for; text is held back only as long as it may be one.
"""

from __future__ import annotations

import re

_LOOKED_AT = 64 * 1024
"""So many last characters of the text before are compared."""
_SURE_CHARS = 16
_SURE_WORDS = 3
"""An overlap of this length with so many different words is a repetition; less may be what the text says: rows of a table, braces."""
_WORD = re.compile(r"[^\W\d]{2,}")
_FRAGMENT = re.compile(r"[^\W\d]{3,}")
"""A word that stands at the end of the text and is said again from its beginning: nobody writes `implemeimplement`."""
_SURE_UNSPACED = 8
_UNSPACED = "\u2e80"
"""Scripts from here on set no spaces between words, so that a word may begin anywhere."""


class Seam:
    """Feed it the words that go on after `before`. `owed` is white space at the end of `before` that the model was not shown, so that
    it may say it again."""

    def __init__(self, before: str, owed: str = "") -> None:
        self._before = before[-_LOOKED_AT:]
        self._owed = owed
        self._held = ""
        self._open: list[int] | None = None
        self._repeats = 0
        self._decided = not before

    def feed(self, text: str) -> str:
        """The words of these that are new, as far as that is known yet."""
        if self._decided:
            return text
        if self._owed:
            return self._pay(text)
        self._look_at(text)
        return "" if self._open else self._decide()

    def close(self) -> str:
        """Nothing more comes: the words that were held back, where they are new."""
        if self._decided:
            return ""
        # Held back as white space that was owed, or as words that might have been a repetition and came to nothing.
        return "" if self._owed else self._decide()

    def cut(self) -> str:
        """The stream broke off again: the words that were held back, without those that may still have been a repetition."""
        held = self._open
        rest = self.close()
        return "" if held else rest

    def _pay(self, text: str) -> str:
        """Take the white space out that the model was not shown."""
        self._held += text
        if self._owed.startswith(self._held):
            return ""
        self._decided = True
        held, owed, self._owed = self._held, self._owed, ""
        paid = next((size for size in range(len(owed), 0, -1) if held.startswith(owed[len(owed) - size :])), 0)
        return held[paid:]

    def _look_at(self, text: str) -> None:
        """Go through the places of the text before at which a repetition may have begun."""
        before, at = self._before, len(self._held)
        self._held += text
        places = _beginnings(before) if self._open is None else self._open
        still: list[int] = []
        for place in places:
            left = len(before) - place
            if left > len(self._held):
                if before.startswith(text, place + at):
                    still.append(place)
            elif self._held.startswith(before[place:]) and _is_repetition(before, place):
                self._repeats = max(self._repeats, left)
        self._open = still

    def _decide(self) -> str:
        self._decided = True
        held, self._held = self._held, ""
        return held[self._repeats :]


def _beginnings(text: str) -> list[int]:
    """Where a repetition may begin: at a word, or at the white space or the marks before it."""
    return [place for place in range(len(text)) if place == 0 or not (_is_inner(text[place]) and _is_inner(text[place - 1]))]


def _is_inner(character: str) -> bool:
    return (character.isalnum() or character == "_") and character < _UNSPACED


def _is_repetition(before: str, place: int) -> bool:
    """Whether the end of the text from this place on, said again, is no more than a repetition."""
    said = before[place:]
    if _FRAGMENT.fullmatch(said) is not None:
        return True
    words = len(set(_WORD.findall(said)))
    if place == 0 and words > 1:
        return True  # the whole answer from its beginning
    return (len(said) >= _SURE_CHARS and words >= _SURE_WORDS) or (len(said) >= _SURE_UNSPACED and said[-1] >= _UNSPACED)
