"""A process that is killed in the middle of its load loses no more than what came since the last flush, and leaves all else sound."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dragoman.store import tables
from dragoman.store.bodies import read_bodies
from dragoman.store.open import open_store
from dragoman.store.queries import tries_of

pytestmark = pytest.mark.server

KILLED = """
import os, sys
from pathlib import Path
from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Attempt, Bodies, Record
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal
from dragoman.store.open import open_store

journal = Journal(lambda: open_store(sys.argv[1]), Settings(flush_s=0.01), Path(sys.argv[2]))
journal.start()
number = written = 0
while True:
    while journal.stats().waiting < 50:
        number += 1
        asked = b'{"n":%d,"text":"%b"}' % (number, b"x" * (20_000 if number % 5 else 300))
        journal.put(Record(f"ex_{number:08}", 1.0, client="ada", session=f"s{number % 3}", usage=Usage(7, 3), status=200,
                           attempts=[Attempt("p", "m", 0.0)], bodies=Bodies("redacted", asked, [b"%d" % number])))
    # How many were put is read first: these are written with the batch after the next at the latest.
    put, now = number, journal.stats().written
    if now != written:
        written = now
        print(put, written, flush=True)
    os.sched_yield()
"""
SEEN = 25


def test_killed_process_loses_only_what_came_since_the_last_flush(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, url, str(tmp_path / "spool")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [_numbers(process.stdout.readline()) for _ in range(SEEN)]
        process.send_signal(signal.SIGKILL)
        # The last line may be cut.
        seen += [_numbers(line) for line in process.stdout.read().split("\n")[:-1]]

    with open_store(url).reader() as connection:
        names = connection.execute(select(tables.exchanges.c.id).order_by(tables.exchanges.c.id)).scalars().all()
        sums = [
            connection.execute(select(func.sum(each))).scalar_one()
            for each in (tables.usage_hours.c.exchanges, tables.sessions.c.exchanges, tables.usage_hours.c.input_tokens)
        ]
        tried = len(tries_of(connection, names))
        bodies = {name: read_bodies(connection, name) for name in (*names[::9], *names[-9:])}
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    count = len(names)
    assert names == [f"ex_{number:08}" for number in range(1, count + 1)]
    assert count >= seen[-1][1]
    assert all(written >= put for (put, _), (_, written) in zip(seen, seen[2:], strict=False))
    assert all(before[1] < after[1] for before, after in pairwise(seen))
    assert (sums, tried) == ([count, count, 7 * count], count)
    for name, found in bodies.items():
        number = int(name[3:])
        asked = b'{"n":%d,"text":"%b"}' % (number, b"x" * (20_000 if number % 5 else 300))
        assert {side: body.data for side, body in found.items()} == {"client_request": asked, "client_response": b"%d" % number}


def _numbers(line: str) -> tuple[int, int]:
    put, written = line.split()
    return int(put), int(written)
