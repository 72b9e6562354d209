"""Words of languages that write them without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.store.runs import Term, has_runs, in_pairs, terms


@pytest.mark.parametrize(
    ("text", "paired"),
    [
        ("plain words", "plain words"),
        ("naïve Öl", "naïve Öl"),
        ("東京都", " 東京 京都 都 "),
        ("使用Python编写。", " 使用 用 Python 编写 写 。"),
        ("ﾃﾞｰﾀ", " デー ータ タ "),
        ("한글 학교", " 한글 글   학교 교 "),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", " 한글 글 "),
        ("水", " 水 "),
    ],
)
def test_a_run_stands_as_its_pairs_and_its_last_letter(text: str, paired: str) -> None:
    assert in_pairs(text) == paired


@pytest.mark.parametrize(
    ("word", "looked_for"),
    [
        ("python", [Term("python")]),
        ("東京都", [Term("東京"), Term("京都")]),
        ("都", [Term("都", is_beginning=True)]),
        ("使用Python编", [Term("使用"), Term("Python"), Term("编", is_beginning=True)]),
    ],
)
def test_a_word_is_looked_for_by_its_pairs(word: str, looked_for: list[Term]) -> None:
    assert terms(word) == looked_for


_LETTERS = st.text("東京都修复メモリ한글학교", min_size=1, max_size=6)


@given(_LETTERS, _LETTERS, _LETTERS)
def test_every_word_of_a_run_is_in_it(before: str, word: str, after: str) -> None:
    known = in_pairs(before + word + after).split()

    assert has_runs(word)
    assert all(term.text in known or (term.is_beginning and any(each.startswith(term.text) for each in known)) for term in terms(word))
