"""What keeps a body from being relayed."""

from __future__ import annotations

import re

import pytest

from dragoman.core.foreign import Foreign
from dragoman.wire.splice import Outline


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
