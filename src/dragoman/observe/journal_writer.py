"""What the journal's thread does: writes batches or lets them wait on disk, deletes what has had its time, feeds the search."""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Callable, Generator, Iterable
from math import isqrt
from typing import Protocol

import msgspec

from dragoman.config.journal_schema import Journal as Settings
from dragoman.observe.journal_batches import Batches, Complete, Entry, is_kept
from dragoman.observe.journal_bodies import EPOCH_S
from dragoman.observe.journal_digests import Digests
from dragoman.observe.journal_rows import Price, Told, without_bodies
from dragoman.observe.spool import Spool
from dragoman.store.batch import Batch, Old, Writer
from dragoman.store.clean import cleaned
from dragoman.store.faults import RowRefused, StoreAway, StoreRefused

logger = logging.getLogger(__name__)

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
_FAILED_S = 300.0
"""So long a chore is left that failed otherwise than for the database: what is wrong may stand in what is kept, and be there again."""
_BUSY_SHARE = 0.1
"""Of one core, from which on the thread has much to do."""
_RARELY = 100_000
"""Objects that are made before Python looks for cycles among them: some times what a batch makes."""
_REPLAY_S = 0.25
"""So long what waited on disk is written before what came meanwhile: the longer, the fuller the queue, which then drops bodies."""
_LAST_REPLAY_S = 8.0


_Lost = tuple[str, Exception]
"""The id of an exchange, and why it cannot be written."""


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
        self._clock = clock
        self._stats = stats
        self._batches = Batches(name, settings, price=price, told=told, complete=complete, secrets=secrets, clock=clock)
        self._store: Opened | None = None
        self._writer: Writer | None = None
        self._epoch_before = 0
        self._again_at = self._size_at = self._index_at = 0.0
        self._again_s = _AGAIN_S[0]
        self._sweep_at = time.monotonic() + _SWEEP_S
        self._digests = Digests()
        # When the index was fed last, and what the thread had taken by then.
        self._indexed = 0.0, 0.0
        self._is_behind = True
        # When to try a chore again that failed.
        self._failed: dict[str, float] = {}

    def use(self, settings: Settings, price: Price, secrets: tuple[str, ...]) -> None:
        """Other settings, from the next batch on. Called by another thread."""
        self._batches.use(settings, price, secrets)
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
        """Write exchanges into the database, or where it is away, on disk. Empties the list. Raises nothing: what cannot be written is
        lost, and counted."""
        with _rare_collection():
            lost = self._put_or_wait(entries)
            # Let go here, so that they are not looked through afterwards.
            entries.clear()
        if lost:
            self._stats.lost += len(lost)
            name, error = lost[0]
            logger.error("the journal lost %s that cannot be written; the first is `%s`", _exchanges(len(lost)), name, exc_info=error)
        self._is_behind = True

    def chores(self, *, is_closing: bool) -> None:
        """What is to be done besides: what waits on disk first."""
        if self._spool.size_bytes:
            self._replay(_LAST_REPLAY_S if is_closing else _REPLAY_S)
        if is_closing or self._stats.trouble is not None or self._writer is None:
            return
        try:
            self._do("sweep", self._sweep, self._writer)
            self._do("sums", self._digests.catch_up, self._writer)
            if not self._settings.search or not self._do("search", self._index, self._writer):
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

    def _put_or_wait(self, entries: list[Entry]) -> list[_Lost]:
        """Those that cannot be written. They take no other with them: where there is a fault in a batch its parts are tried, and theirs."""
        has_room = not self._spool.is_half_full
        try:
            batch = self._batches.make(entries, has_room=has_room)
            if self._spool.size_bytes or not self._put(batch):
                self._wait_on_disk(batch)
        except Exception as error:
            # The outermost edge of an exchange's record, whatever is wrong with it.
            self._batches.forget()
            if len(entries) == 1:
                return [(entries[0][0].id, error)]
            size = isqrt(len(entries))
            return [lost for at in range(0, len(entries), size) for lost in self._put_or_wait(entries[at : at + size])]
        self._stats.dropped_bodies += 0 if has_room else sum(map(is_kept, entries))
        return []

    def _put(self, batch: Batch) -> bool:
        """Whether the batch is in the database now: else it is away. Raises RowRefused."""
        writer = self._connected()
        if writer is None:
            return False
        try:
            self._write(writer, batch)
        except StoreAway as error:
            self._is_away(error)
            return False
        self._stats.written += batch.count
        self._again_s = _AGAIN_S[0]
        return True

    def _write(self, writer: Writer, batch: Batch) -> None:
        try:
            writer.write(batch)
        except RowRefused:
            writer.write(cleaned(batch))

    def _wait_on_disk(self, batch: Batch) -> None:
        if not self._append(batch):
            self._batches.forget()
            # Bodies first: what an exchange was is far smaller than what was said in it.
            if self._append(without_bodies(batch)):
                self._stats.dropped_bodies += len(batch.bodies)
            else:
                self._stats.lost += batch.count
                logger.error("the journal lost %s: the database is away, and there is no more room for what waits", _exchanges(batch.count))
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
                        self._put_again(_decode(frame))
            except StoreAway:
                break
            except OSError as error:
                logger.error("what waits on disk for the journal cannot be read: %s", error)
                break
        self._stats.spooled_bytes = self._spool.size_bytes

    def _put_again(self, batch: Batch) -> None:
        """Raises StoreAway."""
        try:
            if not self._put(batch):
                raise StoreAway("it is away again")
        except RowRefused as error:
            self._stats.lost += batch.count
            self._batches.forget()
            logger.error("the journal lost %s: the database takes their rows for wrong (%s)", _exchanges(batch.count), error)

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

    def _do(self, name: str, chore: Callable[[Writer], None], writer: Writer) -> bool:
        """Whether it went well. A fault of ours in one holds up nothing else, and is told once. Raises StoreAway."""
        if time.monotonic() < self._failed.get(name, 0.0):
            return False
        try:
            chore(writer)
        except StoreAway:
            raise
        except Exception:
            if name not in self._failed:
                logger.exception("a chore of the journal failed, its `%s`; it is tried again every %d seconds", name, _FAILED_S)
            self._failed[name] = time.monotonic() + _FAILED_S
            return False
        self._failed.pop(name, None)
        return True

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


def _exchanges(count: int) -> str:
    return "one exchange" if count == 1 else f"{count} exchanges"


def _encoded(batch: Batch) -> bytes:
    try:
        return msgspec.msgpack.encode(batch)
    except (UnicodeError, OverflowError):
        return msgspec.msgpack.encode(cleaned(batch))


def _decode(frame: bytes) -> Batch:
    return msgspec.msgpack.decode(frame, type=Batch)
