"""What the journal's thread does: makes batches, writes them or lets them wait on disk, deletes what has had its time, feeds the search."""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Callable, Generator, Iterable
from typing import Protocol

import msgspec

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.kept import DROPPED, FULL, NOTHING
from dragoman.ir.record import Bodies, Record
from dragoman.observe.first_look import Heads, first_look, known_heads
from dragoman.observe.journal_bodies import EPOCH_S, BodyKeeper
from dragoman.observe.journal_digests import Digests
from dragoman.observe.journal_rows import ARGUMENTS, Price, Rows, Told, without_bodies
from dragoman.observe.journal_sums import Before
from dragoman.observe.redact import Redactor
from dragoman.observe.spool import Spool
from dragoman.store.batch import Batch, Old, Writer
from dragoman.store.clean import cleaned
from dragoman.store.faults import RowRefused, StoreAway, StoreRefused

logger = logging.getLogger(__name__)

Entry = tuple[Record, Bodies | None, str, int]
"""A record, its bodies, what is kept of them in a word, and about how many bytes that is."""

Complete = Callable[[Iterable[tuple[Record, Bodies | None]]], None]
"""Fills in what records lack, from their bodies. Raises nothing."""

_ARGUMENTS = 2 * ARGUMENTS
"""Of a call's arguments, what is looked through: all that is kept, and enough more that no secret is cut in two where that ends."""
_DAY_S = 86_400
_AGAIN_S = (0.25, 5.0)
_REFUSED_S = 30.0
_SWEEP_S = 60.0
_SIZE_S = 300.0
_SWEPT = 1000
_INDEXED = 50
_INDEX_SHARE, _INDEX_SHARE_BUSY = 0.04, 0.01
"""Of one core, at most, for the full-text index: it may be late, but it may not take the time of those who are served. The second: while
the thread has so much else to do that the index falls behind in any case."""
_BUSY_SHARE = 0.1
"""Of one core, from which on the thread has much to do."""
_RARELY = 100_000
"""Objects that are made before Python looks for cycles among them: some times what a batch makes."""
_REPLAY_S = 0.25
"""So long what waited on disk is written before what came meanwhile: the longer, the fuller the queue, which then drops bodies."""
_LAST_REPLAY_S = 8.0


class Opened(Protocol):
    """An open database, as the journal needs it: `store.open.Store`."""

    @property
    def name(self) -> str: ...
    def writer(self) -> Writer: ...
    def close(self) -> None: ...


Opens = Callable[[], Opened]
"""Opens the database; raises StoreAway, StoreRefused."""


class Stats(msgspec.Struct):
    """How the journal goes. waiting: exchanges in memory; written: in the database; spooled_bytes: waiting on disk, since the database is
    away. spilled: exchanges that waited on disk, since the queue was full; dropped_bodies: exchanges whose bodies were left out for
    that; lost: exchanges that are nowhere. trouble: what is wrong with the database, None while it is well. cpu_s: what its thread took.
    """

    waiting: int = 0
    waiting_bytes: int = 0
    written: int = 0
    spooled_bytes: int = 0
    spilled: int = 0
    dropped_bodies: int = 0
    lost: int = 0
    swept: int = 0
    indexed: int = 0
    trouble: str | None = None
    cpu_s: float = 0.0


