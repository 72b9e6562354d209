"""The deadlines of a reply on a clock that the test moves: what counts as silence, and what doesn't."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from scripted import Run, failure

from dragoman.tasks import Tasks, spawn
from dragoman.upstream.alarm import Alarms
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.reply import Reply

LIMITS = Deadlines(first_byte_s=10, idle_s=5, total_s=60)


class Timer:
    """What `call_later` gives."""

    def __init__(self, clock: Clock, when: float, ring: Callable[[], None]) -> None:
        self.clock, self.when, self.ring = clock, when, ring

    def cancel(self) -> None:
        self.clock.timers.remove(self)


class Clock:
    """An event loop as far as a reply sees one; its time stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []
        self.rung = 0

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, ring: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self, self.now + delay, ring))
        return self.timers[-1]

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    async def move(self, seconds: float) -> None:
        """Let the reader run, time pass and ring what is due, and the reader run again."""
        await _settle()
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer.when <= until]:
            timer = min(due, key=lambda timer: timer.when)
            self.timers.remove(timer)
            self.now = timer.when
            self.rung += 1
            timer.ring()
        self.now = until
        await _settle()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Wire:
    """A connection as far as a reply sees one."""

    def __init__(self) -> None:
        self.uses = 0
        self.did: list[str] = []

    def start(self, sink: object, head: bytes, body: bytes) -> None:
        self.did.append("start")

    def abort(self) -> None:
        self.did.append("abort")

    def pause(self) -> None:
        self.did.append("pause")

    def resume(self) -> None:
        self.did.append("resume")


class Reader:
    """A reply on a moving clock, and a task that reads it as the gateway does."""

    def __init__(self, deadlines: Deadlines = LIMITS) -> None:
        self.clock, self.wire, self.tasks = Clock(), Wire(), Tasks("test")
        self.reply = Reply(self.clock, "h:1", deadlines, self.clock.now)  # type: ignore[arg-type]
        self.reply.attach(self.wire, b"", b"", None)  # type: ignore[arg-type]

    def read(self, wait_s: float | None = None) -> asyncio.Task[bytes | None]:
        return spawn(self.reply.read(wait_s), name="read", owner=self.tasks)


def test_a_stream_that_moves_outlives_its_idle_deadline_but_not_the_total(run: Run) -> None:
    async def body() -> None:
        house = Reader()
        house.reply.took_head(200, ())
        for _ in range(15):
            reading = house.read()
            await house.clock.move(3.9)
            house.reply.took_body([b"."])
            assert await reading == b"."
        reading = spawn(failure(house.reply.read()), name="read", owner=house.tasks)

        await house.clock.move(1.6)

        assert await reading == ("timeout", "`h:1` did not complete its answer within 60 s")
        assert house.wire.did == ["start", "abort"]

    run(body())


def test_deadlines_move_without_moving_timers(run: Run) -> None:
    async def body() -> None:
        house = Reader()
        house.reply.took_head(200, ())
        for _ in range(1000):
            reading = house.read(15)
            await house.clock.move(0.01)
            house.reply.took_body([b"."])
            await reading

        assert (house.clock.rung, len(house.clock.timers)) == (2, 1)

    run(body())


def test_the_idle_deadline_begins_with_the_last_piece(run: Run) -> None:
    async def body() -> None:
        house = Reader()
        reading = spawn(failure(house.reply.read()), name="read", owner=house.tasks)
        await house.clock.move(9)
        house.reply.took_head(200, ())
        await house.clock.move(4.9)
        assert not reading.done()

        await house.clock.move(0.2)

        assert await reading == ("timeout", "`h:1` sent nothing more of its answer within 5 s")

    run(body())


def test_time_in_which_the_socket_is_paused_is_not_the_providers_silence(run: Run) -> None:
    async def body() -> None:
        house = Reader()
        reading = house.read()
        await house.clock.move(0)
        house.reply.took_head(200, ())
        house.reply.took_body([b"first"])
        assert await reading == b"first"
        house.reply.took_body([b"x" * 70_000])
        await house.clock.move(30)  # the client is slow; nobody reads

        assert len(await house.read() or b"") == 70_000
        reading = house.read()
        await house.clock.move(4.9)
        assert (reading.done(), house.wire.did) == (False, ["start", "pause", "resume"])
        house.reply.took_end([])
        assert await reading == b""

    run(body())


def test_a_wait_ends_alone_and_the_deadline_stays(run: Run) -> None:
    async def body() -> None:
        house = Reader()
        waits: list[bool] = []
        for _ in range(3):
            waiting = spawn(house.reply.head(3), name="head", owner=house.tasks)
            await house.clock.move(3)
            waits.append(await waiting)
        waiting = spawn(failure(house.reply.head(3)), name="head", owner=house.tasks)

        await house.clock.move(1)

        assert (waits, await waiting) == ([False] * 3, ("timeout", "`h:1` did not answer within 10 s"))

    run(body())


def test_times_are_told(run: Run) -> None:
    async def body() -> None:
        clock, wire = Clock(), Wire()
        reply = Reply(clock, "h:1", LIMITS, clock.now)  # type: ignore[arg-type]
        clock.now += 0.5
        reply.attach(wire, b"", b"", None)  # type: ignore[arg-type]
        clock.now += 2
        reply.took_head(200, ())

        assert (reply.connected_s, reply.first_byte_s, reply.reused) == (0.5, 2.5, False)

    run(body())


