"""Words of languages that write them without spaces between: how any of them is found in a full-text index that knows no places.

A run of Chinese, Japanese or Korean letters stands in the index as its overlapping pairs, and its last letter alone: of `東京都` these are
`東京`, `京都` and `都`. A word is looked for by its pairs, which must all be there; a single letter as what something begins with.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import msgspec

_LETTERS = (
    "\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb\uf900-\ufaff"
    "\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003fffd"
)
"""Han with its marks of repetition, Hiragana and Katakana (half of their width, too), Bopomofo, Hangul and its parts."""
_RUN = re.compile(f"([{_LETTERS}]+)")


class Term(msgspec.Struct, frozen=True):
    """What is looked for. is_beginning: words that begin so are meant, too."""

    text: str
    is_beginning: bool = False


def in_pairs(text: str) -> str:
    """The text with each run as its pairs, spaces between; all else as it is."""
    return text if text.isascii() else _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text)


def terms(word: str) -> list[Term]:
    """How a word is looked for in what `in_pairs` has made."""
    found: list[Term] = []
    for number, part in enumerate(_RUN.split(word)):
        if number % 2 == 0:
            found += [Term(part)] if part else []
        else:
            *pairs, last = _pairs(part)
            found += [Term(pair) for pair in pairs] or [Term(last, is_beginning=True)]
    return found


def has_runs(text: str) -> bool:
    """Whether there is any such letter."""
    return _RUN.search(text) is not None


def _pairs(run: str) -> list[str]:
    # The same letter may be written as one sign, in parts, or in half of its width.
    letters = unicodedata.normalize("NFKC", run)
    return [*("".join(pair) for pair in pairwise(letters)), letters[-1]]
