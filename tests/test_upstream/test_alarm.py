"""Timers on a clock that the test moves, also past them: a process that stood still finds its timers late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from scripted import OK, Answer, Peer, Run, Script, Server, ask, failure

from dragoman.tasks import Tasks, spawn
from dragoman.upstream.alarm import Alarm, within
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.pool import Pool, PoolSettings
from dragoman.upstream.proxy import Proxies
from still import send_past_the_loop, stand_still

OKAY = Answer(200, (("content-length", "2"),), b"ok")
LIMIT_S = 2.0
STILL_S = 2.3


class Timer:
    """What `call_later` gives."""

    def __init__(self, when: float, ring: Callable[[], None]) -> None:
        self.when, self.ring, self.is_on = when, ring, True

    def cancel(self) -> None:
        self.is_on = False


class Clock:
    """An event loop as far as an alarm sees one."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, ring: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + delay, ring))
        return self.timers[-1]

    def stand_still(self, seconds: float) -> None:
        """Time passes at once; then rings what is due by now."""
        self.now += seconds
        due = [timer for timer in self.timers if timer.is_on and timer.when <= self.now]
        self.timers = [timer for timer in self.timers if timer not in due]
        for timer in due:
            timer.ring()

    def run(self, seconds: float) -> None:
        """Time passes as it does: each timer rings when it is due."""
        until = self.now + seconds
        while due := [timer.when for timer in self.timers if timer.is_on and timer.when <= until]:
            self.stand_still(min(due) - self.now)
        self.now = until


class Rung:
    """An alarm that notes when it rang; `then` is when it rings again."""

    def __init__(self, *then: float) -> None:
        self.clock = Clock()
        self.at: list[float] = []
        self._then = list(then)
        self.alarm = Alarm(self.clock, self._ring)  # type: ignore[arg-type]

    def _ring(self, now: float) -> float | None:
        self.at.append(now)
        return self._then.pop(0) if self._then else None


def test_an_alarm_rings_at_its_time_and_again_when_it_is_told_to() -> None:
    rung = Rung(130.0)
    rung.alarm.by(110.0)

    rung.clock.run(60)

    assert rung.at == [110.0, 130.0]


def test_an_alarm_that_comes_late_itself_rings_later_by_as_much() -> None:
    rung = Rung()
    rung.alarm.by(110.0)

    rung.clock.stand_still(12)
    assert rung.at == []
    rung.clock.run(60)

    assert rung.at == [114.0]


def test_after_a_night_a_few_seconds_are_given() -> None:
    rung = Rung()
    rung.alarm.by(110.0)

    rung.clock.stand_still(30_000)
    rung.clock.run(60)

    assert rung.at == [30_105.0]


def test_nobody_gets_time_for_ever_where_the_process_is_always_late() -> None:
    rung = Rung()
    rung.alarm.by(110.0)

    for _ in range(4):
        rung.clock.stand_still(10.5)

    assert rung.at == [121.0]


def test_what_is_due_sooner_waits_until_the_time_given_is_over() -> None:
    rung = Rung()
    rung.alarm.by(110.0)
    rung.clock.stand_still(12)

    rung.alarm.by(112.5)
    rung.clock.run(60)

    assert rung.at == [114.0]


def test_a_time_that_is_over_already_is_not_late() -> None:
    rung = Rung()
    rung.alarm.by(50.0)

    rung.clock.run(1)

    assert rung.at == [100.0]


def test_a_limit_ends_what_it_is_for(run: Run) -> None:
    async def body() -> None:
        with pytest.raises(TimeoutError):
            async with within(0.01):
                await asyncio.Event().wait()
        async with within(30):
            await asyncio.sleep(0)

    run(body())


@pytest.mark.long
def test_what_came_while_the_process_stood_still_is_read_before_anybody_is_late(run: Run) -> None:
    """A provider that answered, one that went on with its answer, and a proxy that gave its own."""
    deadlines = Deadlines(connect_s=LIMIT_S, first_byte_s=LIMIT_S, idle_s=LIMIT_S)

    async def body() -> None:
        said: dict[str, Peer] = {}

        def saying(name: str, begin: bytes = b"") -> Script:
            async def script(peer: Peer) -> None:
                await peer.head()
                await peer.send(begin)
                said[name] = peer
                await peer.left()

            return script

        def meanwhile() -> None:
            send_past_the_loop(said["silent"].writer, OK)
            send_past_the_loop(said["halting"].writer, OK[-1:])
            send_past_the_loop(said["proxy"].writer, b"HTTP/1.1 403 No\r\n\r\n")

        tasks = Tasks("test")
        async with Server(saying("silent")) as silent, Server(saying("halting", OK[:-1])) as halting, Server(saying("proxy")) as proxy:
            pool = Pool(PoolSettings(proxies=Proxies.from_environment({"https_proxy": f"http://{proxy.place}"})))
            asked = [spawn(ask(pool, server, deadlines=deadlines), name="ask", owner=tasks) for server in (silent, halting)]
            far = spawn(failure(ask(pool, Origin("https", "far.example", 443), deadlines=deadlines)), name="ask", owner=tasks)
            while len(said) < 3:
                await asyncio.sleep(0)

            await stand_still(STILL_S, meanwhile)

            assert [await each for each in asked] == [OKAY, OKAY]
            assert "it answered with status 403" in (await far)[1]
            await pool.close()

    run(body())
