"""`python -m bench.journal`: the journal under load, in a process that does nothing else but ask it to write.

It is the journal of a gateway: records are priced, their tools and turns are read off their bodies, secrets are taken out.
JOURNAL_SECS (60) of JOURNAL_RATE (2000) exchanges a second of 4 KB, and of JOURNAL_SESSIONS (100) a second of agents whose requests grow
from 60 to 800 KB. JOURNAL_URL names the database (a SQLite file of its own); JOURNAL_AWAY (0) seconds of it the database is away.
What is asked: is any record lost, what share of two cores does the journal take, does memory stay, does the event loop wait.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select

from bench.conversations import Load, digest
from dragoman.app.compose import compose, lasting
from dragoman.app.keeping import keeper
from dragoman.config.load import parse
from dragoman.observe.journal import Journal
from dragoman.observe.observer import Observer
from dragoman.store.batch import Batch, Writer
from dragoman.store.bodies import read_bodies
from dragoman.store.faults import StoreAway
from dragoman.store.open import Store, open_store
from dragoman.store.tables import exchanges, usage_hours

_TICK_S = 0.01
_CORES = 2
_WARM_S = 3.0
_STEPS = 12
_CONFIG = b"""
providers: {openai: {kind: openai, keys: [{name: main, key: sk-proj-of-the-gateway-0123456789}]}}
models: {fast: openai/gpt-5.5}
access: {keys: [{name: ada, key: dgm-of-ada-0123456789, team: red, user: ada@example.com}]}
"""


class _Away:
    """A database that can be taken away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.is_away = False

    def __call__(self) -> Store:
        if self.is_away:
            raise StoreAway("it was taken away")
        store = open_store(self._url)
        make = store.writer

        def writer() -> Writer:
            made: Any = make()
            write = made.write

            def checked(batch: Batch) -> None:
                if self.is_away:
                    raise StoreAway("it was taken away")
                write(batch)

            made.write = checked
            return made

        setattr(store, "writer", writer)  # noqa: B010
        return store


class _Outcome(msgspec.Struct):
    """What was measured while it ran. sizes: resident memory by the second."""

    put: int = 0
    put_ns: int = 0
    took_s: float = 0.0
    thread_s: float = 0.0
    process_s: float = 0.0
    behind_s: float = 0.0
    late: list[float] = []
    sizes: list[int] = []


def main() -> None:
    """Load, and tell."""
    seconds, rate = float(os.environ.get("JOURNAL_SECS", "60")), float(os.environ.get("JOURNAL_RATE", "2000"))
    sessions, away_s = float(os.environ.get("JOURNAL_SESSIONS", "100")), float(os.environ.get("JOURNAL_AWAY", "0"))
    with tempfile.TemporaryDirectory() as folder:
        url = os.environ.get("JOURNAL_URL") or f"sqlite:///{folder}/journal.db"
        asyncio.run(_run(url, Path(folder), seconds, rate, sessions, away_s))


async def _run(url: str, folder: Path, seconds: float, rate: float, sessions: float, away_s: float) -> None:
    database, seen = _Away(url), _Outcome()
    config, env = parse(_CONFIG, {}).config, {"XDG_DATA_HOME": str(folder)}
    before = _count(open_store(url))
    async with lasting(env, Observer(None)) as shared:
        composed = await compose(config, shared)
        load = Load(composed.runtime.resolver.resolve("fast").only)
        kept = keeper(config, env, lambda: composed, lambda _: database)
        assert kept is not None
        async with kept:
            await _warm(load, kept.journal)
            before += 1
            await _burden(load, kept.journal, database, seen, (seconds, rate, sessions, away_s))
            at = time.perf_counter()
            await kept.journal.close(120)
            seen.behind_s = time.perf_counter() - at
    _tell(open_store(url), kept.journal, load, seen, before)


async def _warm(load: Load, journal: Journal) -> None:
    """What happens once in the life of a process, as reading the price lists, is no share of the load."""
    journal.put(load.small())
    await asyncio.sleep(_WARM_S)
    assert journal.stats().written == 1


async def _burden(load: Load, journal: Journal, database: _Away, seen: _Outcome, given: tuple[float, float, float, float]) -> None:
    seconds, rate, sessions, away_s = given
    made, warmed_s = [0, 0], journal.stats().cpu_s
    began, process_s = time.perf_counter(), time.process_time()
    while (now := time.perf_counter() - began) < seconds:
        database.is_away = seconds / 3 < now < seconds / 3 + away_s
        for kind, per_s, make in ((0, rate, load.small), (1, sessions, load.long)):
            while made[kind] < per_s * now:
                record = make()
                at = time.perf_counter_ns()
                journal.put(record)
                seen.put_ns += time.perf_counter_ns() - at
                made[kind] += 1
        if len(seen.sizes) < now:
            seen.sizes.append(_resident())
        wanted = time.perf_counter() + _TICK_S
        await asyncio.sleep(_TICK_S)
        seen.late.append(time.perf_counter() - wanted)
    seen.put, seen.took_s, seen.thread_s = sum(made), time.perf_counter() - began, journal.stats().cpu_s - warmed_s
    seen.process_s = time.process_time() - process_s


def _tell(store: Store, journal: Journal, load: Load, seen: _Outcome, before: int) -> None:
    written, sound = _count(store) - before, 0
    with store.reader() as connection:
        for name, digests in load.asked.items():
            kept = read_bodies(connection, name)
            sound += tuple(digest(kept[side].data) for side in ("client_request", "provider_request") if side in kept) == digests
        summed = connection.execute(select(func.sum(usage_hours.c.exchanges))).scalar()
        priced = connection.execute(select(func.count(exchanges.c.cost_pico))).scalar()
    late, own_s = sorted(seen.late), seen.thread_s + seen.put_ns / 1e9
    told = {
        "exchanges": seen.put,
        "a_second": round(seen.put / seen.took_s),
        "not_written": seen.put - written,
        "in_the_sums": int(summed or 0) - before,
        "priced": priced,
        "bodies_sound": f"{sound} of {len(load.asked)} checked",
        "share_of_two_cores": round(own_s / seen.took_s / _CORES, 4),
        "rest_of_the_process": round((seen.process_s - own_s) / seen.took_s / _CORES, 4),
        "put_us": round(seen.put_ns / seen.put / 1e3, 2),
        "loop_late_ms": {name: round(late[int(len(late) * part)] * 1e3, 2) for name, part in (("p50", 0.5), ("p99", 0.99))},
        "resident_mb": [round(size / 2**20) for size in seen.sizes[:: max(1, len(seen.sizes) // _STEPS)]],
        "behind_s": round(seen.behind_s, 2),
        "size_mb": round(store.writer().size_bytes() / 2**20, 1),
        "sqlite": sqlite3.sqlite_version,
        "stats": msgspec.structs.asdict(journal.stats()),
    }
    print(json.dumps(told, indent=1))


def _count(store: Store) -> int:
    with store.reader() as connection:
        return connection.execute(select(func.count()).select_from(exchanges)).scalar() or 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
