"""One JSON array as a stream of its elements, whatever the chunks are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.wire.frame import WireError
from dragoman.wire.jsonarray import JsonArrayFramer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), max_size=4)


def split(data: bytes, size: int) -> list[bytes]:
    framer = JsonArrayFramer()
    frames = [frame for at in range(0, len(data), size) for frame in framer.feed(data[at : at + size])]
    return [frame.data for frame in [*frames, *framer.close()]]


@given(OBJECTS, st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_elements_come_out_as_they_went_in(values: list[Any], size: int, indent: int | None, ascii_only: bool) -> None:
    data = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    assert [json.loads(element.decode("utf-8", "surrogatepass")) for element in split(data, size)] == values


@pytest.mark.parametrize("size", [1, 3, 100])
def test_half_an_element_is_none(size: int) -> None:
    assert split(b'[{"a":1}\n,\r\n{"b":"}', size) == [b'{"a":1}']


@pytest.mark.parametrize("size", [1, 100])
def test_a_lone_object_is_an_array_of_one(size: int) -> None:
    assert split(b' {"error":{"code":1}} ', size) == [b'{"error":{"code":1}}']


def test_what_is_no_object_is_a_frame_for_the_reader_to_refuse() -> None:
    assert split(b'[nonsense,{"a":1}]', 4) == [b"nonsense", b'{"a":1}']


def test_an_element_beyond_all_bounds_is_refused() -> None:
    framer = JsonArrayFramer(max_element_bytes=10)

    with pytest.raises(WireError):
        framer.feed(b'[{"a":"12345678901')
