"""What one origin's stock does with connections that end in the moment in which they change hands."""

from __future__ import annotations

import asyncio
from math import inf

from scripted import Run

from dragoman.tasks import Tasks, spawn
from dragoman.upstream.alarm import Alarm
from dragoman.upstream.connection import Connection, Limits
from dragoman.upstream.origin import Origin
from dragoman.upstream.stock import Stock


def test_a_connection_that_ended_while_it_was_handed_over_is_not_kept(run: Run) -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        alarm = Alarm(loop, lambda now: None)
        stock = Stock(Origin("http", "one", 80), None, limit=1, waiting=1, idle_s=60.0, alarm=alarm, loop=loop)
        connection = Connection(loop, "one:80", stock, Limits())

        async def connect(_: Stock) -> Connection:
            return connection

        await stock.acquire(connect, 60.0)
        leaver = spawn(stock.acquire(connect, 60.0), name="acquire", owner=Tasks("test"))
        await asyncio.sleep(0)
        stock.freed(connection)
        connection.connection_lost(None)
        leaver.cancel()
        await asyncio.wait([leaver])

        # Nothing to expire: a timer for what is gone already would ring at once, again and again.
        assert (stock.open, stock.idle, stock.expire(inf)) == (0, 0, None)
        alarm.end()

    run(body())
