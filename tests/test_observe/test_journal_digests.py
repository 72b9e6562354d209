"""When the journal sums up for those who ask."""

from __future__ import annotations

import pytest
from blank_database import Blank

from dragoman.observe.journal_digests import Digests


class Behind(Blank):
    """A database that has so much to be summed up, each time in a tenth of a second. now: of its clock."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def digest(self, most: int) -> int:
        self.now += 0.1
        return self.counts.pop(0)


def test_what_is_left_is_summed_up_in_a_share_of_the_time_and_what_comes_later_after_a_minute() -> None:
    writer = Behind(8000, 0)
    digests = Digests(writer.clock)

    digests.catch_up(writer)
    soon = digests.next_at
    digests.catch_up(writer)
    writer.now = soon
    digests.catch_up(writer)

    assert soon == pytest.approx(1000.1 + 40)
    assert digests.next_at == pytest.approx(soon + 60)
    assert writer.counts == []


def test_a_fault_is_not_met_again_at_once() -> None:
    writer = Behind()
    digests = Digests(writer.clock)

    with pytest.raises(IndexError):
        digests.catch_up(writer)
    digests.catch_up(writer)

    assert digests.next_at == 1060.0
