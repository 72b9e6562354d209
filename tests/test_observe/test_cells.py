"""The room that text takes in a terminal, of which letters are no measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.observe.cells import beginning, ending, padded, width

TEXT = st.text(st.sampled_from("aé模型かｱ한글🚀e\u0301\u1160\u200d ")) | st.text()


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("gpt-5.5", 7),
        ("模型", 4),
        ("モデル", 6),
        ("ﾓﾃﾞﾙ", 4),
        ("ＧＰＴ", 6),
        ("한국어", 6),
        ("\u1112\u1161\u11ab", 2),
        ("🚀 go", 5),
        ("Ada Löwe", 8),
        ("e\u0301t\u0301e", 3),
        ("Привет", 6),
        ("שלום", 4),
        ("→ … ·", 5),
    ],
)
def test_letters_take_the_room_that_terminals_give_them(text: str, cells: int) -> None:
    assert width(text) == cells


@given(TEXT, st.integers(0, 12))
def test_a_part_is_as_long_as_there_is_room_for(text: str, cells: int) -> None:
    begun, ended = beginning(text, cells), ending(text, cells)

    assert text.startswith(begun)
    assert text.endswith(ended)
    for part in (begun, ended):
        assert width(part) <= cells
        assert part == text or width(part) >= cells - 1


def test_an_accent_stays_with_its_letter() -> None:
    assert beginning("abe\u0301", 3) == "abe\u0301"
    assert ending("abe\u0301", 1) == "e\u0301"
    assert ending("be\u0301\u0301\u0301xy", 2) == "xy"


@given(TEXT, st.integers(0, 40))
def test_padded_text_takes_its_room(text: str, cells: int) -> None:
    made = padded(text, cells)

    assert width(made) == max(cells, width(text))
    assert made.rstrip(" ") == text.rstrip(" ")
