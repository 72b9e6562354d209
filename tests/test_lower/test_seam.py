"""What a model says again at the seam is taken out, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.lower.seam import Seam
from effort import tries


def joined(before: str, *pieces: str, owed: str = "") -> str:
    seam = Seam(before, owed)
    return before + "".join([*map(seam.feed, pieces), seam.close()])


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("The quick brown", " fox jumps.", "The quick brown fox jumps."),
        ("The quick bro", "wn fox jumps.", "The quick brown fox jumps."),
        ("The quick brown", "brown fox jumps.", "The quick brown fox jumps."),
        ("The quick bro", "brown fox", "The quick brown fox"),
        ("The quick bro", "The quick brown fox", "The quick brown fox"),
        ("I said: the quick brown fox", "the quick brown fox jumps", "I said: the quick brown fox jumps"),
        ("I said: the quick brown fox", " the quick brown fox jumps", "I said: the quick brown fox jumps"),
        ("It jumps over the lazy dog, and", "lazy dog, and then", "It jumps over the lazy dog, and then"),
        ("It jumps over the lazy dog, and", "ps over the lazy dog, and then", "It jumps over the lazy dog, and then"),
        ("First line is long enough.\nSecond", "First line is long enough.\nSecond line.", "First line is long enough.\nSecond line."),
        (
            "我们先读取文件，然后检查每一行是否正确，最后再",
            "然后检查每一行是否正确，最后再写回。",
            "我们先读取文件，然后检查每一行是否正确，最后再写回。",
        ),
    ],
)
def test_words_that_are_said_again_are_taken_out(before: str, after: str, whole: str) -> None:
    assert joined(before, after) == whole
    assert joined(before, *after) == whole


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if x:\n    {\n        }\n    }\n", "    }\n}\n"),
        ("| a | b |\n| yes | no  |\n", "| yes | no  |\n"),
        ("ha ha ha ", "ha ha"),
        ("[0.1, 0.1, 0.1", ", 0.1, 0.1]"),
        ("1010", "1010"),
        ("the ", "end"),
        ("a", "and b"),
        ("very ", "very good"),
        ("sandal", "dale"),
        ("", "anything"),
        ("words", ""),
        ("# Title\n\n", "# Title is what it says"),
    ],
)
def test_what_a_text_may_well_say_twice_stays(before: str, after: str) -> None:
    assert joined(before, after) == before + after
    assert joined(before, *after) == before + after


@pytest.mark.parametrize(
    ("owed", "after", "whole"), [(" ", " b", "a b"), (" ", "b", "a b"), ("\n\n", "\nb", "a\n\nb"), ("\n ", "\n  b", "a\n  b")]
)
def test_white_space_that_the_model_was_not_shown_stands_once(owed: str, after: str, whole: str) -> None:
    assert joined("a" + owed, after, owed=owed) == whole
    assert joined("a" + owed, *after, owed=owed) == whole


def test_half_a_repetition_is_left_out_where_the_stream_breaks_again() -> None:
    seam = Seam("A long sentence about nothing in particular")

    assert [seam.feed("A long sentence "), seam.cut()] == ["", ""]


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", " ", "\n", ". ", "é", "中", "{", "}"]), max_size=30).map("".join)


@settings(max_examples=tries(200))
@given(WORDS, WORDS, st.data())
def test_pieces_make_no_difference_and_only_an_end_of_the_text_before_is_ever_taken_out(
    before: str, after: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(after)), max_size=5)))
    pieces = [after[start:end] for start, end in zip([0, *cuts], [*cuts, len(after)], strict=True)]

    whole = joined(before, after)

    assert joined(before, *pieces) == whole
    taken = len(before) + len(after) - len(whole)
    assert whole == before + after[taken:]
    assert before.endswith(after[:taken])


@settings(max_examples=tries(200))
@given(WORDS, WORDS)
def test_a_whole_answer_said_again_stands_once(before: str, after: str) -> None:
    said = "Once upon a time there was a house. " + before

    assert joined(said, said + after) == said + after
