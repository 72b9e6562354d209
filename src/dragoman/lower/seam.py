"""The seam between what a broken stream said and what goes on from there: words that the model says again are taken out.

Models that are asked to go on often begin with the last word or sentence once more, or with the whole answer. What is said again is
the end of the text before, word for word, so the longest such end is looked for; text is held back only as long as it may be one.
"""

from __future__ import annotations

import re

_LOOKED_AT = 1000
"""A repetition begins within so many last characters of the text before, or is all of it."""
_SURE_CHARS = 12
_SURE_CHARS_INSIDE = 24
_SURE_WORDS = 3
"""An overlap of this length (where it begins inside of a word, the larger one) with so many different words is a repetition; less may be
what the text says: rows of a table, braces."""
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
        self._before = before
        self._owed = owed
        self._held: list[str] = []
        self._at = 0
        # Places of the text before at which a repetition may have begun, as far as the words held back go; the longest one found.
        self._places = _beginnings(before)
        self._repeated = 0
        self._decided = not before

    def feed(self, text: str) -> str:
        """The words of these that are new, as far as that is known yet."""
        if self._decided:
            return text
        self._held.append(text)
        if self._owed:
            return self._pay()
        self._look_at(text)
        return "" if self._places else self._decide()

    def close(self) -> str:
        """Nothing more comes: the words that were held back, where they are new."""
        # White space that was owed, or words that might have been a repetition and came to nothing.
        return "" if self._decided or self._owed else self._decide()

    def cut(self) -> str:
        """The stream broke off again: the words that were held back, without those that may still have been a repetition."""
        return "" if self._places else self.close()

    def _pay(self) -> str:
        """Take the white space out that the model was not shown."""
        held, owed = "".join(self._held), self._owed
        if owed.startswith(held):
            return ""
        self._decided = True
        paid = next((size for size in range(len(owed), 0, -1) if held.startswith(owed[len(owed) - size :])), 0)
        return held[paid:]

    def _look_at(self, text: str) -> None:
        before, at = self._before, self._at
        still: list[int] = []
        for place in self._places:
            left = len(before) - place - at
            if left > len(text):
                if before.startswith(text, place + at):
                    still.append(place)
            elif text.startswith(before[place + at :]) and _is_repetition(before, place):
                self._repeated = max(self._repeated, len(before) - place)
        self._places = still
        self._at += len(text)

    def _decide(self) -> str:
        self._decided = True
        return "".join(self._held)[self._repeated :]


def _beginnings(text: str) -> list[int]:
    """Where a repetition may begin: at the very beginning, or near the end."""
    return [0, *range(max(1, len(text) - _LOOKED_AT), len(text))]


def _is_inner(character: str) -> bool:
    return (character.isalnum() or character == "_") and character < _UNSPACED


def _is_repetition(before: str, place: int) -> bool:
    """Whether the end of the text from this place on, said again, is no more than a repetition."""
    said = before[place:]
    is_inside = place > 0 and _is_inner(said[0]) and _is_inner(before[place - 1])
    if not is_inside and _FRAGMENT.fullmatch(said) is not None:
        return True
    words = len(set(_WORD.findall(said)))
    if place == 0 and words > 1:
        return True  # the whole answer from its beginning
    if len(said) >= _SURE_UNSPACED and said[-1] >= _UNSPACED:
        return True
    return words >= _SURE_WORDS and len(said) >= (_SURE_CHARS_INSIDE if is_inside else _SURE_CHARS)
