"""What comes while a batch is written waits for the next one, unless there is soon no more room for it."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import weakref
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import pytest
from blank_database import Blank

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Bodies, Record
from dragoman.observe.journal import Journal
from dragoman.observe.journal_batches import Entry
from dragoman.observe.journal_writer import Scribe, Stats
from dragoman.observe.spool import Spool
from dragoman.store.batch import Batch


class Slow(Blank):
    """A database that writes when it is told to, and tells what it did, in turn: so many exchanges, or a look for words to index."""

    def __init__(self, busy: Callable[[], None]) -> None:
        self.did: list[int | str] = []
        self._busy = busy

    def write(self, batch: Batch) -> None:
        self.did.append(batch.count)
        self._busy()

    def index(self, most: int) -> int:
        self.did.append("index")
        return 0


class Known(Record, weakref=True):
    """A record of which can be told whether it is still there."""


def record(number: int, size: int = 0) -> Record:
    return Record(f"ex_{number:05}", 1000.0 + number, client="ada", bodies=Bodies("redacted", bytes(size)) if size else None)


@pytest.mark.parametrize(
    ("settings", "size", "did"),
    [
        (Settings(flush_s=0.01), 0, [1, "index", 3]),
        (Settings(flush_s=0.01, queue=5), 0, [1, 3, "index"]),
        (Settings(flush_s=0.01, queue_bytes=40_000), 8000, [1, 3, "index"]),
    ],
    ids=["waits", "hardly any more room for exchanges", "hardly any more room for bodies"],
)
def test_what_comes_while_a_batch_is_written_waits_for_the_next_time(
    tmp_path: Path, settings: Settings, size: int, did: list[int | str]
) -> None:
    is_writing, goes_on = threading.Event(), threading.Event()

    def busy() -> None:
        is_writing.set()
        assert goes_on.wait(60)

    database = Slow(busy)
    journal = Journal(lambda: database, settings, tmp_path)
    journal.start()
    journal.put(record(0))
    assert is_writing.wait(60)
    for number in (1, 2, 3):
        journal.put(record(number, size))
    goes_on.set()
    while journal.stats().written < 4:
        os.sched_yield()
    journal.close_now(60)

    assert database.did[:3] == did
    assert (journal.stats().lost, journal.stats().dropped_bodies) == (0, 0)


def test_nothing_is_put_off_once_a_quarter_of_the_room_is_taken(tmp_path: Path) -> None:
    journal = Journal(lambda: Slow(lambda: None), Settings(flush_s=3600, queue=8), tmp_path)
    for number in (1, 2, 3):
        journal.put(record(number))
    journal.start()
    while journal.stats().written < 3:
        os.sched_yield()
    journal.close_now(60)


@pytest.fixture
def _collection_as_it_was() -> Generator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_collection_as_it_was")
@pytest.mark.parametrize(("before", "meanwhile"), [(700, 100_000), (0, 0), (200_000, 200_000)], ids=["on", "off", "rarer yet"])
@pytest.mark.parametrize("fails", [True, False])
def test_cycles_are_hardly_looked_for_while_a_batch_is_made_and_written_and_then_as_before(
    tmp_path: Path, before: int, meanwhile: int, fails: bool
) -> None:
    seen: list[int] = []

    def complete(_: Iterable[tuple[Record, Bodies | None]]) -> None:
        seen.append(gc.get_threshold()[0])
        if fails:
            raise RuntimeError("a fault of ours")

    scribe = Scribe(
        lambda: Slow(lambda: seen.append(gc.get_threshold()[0])), Settings(), Spool(tmp_path, 10**9, "a"), "a", price=lambda _: None,
        told=lambda said: said, complete=complete, secrets=(), clock=lambda: 0.0, stats=Stats(),
    )  # fmt: skip
    gc.set_threshold(before, 11, 12)

    with contextlib.suppress(RuntimeError):
        scribe.write([(record(1), None, "none", 0)])

    assert (seen, gc.get_threshold()) == ([meanwhile] if fails else [meanwhile] * 2, (before, 11, 12))


def test_what_was_written_is_let_go_before_cycles_are_looked_for_again(tmp_path: Path) -> None:
    entries: list[Entry] = [(Known("ex_1", 1000.0), None, "none", 0)]
    gone = weakref.ref(entries[0][0])
    scribe = Scribe(
        lambda: Slow(lambda: None), Settings(), Spool(tmp_path, 10**9, "a"), "a", price=lambda _: None, told=lambda said: said,
        complete=lambda _: None, secrets=(), clock=lambda: 0.0, stats=Stats(),
    )  # fmt: skip

    scribe.write(entries)

    assert (entries, gone()) == ([], None)
