"""What comes while a batch is written waits for the next one, unless there is soon no more room for it."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import pytest
from blank_database import Blank

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Bodies, Record
from dragoman.observe.journal import Journal
from dragoman.observe.journal_writer import Scribe, Stats
from dragoman.observe.spool import Spool
from dragoman.store.batch import Batch


class Slow(Blank):
    """A database that writes when it is told to, and tells what it did, in turn: so many exchanges, or a look for words to index."""

    def __init__(self, busy: Callable[[], None]) -> None:
        self.did: list[int | str] = []
        self._busy = busy

    def write(self, batch: Batch) -> None:
        self.did.append(len(batch.exchanges))
        self._busy()

    def index(self, most: int) -> int:
        self.did.append("index")
        return 0


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
    is_on = gc.isenabled()
    yield
    (gc.enable if is_on else gc.disable)()


@pytest.mark.usefixtures("_collection_as_it_was")
@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_cycles_are_not_looked_for_while_a_batch_is_made_and_then_as_before(tmp_path: Path, is_on: bool, fails: bool) -> None:
    seen: list[bool] = []

    def complete(_: Iterable[tuple[Record, Bodies | None]]) -> None:
        seen.append(gc.isenabled())
        if fails:
            raise RuntimeError("a fault of ours")

    scribe = Scribe(
        lambda: Slow(lambda: seen.append(gc.isenabled())), Settings(), Spool(tmp_path, 10**9, "a"), "a", price=lambda _: None,
        told=lambda said: said, complete=complete, secrets=(), clock=lambda: 0.0, stats=Stats(),
    )  # fmt: skip
    (gc.enable if is_on else gc.disable)()

    with contextlib.suppress(RuntimeError):
        scribe.write([(record(1), None, "none", 0)])

    assert (seen, gc.isenabled()) == ([False] if fails else [False, is_on], is_on)
