"""A splice makes of one text the other, whatever was spliced before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.observe.splice import Splices, is_model

_text = st.text("ab", max_size=12).map(str.encode)


@given(st.lists(st.tuples(_text, _text), max_size=30))
def test_what_is_found_makes_the_other_text(pairs: list[tuple[bytes, bytes]]) -> None:
    splices = Splices()

    made = [one[:start] + put + one[stop:] for one, other in pairs for start, stop, put in [_found(splices, one, other)]]

    assert made == [other for _, other in pairs]


def test_texts_with_little_in_common_have_none() -> None:
    assert Splices().find(b"a" * 5000, b"b" * 5000) is None


def test_name_of_a_model_is_told_from_what_stands_elsewhere() -> None:
    one = b'{"model":"fast","x":"fast"}'
    made = {name: one.replace(b"fast", name) for name in (b"slow", b'a","y":"b')}
    elsewhere = b'{"model":"fast","x":"slow"}'

    found = [is_model(_found(Splices(), one, other), other) for other in (b'{"model":"slow","x":"fast"}', elsewhere, made[b'a","y":"b'])]

    assert found == [True, False, False]


def _found(splices: Splices, one: bytes, other: bytes) -> tuple[int, int, bytes]:
    found = splices.find(one, other)
    assert found is not None
    return found
