"""The journal: takes the record of each exchange without ever making it wait, and has a thread of its own write it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

import msgspec

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.kept import DROPPED, NOTHING
from dragoman.ir.record import Bodies, Record
from dragoman.observe.journal_batches import Complete, Entry
from dragoman.observe.journal_rows import Price, Priced, Told
from dragoman.observe.journal_writer import Opens, Scribe, Stats
from dragoman.observe.spool import Spool

__all__ = ["Journal", "Priced", "Stats"]

logger = logging.getLogger(__name__)

_CLOSE_S = 10.0
_OBJECT_BYTES = 2000
"""What an exchange takes besides its bodies, roughly."""


class Journal:
    """Keeps exchanges in a database. An async context manager: leaving it writes what waits, for as long as it is patient.

    opens: opens the database; called in the thread, since that takes time. folder: where to put what waits while the database is away.
    price: what an exchange costs, told: makes JSON of `Record.decision`, complete: fills in what records lack, from their bodies; all
    called in the thread. secrets: texts that are known to be
    secret.
    """

    def __init__(
        self,
        opens: Opens,
        settings: Settings,
        folder: Path,
        *,
        price: Price | None = None,
        told: Told | None = None,
        complete: Complete | None = None,
        secrets: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        # Sorts by time, so that what earlier processes left is written before.
        name = f"{int(clock() * 1000):013}-{random.getrandbits(48):012x}"
        self._settings = settings
        self._told = told or _plain
        self._queue: deque[Entry] = deque()
        # Of bodies, in all: put by the event loop, taken by the thread. Each has one writer, so none misses what the other counts.
        self._put_bytes = self._taken_bytes = 0
        self._overflow = Spool(folder / "overflow", settings.spool_bytes // 4, name)
        self._stats = Stats()
        self._wake = threading.Event()
        self._is_told = False
        spool = Spool(folder, settings.spool_bytes, name)
        self._scribe = Scribe(
            opens,
            settings,
            spool,
            name,
            price=price or _unpriced,
            told=self._told,
            complete=complete or _as_it_is,
            secrets=secrets,
            clock=clock,
            stats=self._stats,
        )
        # A daemon: a database that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._closing = threading.Event()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, record: Record) -> None:
        """Have an exchange written. Takes its bodies over: they are not in the record any more. Never waits."""
        bodies, word, size = self._taken(record)
        if len(self._queue) >= self._settings.queue:
            self._spill(record, bodies, size)
            return
        self._queue.append((record, bodies, word, size))
        if not self._is_told:
            self._is_told = True
            self._wake.set()

    def use(self, settings: Settings, *, price: Price | None = None, secrets: Iterable[str] = ()) -> None:
        """Go on with other settings: from the next batch on."""
        self._settings = settings
        self._scribe.use(settings, price or _unpriced, tuple(secrets))

    def stats(self) -> Stats:
        """How it goes, for metrics and health."""
        return msgspec.structs.replace(self._stats, waiting=len(self._queue), waiting_bytes=self._put_bytes - self._taken_bytes)

    async def close(self, patience_s: float = _CLOSE_S) -> None:
        """Write what waits, in the database or else on disk."""
        await asyncio.to_thread(self.close_now, patience_s)

    def close_now(self, patience_s: float = _CLOSE_S) -> None:
        """The same, waiting for it."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _taken(self, record: Record) -> tuple[Bodies | None, str, int]:
        bodies, record.bodies = record.bodies, None
        if bodies is None:
            return None, NOTHING, _OBJECT_BYTES
        size = _size(bodies, record)
        if self._put_bytes - self._taken_bytes + size > self._settings.queue_bytes:
            self._stats.dropped_bodies += 1
            return None, DROPPED, _OBJECT_BYTES
        self._put_bytes += size
        return bodies, bodies.mode, size

    def _spill(self, record: Record, bodies: Bodies | None, size: int) -> None:
        """There is no more room in memory: the record waits on disk, without its bodies."""
        if bodies is not None:
            self._put_bytes -= size
            self._stats.dropped_bodies += 1
        if record.decision is not None:
            record.decision = self._told(record.decision)
        try:
            kept = self._overflow.append(msgspec.msgpack.encode(record, enc_hook=str))
        except (OSError, ValueError, TypeError):
            kept = False
        if kept:
            self._stats.spilled += 1
        else:
            self._stats.lost += 1

    def _run(self) -> None:
        is_open = True
        took_at = time.monotonic()
        while is_open:
            if not self._scribe.catches_up:
                # What came while the last batch was written has waited that long.
                since = took_at if self._wake.is_set() else None
                self._wake.wait(self._scribe.pause_s())
                waited_s = 0.0 if since is None else time.monotonic() - since
                if not self._is_filling():
                    self._closing.wait(max(0.0, self._settings.flush_s - waited_s))
            took_at = time.monotonic()
            self._wake.clear()
            # What is put from here on wakes the thread again: so nothing is left behind, and closing comes after all of it.
            self._is_told = False
            is_open = not self._closing.is_set()
            try:
                self._work(is_closing=not is_open)
            except Exception:
                # The outermost edge of this thread: one fault of ours must not end the record of all that follows.
                logger.exception("the journal failed, and goes on")
        self._overflow.close()
        self._scribe.close()

    def _work(self, *, is_closing: bool) -> None:
        # What comes meanwhile waits for the next time: many in a batch cost half of what few do.
        left = len(self._queue)
        while self._queue and (left > 0 or is_closing or self._is_filling()):
            some = self._some()
            left -= len(some)
            self._scribe.write(some)
            self._stats.cpu_s = time.thread_time()
        self._take_overflow()
        self._scribe.chores(is_closing=is_closing)
        self._stats.cpu_s = time.thread_time()

    def _is_filling(self) -> bool:
        """Whether more than a quarter of the room is taken: then nothing is put off."""
        settings = self._settings
        return 4 * len(self._queue) > settings.queue or 4 * (self._put_bytes - self._taken_bytes) > settings.queue_bytes

    def _some(self) -> list[Entry]:
        """What goes into one batch."""
        some: list[Entry] = []
        size = 0
        while self._queue and len(some) < self._scribe.most and size < self._scribe.most_bytes:
            entry = self._queue.popleft()
            some.append(entry)
            size += entry[3]
            if entry[1] is not None:
                self._taken_bytes += entry[3]
        return some

    def _take_overflow(self) -> None:
        while self._overflow.size_bytes and not self._queue:
            with self._overflow.oldest() as frames:
                if frames is None:
                    return
                entries: list[Entry] = []
                for frame in frames:
                    with contextlib.suppress(msgspec.MsgspecError):
                        entries.append((msgspec.msgpack.decode(frame, type=Record), None, DROPPED, _OBJECT_BYTES))
                    if len(entries) == self._scribe.most:
                        self._scribe.write(entries)
                        entries = []
                if entries:
                    self._scribe.write(entries)


def _size(bodies: Bodies, record: Record) -> int:
    """About what the bodies take. The pieces of an answer are not counted one by one, there may be thousands; but where some were left
    out."""
    size = _OBJECT_BYTES
    for pieces in (bodies.client_response, bodies.provider_response):
        if pieces is not None:
            size += sum(map(len, pieces)) if bodies.cut else record.bytes_out
    for body in (bodies.client_request, bodies.provider_request):
        if body is not None:
            size += len(body)
    return size


def _as_it_is(entries: Iterable[tuple[Record, Bodies | None]]) -> None:
    """Fills in nothing."""


def _unpriced(record: Record) -> Priced | None:
    return None


def _plain(decision: Any) -> object:
    return decision
