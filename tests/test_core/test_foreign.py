"""What keeps a body from being relayed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.foreign import Foreign, holds
from dragoman.wire.splice import Outline


@given(st.lists(st.sampled_from([b"drg1.", b"1", b"drg1", b"d", b"x" * 9]), max_size=300).map(b"".join))
def test_a_mark_is_found_exactly_where_it_stands_however_often_its_digit_does(body: bytes) -> None:
    assert holds(body, b"drg1.") == (b"drg1." in body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m"}', False),
        (b'{"model":"m","top_k":1}', True),
        (b'{"model":"m","tools":[{"type":"custom"}]}', True),
        (b'{"model":"m","input":[{"type":"custom"}]}', False),
        (b'{"model":"m","input":"drg1.abc"}', True),
    ],
)
def test_a_body_is_foreign_by_a_key_by_what_stands_in_a_field_and_by_a_seal_anywhere(body: bytes, expected: bool) -> None:
    foreign = Foreign(frozenset({"top_k"}), b"drg1.", {"tools": re.compile(rb'"custom"')})

    assert foreign.is_in(Outline(body)) is expected
