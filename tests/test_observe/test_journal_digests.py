"""When the journal sums up for those who ask."""

from __future__ import annotations

import time

import pytest
from blank_database import Blank

from dragoman.observe.journal_digests import Digests

REST_S = 60.0


class Behind(Blank):
    """A database that has so much to be summed up."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)

    def digest(self, most: int) -> int:
        return self.counts.pop(0)


def test_what_is_left_is_summed_up_soon_and_what_comes_later_after_a_minute() -> None:
    digests, writer = Digests(), Behind(10, 0)
    began = time.monotonic()

    digests.catch_up(writer)

    assert began <= digests.next_at < time.monotonic() + REST_S
    while writer.counts:
        digests.catch_up(writer)
    assert digests.next_at >= began + REST_S
    digests.catch_up(writer)


def test_a_fault_is_not_met_again_at_once() -> None:
    digests = Digests()
    began = time.monotonic()

    with pytest.raises(IndexError):
        digests.catch_up(Behind())

    assert digests.next_at >= began + REST_S
