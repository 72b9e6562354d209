"""`python -m bench.journal`: the journal under load, in a process that does nothing else but ask it to write.

JOURNAL_SECS (60) of JOURNAL_RATE (2000) exchanges a second of 4 KB, and of JOURNAL_SESSIONS (100) a second of agents whose requests grow
from 60 to 800 KB. JOURNAL_URL names the database (a SQLite file of its own); JOURNAL_AWAY (0) seconds of it the database is away.
What is asked: is any record lost, what share of two cores does the journal's thread take, does memory stay, does the event loop wait.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Attempt, Bodies, Record
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal
from dragoman.store.batch import Batch, Writer
from dragoman.store.bodies import read_bodies
from dragoman.store.faults import StoreAway
from dragoman.store.open import Store, open_store
from dragoman.store.tables import exchanges, usage_hours

_TURNS = 200
_FIRST, _GROWTH = 60_000, 3_700
_TICK_S = 0.01
_CORES = 2
_WORDS = tuple((Path(__file__).parent.parent / "docs" / "routing.md").read_text().split())


class _Load:
    """Makes records: small ones, and those of sessions that go on."""

    def __init__(self) -> None:
        self._dice = random.Random(1)
        self._made = 0
        self.asked: dict[str, bytes] = {}
        self._small = [self._json({"messages": [self._said(3900)]}) for _ in range(64)]
        self._answers = [self._json({"choices": [{"message": self._said(700)}]}) for _ in range(64)]
        head = {"model": "m", "instructions": self._text(20_000)}
        self._head = self._json(head)[:-1] + b',"input":['
        self._tools = self._json([{"type": "function", "name": f"t{n}", "description": self._text(600)} for n in range(20)])
        self._items = [self._json(self._said(_GROWTH - 60)) for _ in range(400)]
        self._sessions = [self._session(f"s{number}") for number in range(30)]

    def small(self) -> Record:
        """One of 4 KB."""
        number = self._next()
        body, answer = self._small[number % 64], self._answers[number % 64]
        record = self._record(number, body, answer)
        record.bodies = Bodies("redacted", b'{"n":%d,' % number + body[1:], [answer], b'{"m":%d,' % number + body[1:])
        return record

    def long(self) -> Record:
        """The next request of a session."""
        return next(self._sessions[self._dice.randrange(len(self._sessions))])

    def _session(self, name: str) -> Iterator[Record]:
        while True:
            items = [self._dice.choice(self._items) for _ in range((_FIRST - 35_000) // _GROWTH)]
            for turn in range(_TURNS):
                number = self._next()
                items.append(self._dice.choice(self._items)[:-3] + b'%d"}' % number)
                body = b'%b%b],"tools":%b,"client_metadata":{"turn":"%d"}}' % (self._head, b",".join(items), self._tools, turn)
                answer = self._answers[number % 64] * 4
                record = self._record(number, body, answer)
                record.session, record.turn = name, str(turn // 3)
                record.bodies = Bodies("redacted", body, [answer], None)
                if number % 97 == 0:
                    self.asked[record.id] = body
                yield record

    def _record(self, number: int, body: bytes, answer: bytes) -> Record:
        tried = Attempt("burst", "model", 0.001, "key", 0.002, 0.01, 0.5, 200)
        return Record(
            id=f"ex_{number:012}", began_at=time.time(), client="ada", agent="bench", dialect="chat", asked="m", provider="burst",
            model=f"model-{number % 7}", lane="relay", status=200, usage=Usage(1000, 50, 800), attempts=[tried], bytes_in=len(body),
            bytes_out=len(answer), first_token_s=0.1, total_s=0.5,
        )  # fmt: skip

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _said(self, size: int) -> dict[str, object]:
        return {"type": "message", "role": "user", "content": self._text(size)}

    def _text(self, size: int) -> str:
        return " ".join(self._dice.choices(_WORDS, k=size // 5))[:size]

    def _json(self, value: object) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()


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
    """What was measured while it ran."""

    put: int = 0
    put_ns: int = 0
    took_s: float = 0.0
    thread_s: float = 0.0
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
    load, database, seen = _Load(), _Away(url), _Outcome()
    before = _count(open_store(url))
    journal = Journal(database, Settings(), folder / "spool")
    made = [0, 0]
    async with journal:
        began = time.perf_counter()
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
        seen.put, seen.took_s, seen.thread_s = sum(made), time.perf_counter() - began, journal.stats().cpu_s
        at = time.perf_counter()
        await journal.close(120)
        seen.behind_s = time.perf_counter() - at
    _tell(open_store(url), journal, load, seen, before)


def _tell(store: Store, journal: Journal, load: _Load, seen: _Outcome, before: int) -> None:
    written, sound = _count(store) - before, 0
    with store.reader() as connection:
        for name, body in load.asked.items():
            kept = read_bodies(connection, name).get("client_request")
            sound += kept is not None and kept.data == body
        summed = connection.execute(select(func.sum(usage_hours.c.exchanges))).scalar()
    late = sorted(seen.late)
    told = {
        "exchanges": seen.put,
        "a_second": round(seen.put / seen.took_s),
        "not_written": seen.put - written,
        "in_the_sums": int(summed or 0) - before,
        "bodies_sound": f"{sound} of {len(load.asked)} checked",
        "share_of_two_cores": round((seen.thread_s + seen.put_ns / 1e9) / seen.took_s / _CORES, 4),
        "put_us": round(seen.put_ns / seen.put / 1e3, 2),
        "loop_late_ms": {name: round(late[int(len(late) * part)] * 1e3, 2) for name, part in (("p50", 0.5), ("p99", 0.99))},
        "resident_mb": [round(size / 2**20) for size in seen.sizes[:: max(1, len(seen.sizes) // 12)]],
        "behind_s": round(seen.behind_s, 2),
        "size_mb": round(store.writer().size_bytes() / 2**20, 1),
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