class Scribe:
    """Used by one thread. `most`, `most_bytes`: what goes into one batch."""

    most = 1000
    most_bytes = 32 * 1024 * 1024

    def __init__(
        self,
        opens: Opens,
        settings: Settings,
        spool: Spool,
        name: str,
        *,
        price: Price,
        told: Told,
        complete: Complete,
        secrets: Iterable[str],
        clock: Callable[[], float],
        stats: Stats,
    ) -> None:
        self._opens = opens
        self._settings = settings
        self._spool = spool
        self._name = name
        self._price = price
        self._told = told
        self._complete = complete
        self._clock = clock
        self._stats = stats
        self._redactor = Redactor(secrets)
        self._keeper = BodyKeeper(self._redactor, most_bytes=settings.body_bytes)
        self._before = Before()
        self._store: Opened | None = None
        self._writer: Writer | None = None
        self._number = self._epoch_before = 0
        self._again_at = self._size_at = self._index_at = 0.0
        self._again_s = _AGAIN_S[0]
        self._sweep_at = time.monotonic() + _SWEEP_S
        self._digests = Digests()
        # When the index was fed last, and what the thread had taken by then.
        self._indexed = 0.0, 0.0
        self._is_behind = True

    def use(self, settings: Settings, price: Price, secrets: tuple[str, ...]) -> None:
        """Other settings, from the next batch on. Called by another thread: each is one assignment."""
        self._redactor = Redactor(secrets)
        self._keeper = BodyKeeper(self._redactor, most_bytes=settings.body_bytes)
        self._price = price
        self._settings = settings

    def pause_s(self) -> float | None:
        """How long to wait at most until there is something to do; None: until something is put."""
        if self._is_behind or self._stats.trouble is not None or self._spool.size_bytes:
            return self._again_s
        return max(0.5, min(self._sweep_at, self._digests.next_at) - time.monotonic())

    @property
    def catches_up(self) -> bool:
        """Whether the database is there and what waited on disk is being written."""
        return self._writer is not None and self._spool.size_bytes > 0

    def write(self, entries: list[Entry]) -> None:
        """Write exchanges into the database, or where it is away, on disk. Empties the list."""
        with _rare_collection():
            self._put_or_wait(entries)
            # Let go here, so that they are not looked through afterwards.
            entries.clear()
        self._is_behind = True

    def chores(self, *, is_closing: bool) -> None:
        """What is to be done besides: what waits on disk first."""
        if self._spool.size_bytes:
            self._replay(_LAST_REPLAY_S if is_closing else _REPLAY_S)
        if is_closing or self._stats.trouble is not None or self._writer is None:
            return
        try:
            self._sweep(self._writer)
            self._digests.catch_up(self._writer)
            if self._settings.search:
                self._index(self._writer)
            else:
                self._is_behind = False
        except StoreAway as error:
            self._is_away(error)

    def sweep_now(self) -> None:
        """Have the next chores delete what has had its time, without waiting for the minute to be over."""
        self._sweep_at = self._size_at = 0.0

    def close(self) -> None:
        """Give the database back."""
        self._spool.close()
        self._let_go()

    # ---- batches ------------------------------------------------------------------------------------------------------------

    def _put_or_wait(self, entries: list[Entry]) -> None:
        batch = self._batch(entries)
        if self._spool.size_bytes or not self._put(batch, len(entries)):
            self._wait_on_disk(batch, len(entries))

    def _batch(self, entries: list[Entry]) -> Batch:
        rows = Rows(self._price, self._told, self._before, paths=self._settings.paths)
        keeper, at = self._keeper, self._clock()
        self._complete([(record, bodies) for record, bodies, _, _ in entries])
        heads = [None if bodies is None or bodies.mode == NOTHING else known_heads(bodies) for _, bodies, _, _ in entries]
        suspects = self._suspects(entries, heads)
        leaves_out = self._spool.is_half_full
        words: list[str] = []
        for number, (record, bodies, word, _) in enumerate(entries):
            is_suspect = number in suspects
            if is_suspect and word != FULL:
                _redact_calls(record, self._redactor)
            if word == NOTHING:
                bodies = None
            if bodies is not None and leaves_out:
                word, bodies = DROPPED, None
                self._stats.dropped_bodies += 1
            if bodies is not None:
                conversation = record.session and (record.client, record.agent, record.session)
                rows.bodies.append(keeper.row(record.id, at, conversation, bodies, None if is_suspect else heads[number]))
            words.append(word)
        rows.blobs += keeper.packs()
        rows.add([record for record, _, _, _ in entries], words)
        self._number += 1
        return rows.batch(self._name, self._number, at)

    def _suspects(self, entries: list[Entry], heads: list[Heads | None]) -> set[int]:
        """In which exchanges, by their number, there may be a secret: all are looked through at once."""
        texts: list[bytes] = []
        owners: list[int] = []
        for number, (record, bodies, _, _) in enumerate(entries):
            head = heads[number]
            found = [] if bodies is None or head is None else first_look(bodies, head)
            if record.calls:
                found += [call.arguments.encode("utf-8", "replace") for call in record.calls if call.arguments]
            texts += found
            owners += [number] * len(found)
        return {owners[each] for each in self._redactor.suspects(texts)}

    def _put(self, batch: Batch, count: int) -> bool:
        """Whether the batch is in the database, or cannot ever be."""
        writer = self._connected()
        if writer is None:
            return False
        try:
            self._write(writer, batch)
        except StoreAway as error:
            self._is_away(error)
            return False
        except RowRefused as error:
            self._stats.lost += count
            self._keeper.forget()
            logger.error("the journal lost %s: the database takes their rows for wrong (%s)", _exchanges(count), error)
            return True
        self._stats.written += count
        self._again_s = _AGAIN_S[0]
        return True

    def _write(self, writer: Writer, batch: Batch) -> None:
        try:
            writer.write(batch)
        except RowRefused:
            writer.write(cleaned(batch))

    def _wait_on_disk(self, batch: Batch, count: int) -> None:
        if not self._append(batch):
            self._keeper.forget()
            # Bodies first: what an exchange was is far smaller than what was said in it.
            if self._append(without_bodies(batch)):
                self._stats.dropped_bodies += len(batch.bodies)
            else:
                self._stats.lost += count
                logger.error("the journal lost %s: the database is away, and there is no more room for what waits", _exchanges(count))
        self._stats.spooled_bytes = self._spool.size_bytes

    def _append(self, batch: Batch) -> bool:
        try:
            return self._spool.append(_encoded(batch))
        except OSError as error:
            logger.error("the journal cannot let exchanges wait on disk: %s", error.strerror or error)
            return False

    def _replay(self, most_s: float) -> None:
        """Write what waits on disk, in its order, for a while."""
        until = time.monotonic() + most_s
        while self._spool.size_bytes and time.monotonic() < until and self._connected() is not None:
            try:
                with self._spool.oldest() as frames:
                    if frames is None:
                        return
                    for frame in frames:
                        batch = _decode(frame)
                        if not self._put(batch, batch.count):
                            raise StoreAway("it is away again")
            except StoreAway:
                break
            except OSError as error:
                logger.error("what waits on disk for the journal cannot be read: %s", error)
                break
        self._stats.spooled_bytes = self._spool.size_bytes

    # ---- the database -------------------------------------------------------------------------------------------------------

    def _connected(self) -> Writer | None:
        if self._writer is not None:
            return self._writer
        if time.monotonic() < self._again_at:
            return None
        try:
            if self._store is None:
                self._store = self._opens()
            self._writer = self._store.writer()
        except StoreRefused as error:
            self._is_away(error, wait_s=_REFUSED_S)
            return None
        except StoreAway as error:
            self._is_away(error)
            return None
        if self._stats.trouble is not None:
            logger.warning("the database is back; the journal writes what waited")
        self._stats.trouble = None
        return self._writer

    def _is_away(self, error: Exception, wait_s: float = 0.0) -> None:
        if self._stats.trouble is None:
            logger.warning("the journal waits on disk: %s", error)
        self._stats.trouble = str(error)
        self._let_go()
        self._again_s = max(wait_s, min(2 * self._again_s, _AGAIN_S[1]))
        self._again_at = time.monotonic() + self._again_s

    def _let_go(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._store is not None:
            self._store.close()
        self._writer = self._store = None

    # ---- chores -------------------------------------------------------------------------------------------------------------

    def _sweep(self, writer: Writer) -> None:
        now = time.monotonic()
        if now < self._sweep_at:
            return
        wall, keep = self._clock(), self._settings.keep
        current = int(wall) // EPOCH_S
        if now >= self._size_at:
            self._size_at = now + _SIZE_S
            if writer.size_bytes() > keep.size_bytes:
                oldest = writer.oldest_epoch()
                self._epoch_before = 0 if oldest is None else oldest + 1
                self._size_at = now + _SWEEP_S
        # What the epoch that is written to now and the one before it brought is still referred to.
        epoch_before = min(current - 1, max(self._epoch_before, int(wall - keep.bodies_days * _DAY_S) // EPOCH_S))
        swept = writer.sweep(Old(wall - keep.exchanges_days * _DAY_S, epoch_before), _SWEPT)
        self._stats.swept += swept
        self._sweep_at = now + (0.0 if swept else _SWEEP_S)
        self._is_behind = self._is_behind or bool(swept)
        if not swept and self._epoch_before:
            self._epoch_before, self._size_at = 0, 0.0

    def _index(self, writer: Writer) -> None:
        """Let the full-text index catch up, in a share of the time only."""
        began = time.monotonic()
        if began < self._index_at:
            return
        at, took_s = self._indexed
        is_busy = time.thread_time() - took_s > _BUSY_SHARE * (began - at)
        count = writer.index(_INDEXED)
        now = time.monotonic()
        self._indexed = now, time.thread_time()
        self._stats.indexed += count
        self._index_at = now + (now - began) / (_INDEX_SHARE_BUSY if is_busy else _INDEX_SHARE)
        self._is_behind = count == _INDEXED


@contextlib.contextmanager
def _rare_collection() -> Generator[None]:
    """While a batch is made and written: it makes thousands of tuples and no cycle, so that to look for some again and again would be a
    tenth of the work. They are gone when it is over, and with them what there was to look through. Not off, as a database may keep us
    waiting: then what others make meanwhile is looked through once there is that much of it."""
    threshold, *others = gc.get_threshold()
    if not 0 < threshold < _RARELY:
        yield
        return
    gc.set_threshold(_RARELY, *others)
    try:
        yield
    finally:
        gc.set_threshold(threshold, *others)


def _redact_calls(record: Record, redactor: Redactor) -> None:
    for call in record.calls:
        if call.arguments:
            call.arguments = redactor.redact(call.arguments[:_ARGUMENTS].encode("utf-8", "replace")).decode("utf-8", "replace")


def _exchanges(count: int) -> str:
    return "one exchange" if count == 1 else f"{count} exchanges"


def _encoded(batch: Batch) -> bytes:
    try:
        return msgspec.msgpack.encode(batch)
    except (UnicodeError, OverflowError):
        return msgspec.msgpack.encode(cleaned(batch))


def _decode(frame: bytes) -> Batch:
    return msgspec.msgpack.decode(frame, type=Batch)
