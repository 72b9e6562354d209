"""What two bodies have in common, against the plain way to find it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.observe.likeness import cuts, same_beginning, same_end

texts = st.binary(max_size=30) | st.builds(lambda data, count: data * count, st.binary(max_size=5), st.integers(0, 3000))


def common(one: bytes, other: bytes) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@given(texts, texts, texts)
def test_beginning_and_end_are_as_long_as_they_are(shared: bytes, one: bytes, other: bytes) -> None:
    first, second = shared + one, shared + other
    last, least = one + shared, other + shared

    assert same_beginning(first, second) == common(first, second)
    assert same_end(last, least, 0) == common(last[::-1], least[::-1])


@given(texts, texts, texts, st.integers(0, 20_000))
def test_a_guess_changes_nothing(shared: bytes, one: bytes, other: bytes, guess: int) -> None:
    first, second = b"x" + shared + one, shared + other

    assert same_beginning(first, second, 1, 0, guess=guess) == common(shared + one, second)


@given(texts, texts)
def test_end_does_not_reach_into_the_beginning(one: bytes, other: bytes) -> None:
    but = same_beginning(one, other)

    assert same_end(one, other, but) <= min(len(one), len(other)) - but


@given(st.lists(st.integers(0, 3000), max_size=12))
def test_cuts_are_in_order_and_end_at_the_end(sizes: list[int]) -> None:
    data = b"},{".join(b"x" * size for size in sizes)

    found = cuts(data, 0, len(data))

    assert found == sorted(set(found)) and found[-1:] == ([len(data)] if data else [])