@pytest.mark.parametrize("complete", [True, False])
def test_a_closed_reply_is_watched_no_more(run: Run, complete: bool) -> None:
    async def body() -> None:
        house = Reader()
        reading = spawn(failure(house.reply.read(15)), name="read", owner=house.tasks)
        await house.clock.move(0)
        house.reply.took_head(200, ())
        if complete:
            reading.cancel()
            house.reply.took_end([])

        house.reply.close()

        await asyncio.wait([reading])
        await house.clock.move(100)
        assert (house.clock.rung, house.clock.timers) == (1, [])
        assert house.wire.did == (["start"] if complete else ["start", "abort"])

    run(body())


class Taker:
    """What a pump hands its pieces to."""

    def __init__(self, enough: int = 1000) -> None:
        self.taken: list[bytes] = []
        self.enough = enough

    def __call__(self, piece: bytes) -> bool:
        if piece == b"bad":
            raise ValueError("bad")
        self.taken.append(piece)
        return len(self.taken) < self.enough


def _pump(house: Reader, taker: Taker, wait_s: float = 3) -> asyncio.Task[bool]:
    return spawn(house.reply.pump(taker, wait_s), name="pump", owner=house.tasks)


def test_a_pump_hands_on_each_piece_at_once_and_then_the_end(run: Run) -> None:
    async def body() -> None:
        house, taker = Reader(), Taker()
        house.reply.took_head(200, ())
        house.reply.took_body([b"early"])
        pumping = _pump(house, taker)
        await house.clock.move(0)
        house.reply.took_body([b"a", b"b"])
        house.reply.took_body([b"c"])
        at_once = list(taker.taken)

        house.reply.took_end([])

        assert (await pumping, at_once, taker.taken) == (True, [b"early", b"ab", b"c"], [b"early", b"ab", b"c", b""])

    run(body())


@pytest.mark.parametrize(("enough", "taken"), [(1000, [b"a", b"bc", b""]), (2, [b"a", b"bc"])], ids=["to its end", "until it has enough"])
def test_a_pump_hands_on_the_bytes_that_come_with_the_end(run: Run, enough: int, taken: list[bytes]) -> None:
    async def body() -> None:
        house, taker = Reader(), Taker(enough)
        house.reply.took_head(200, ())
        pumping = _pump(house, taker)
        await house.clock.move(0)
        house.reply.took_body([b"a"])
        house.reply.took_end([b"b", b"c"])

        assert (await pumping, taker.taken, await house.reply.read()) == (True, taken, b"")

    run(body())


def test_what_comes_after_a_pump_had_enough_is_kept_for_the_next(run: Run) -> None:
    async def body() -> None:
        house, taker = Reader(), Taker(enough=1)
        house.reply.took_head(200, ())
        pumping = _pump(house, taker)
        await house.clock.move(0)
        for piece in (b"a", b"b", b"c"):
            house.reply.took_body([piece])
        house.reply.took_end([])
        told = await pumping

        assert (told, taker.taken, await house.reply.read(), await house.reply.read()) == (True, [b"a"], b"bc", b"")

    run(body())


def test_a_pump_waits_from_the_last_piece_on(run: Run) -> None:
    async def body() -> None:
        house, taker = Reader(), Taker()
        house.reply.took_head(200, ())
        pumping = _pump(house, taker)
        for _ in range(5):
            await house.clock.move(2.9)
            house.reply.took_body([b"."])
        await house.clock.move(2.9)
        assert not pumping.done()

        await house.clock.move(0.2)

        assert (await pumping, taker.taken) == (False, [b"."] * 5)

    run(body())


def test_a_pump_raises_what_its_taker_raises(run: Run) -> None:
    async def body() -> None:
        house, taker = Reader(), Taker()
        house.reply.took_head(200, ())
        pumping = _pump(house, taker)
        await house.clock.move(0)
        house.reply.took_body([b"bad"])

        with pytest.raises(ValueError, match="bad"):
            await pumping

    run(body())


def test_a_pump_hands_on_what_came_and_then_raises_the_failure(run: Run) -> None:
    async def body() -> None:
        house, taker = Reader(), Taker()
        house.reply.took_head(200, ())
        pumping = spawn(failure(house.reply.pump(taker, 100)), name="pump", owner=house.tasks)
        await house.clock.move(1)
        house.reply.took_body([b"a"])

        await house.clock.move(5.1)

        assert (await pumping, taker.taken) == (("timeout", "`h:1` sent nothing more of its answer within 5 s"), [b"a"])

    run(body())


def test_one_clock_serves_many_replies(run: Run) -> None:
    async def body() -> None:
        clock = Clock()
        alarms = Alarms(clock)  # type: ignore[arg-type]
        replies = [Reply(clock, "h:1", LIMITS, clock.now, alarms) for _ in range(20)]  # type: ignore[arg-type]
        for reply in replies:
            reply.attach(Wire(), b"", b"", None)  # type: ignore[arg-type]
        tasks = Tasks("test")
        waiting = [spawn(failure(reply.head()), name="head", owner=tasks) for reply in replies]
        await clock.move(0)
        assert len(clock.timers) == 1
        replies[0].close()

        await clock.move(10)

        told = [await each for each in waiting]
        assert told[1:] == [("timeout", "`h:1` did not answer within 10 s")] * 19
        assert clock.timers == []

    run(body())
