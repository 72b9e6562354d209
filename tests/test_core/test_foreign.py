"""What keeps a body from being relayed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.foreign import Foreign, holds
from dragoman.wire.splice import Outline


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m"}', False),
        (b'{"model":"m","top_k":1}', True),
        (b'{"model":"m","tools":[{"type":"custom"}]}', True),
        (b'{"model":"m","input":[{"type":"custom"}]}', False),
        (b'{"model":"m","input":"drg2~abc"}', True),
        (b'{"model":"m","input":"~/drg2"}', False),
    ],
)
def test_a_body_is_foreign_by_a_key_by_what_stands_in_a_field_and_by_a_seal_anywhere(body: bytes, expected: bool) -> None:
    foreign = Foreign(frozenset({"top_k"}), b"drg2~", {"tools": re.compile(rb'"custom"')})

    assert foreign.is_in(Outline(body)) is expected


def _with_tools(*types: str) -> Outline:
    listed = ",".join(f'{{"type":"{each}"}}' for each in types)
    return Outline(f'{{"model":"m","tools":[{listed}]}}'.encode())


def test_the_same_tools_are_looked_through_once_and_others_each_for_themselves() -> None:
    class Counting:
        """A pattern that counts."""

        looks = 0

        def search(self, text: bytes) -> re.Match[bytes] | None:
            self.looks += 1
            return re.search(rb'"custom"', text)

    counting = Counting()
    foreign = Foreign(patterns={"tools": counting})  # type: ignore[dict-item]

    for _ in range(3):
        assert not foreign.is_in(_with_tools("function"))
        assert not foreign.is_in(_with_tools("function", "function"))
        assert foreign.is_in(_with_tools("function", "custom"))
    assert counting.looks == 2 + 3

    for number in range(50):
        assert not foreign.is_in(_with_tools(*["function"] * (number + 3)))
    assert len(foreign.clean["tools"]) < 10


def test_two_targets_remember_each_its_own() -> None:
    takes, refuses = Foreign(patterns={"tools": re.compile(b"nothing")}), Foreign(patterns={"tools": re.compile(rb'"custom"')})

    assert (takes.is_in(_with_tools("custom")), refuses.is_in(_with_tools("custom"))) == (False, True)


@given(st.lists(st.sampled_from([b"~", b"drg2", b"drg2~", b"d", b'"', b"a~b", b"~" * 63, b"~" * 64, b"~" * 65]), max_size=8).map(b"".join))
def test_a_mark_is_found_wherever_it_stands(body: bytes) -> None:
    assert holds(body, b"drg2~") is (b"drg2~" in body)
