"""What has had its time goes, and what is over the size: the oldest bodies first, records and sums never for that."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dragoman.config.journal_schema import Journal as Settings
from dragoman.config.journal_schema import Keep
from dragoman.ir.record import Bodies, Record
from dragoman.observe.journal_batches import Entry
from dragoman.observe.journal_bodies import EPOCH_S
from dragoman.observe.journal_writer import Scribe, Stats
from dragoman.observe.spool import Spool
from dragoman.store import tables
from dragoman.store.bodies import read_bodies
from dragoman.store.open import Store, open_store

EPOCHS = 8
EACH = 12
BYTES = 40_000
MOST = 2_000_000
"""About half of all that is written."""


class Kept:
    """What the journal's thread does, step by step, at times of our own."""

    def __init__(self, url: str, folder: Path, keep: Keep) -> None:
        self.at = 0.0
        self.stats = Stats()
        self.settings = Settings(search=False, keep=keep)
        self.scribe = Scribe(
            lambda: open_store(url), self.settings, Spool(folder, 10**9, "a"), "a", price=lambda _: None, told=lambda said: said,
            complete=lambda entries: None, secrets=(), clock=lambda: self.at, stats=self.stats,
        )  # fmt: skip

    def write(self, *entries: Entry) -> None:
        self.scribe.write(list(entries))

    def sweep(self) -> None:
        """All sweeps that are due by now."""
        before = -1
        while self.stats.swept != before:
            before = self.stats.swept
            self.scribe.sweep_now()
            self.scribe.chores(is_closing=False)


def entry(number: int, at: float) -> Entry:
    body = random.Random(number).randbytes(BYTES)
    return Record(f"ex_{number:04}", at, client="ada", session="s", status=200), Bodies("full", body), "full", BYTES


@pytest.mark.long
def test_over_the_size_the_oldest_bodies_go_and_their_records_stay(url: str, tmp_path: Path) -> None:
    kept = Kept(url, tmp_path / "spool", Keep(size_bytes=MOST))
    for epoch in range(EPOCHS):
        kept.at = epoch * float(EPOCH_S)
        kept.write(*[entry(epoch * EACH + number, kept.at) for number in range(EACH)])
    store = open_store(url)
    full = store.writer().size_bytes()

    kept.sweep()

    has = [number for number in range(EPOCHS * EACH) if _bodies(store, number)]
    assert full > 2 * MOST * 0.9
    assert store.writer().size_bytes() <= MOST
    # The newest, in one piece, and as many as there is room for.
    assert has == list(range(has[0], EPOCHS * EACH))
    assert len(has) >= 3 * EACH
    assert (_count(store, tables.exchanges), _sum(store)) == (EPOCHS * EACH, EPOCHS * EACH)


@pytest.mark.long
def test_room_that_was_freed_is_used_again(url: str, tmp_path: Path) -> None:
    kept = Kept(url, tmp_path / "spool", Keep(size_bytes=MOST))
    for epoch in range(3 * EPOCHS):
        kept.at = epoch * float(EPOCH_S)
        kept.write(*[entry(epoch * EACH + number, kept.at) for number in range(EACH)])
        kept.sweep()

    store = open_store(url)
    assert store.writer().size_bytes() <= MOST + EACH * BYTES * 1.5
    if store.dialect == "sqlite":
        # The file itself: it gives back what is free.
        assert (tmp_path / "journal.db").stat().st_size <= 2 * MOST
    assert all(_bodies(store, 3 * EPOCHS * EACH - 1 - number) for number in range(2 * EACH))


def test_bodies_go_by_age_before_their_records_and_these_before_the_sums(url: str, tmp_path: Path) -> None:
    day_s = 86_400.0
    kept = Kept(url, tmp_path / "spool", Keep(exchanges_days=3, bodies_days=1))
    for day in range(5):
        kept.at = day * day_s
        kept.write(entry(day, kept.at))

    kept.at = 4.5 * day_s
    kept.sweep()

    store = open_store(url)
    assert [number for number in range(5) if _bodies(store, number)] == [4]
    with store.reader() as connection:
        left = connection.execute(select(tables.exchanges.c.id).order_by(tables.exchanges.c.id)).scalars().all()
        hours = connection.execute(select(tables.usage_times.c.hour).order_by(tables.usage_times.c.hour)).scalars().all()
    assert (left, _sum(store)) == (["ex_0002", "ex_0003", "ex_0004"], 5)
    assert hours == [48, 72, 96]


def test_what_a_conversation_goes_on_from_stays_however_short_bodies_are_kept(url: str, tmp_path: Path) -> None:
    kept = Kept(url, tmp_path / "spool", Keep(bodies_days=1e-6))
    words = [random.Random(number).randbytes(2000).hex() for number in range(20)]
    asked = ["".join(f'{{"text":"{word}"}},' for word in words[: 10 + turn]).encode() for turn in range(3)]
    for turn, body in enumerate(asked):
        kept.at = (turn + 0.5) * EPOCH_S
        kept.sweep()
        kept.write((Record(f"ex_{turn:04}", kept.at, session="s"), Bodies("redacted", body), "redacted", len(body)))

    with open_store(url).reader() as connection:
        found = [read_bodies(connection, f"ex_{turn:04}") for turn in range(3)]

    assert [each.get("client_request") and each["client_request"].data for each in found] == [None, *asked[1:]]


def _bodies(store: Store, number: int) -> bool:
    with store.reader() as connection:
        found = read_bodies(connection, f"ex_{number:04}")
    assert not found or found["client_request"].data == random.Random(number).randbytes(BYTES)
    return bool(found)


def _count(store: Store, table: object) -> int:
    with store.reader() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


def _sum(store: Store) -> int:
    with store.reader() as connection:
        return int(connection.execute(select(func.sum(tables.usage_hours.c.exchanges))).scalar_one())
