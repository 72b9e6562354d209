"""The full-text index takes a small share of the time, and less of it while there is much else to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from blank_database import Blank

from dragoman.config.journal_schema import Journal as Settings
from dragoman.observe import journal_writer
from dragoman.observe.journal_writer import Scribe, Stats
from dragoman.observe.spool import Spool

TAKES_S = 0.5


class Clock:
    """Stands in for `time`: what the thread takes is told apart from what passes."""

    def __init__(self) -> None:
        self.at = self.taken_s = 1000.0

    def monotonic(self) -> float:
        return self.at

    def thread_time(self) -> float:
        return self.taken_s

    def go_on(self, busy_share: float) -> None:
        """A tenth of a second passes, of which the thread takes a share."""
        self.at += 0.1
        self.taken_s += 0.1 * busy_share


class Endless(Blank):
    """A database that always has more to index, and takes half a second for some of it."""

    def __init__(self, clock: Clock) -> None:
        self.indexed_at: list[float] = []
        self._clock = clock

    def index(self, most: int) -> int:
        self.indexed_at.append(self._clock.at)
        self._clock.at += TAKES_S
        self._clock.taken_s += TAKES_S
        return most


class Faulty(Endless):
    """A database with something in it that cannot be indexed, for a while."""

    is_faulty = True

    def index(self, most: int) -> int:
        if self.is_faulty:
            self.indexed_at.append(self._clock.at)
            raise ValueError("half a letter")
        return super().index(most)


def test_what_cannot_be_indexed_is_told_once_and_tried_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    monkeypatch.setattr(journal_writer, "time", clock)
    database, stats = Faulty(clock), Stats()
    scribe = Scribe(
        lambda: database, Settings(), Spool(tmp_path, 10**9, "a"), "a", price=lambda _: None, told=lambda said: said,
        complete=lambda entries: None, secrets=(), clock=lambda: 0.0, stats=stats,
    )  # fmt: skip
    for round_number in range(7000):
        database.is_faulty = round_number < 6000
        scribe.write([])
        scribe.chores(is_closing=False)
        clock.go_on(0.0)

    waits_s = [later - at for at, later in zip(database.indexed_at[:2], database.indexed_at[1:3], strict=True)]
    assert waits_s == pytest.approx([300.0] * 2, abs=0.2)
    assert caplog.text.count("a chore of the journal failed, its `search`") == 1
    assert stats.indexed > 0


@pytest.mark.parametrize(("busy_share", "index_share"), [(0.0, 0.04), (0.05, 0.04), (0.2, 0.01), (1.0, 0.01)])
def test_index_takes_less_of_the_time_while_there_is_much_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy_share: float, index_share: float
) -> None:
    clock = Clock()
    monkeypatch.setattr(journal_writer, "time", clock)
    database = Endless(clock)
    scribe = Scribe(
        lambda: database, Settings(), Spool(tmp_path, 10**9, "a"), "a", price=lambda _: None, told=lambda said: said,
        complete=lambda entries: None, secrets=(), clock=lambda: 0.0, stats=Stats(),
    )  # fmt: skip
    scribe.write([])
    while len(database.indexed_at) < 6:
        scribe.chores(is_closing=False)
        clock.go_on(busy_share)

    waits_s = [later - at for at, later in zip(database.indexed_at[1:], database.indexed_at[2:], strict=False)]
    assert waits_s == pytest.approx([TAKES_S + TAKES_S / index_share] * len(waits_s), abs=0.2)
