"""Tasks are held, waited for, cancelled, and their deaths told once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from dragoman.tasks import Errand, Tasks, spawn


async def waiting(event: asyncio.Event) -> str:
    await event.wait()
    return "done"


def test_a_task_gives_its_result_and_is_let_go() -> None:
    async def body() -> None:
        tasks, event = Tasks("owner"), asyncio.Event()
        task = spawn(waiting(event), name="one", owner=tasks)
        assert (len(tasks), repr(tasks)) == (1, "Tasks('owner', running=['one'])")

        event.set()

        assert (await task, len(tasks)) == ("done", 0)

    asyncio.run(body())


def test_a_task_that_dies_is_logged_once_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def dying() -> None:
        raise LookupError("gone")

    async def body() -> None:
        tasks = Tasks("owner")
        spawn(dying(), name="one", owner=tasks)
        await tasks.close(1)

    with caplog.at_level(logging.ERROR):
        asyncio.run(body())

    assert [record.getMessage() for record in caplog.records] == ["task `one` of `owner` died: LookupError('gone')"]


def test_close_waits_for_those_that_end_and_cancels_the_others() -> None:
    async def body() -> None:
        tasks, event = Tasks("owner"), asyncio.Event()
        quick = spawn(asyncio.sleep(0, "quick"), name="quick", owner=tasks)
        stuck = spawn(waiting(event), name="stuck", owner=tasks)

        await tasks.close(0.01)

        assert (quick.result(), stuck.cancelled(), len(tasks)) == ("quick", True, 0)

    asyncio.run(body())


def test_close_waits_for_what_is_started_while_it_waits() -> None:
    async def body() -> None:
        tasks, log = Tasks("owner"), list[str]()

        async def cleaning() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                log.append("cleaned")

        async def starting() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                spawn(cleaning(), name="late", owner=tasks)
                await asyncio.sleep(0)

        spawn(starting(), name="first", owner=tasks)
        await asyncio.sleep(0)

        await tasks.close()

        assert (len(tasks), log) == (0, ["cleaned"])

    asyncio.run(body())


def test_a_task_may_close_its_own_owner() -> None:
    async def body() -> None:
        tasks = Tasks("owner")
        other = spawn(asyncio.Event().wait(), name="other", owner=tasks)

        async def closing() -> str:
            await tasks.close()
            return "still here"

        assert (await spawn(closing(), name="closing", owner=tasks), other.cancelled()) == ("still here", True)

    asyncio.run(body())


def _errand(coro: Coroutine[Any, Any, None]) -> Errand:
    """Begun at once, outside of any task, as by a connection whose bytes have come."""
    errand = Errand(asyncio.get_running_loop(), coro)
    asyncio.get_running_loop().call_soon(errand.run)
    return errand


async def _over(errand: Errand) -> None:
    while not errand.done():
        await asyncio.sleep(0)


def test_an_errand_runs_at_once_to_its_first_wait_and_goes_on_when_that_is_over() -> None:
    async def body() -> None:
        loop, event, done = asyncio.get_running_loop(), asyncio.Event(), list[str]()

        async def going() -> None:
            done.append("began")
            await event.wait()
            await asyncio.sleep(0)
            done.append("ended")

        errand = Errand(loop, going())
        begun = loop.create_future()

        def begin() -> None:
            errand.run()
            begun.set_result(list(done))

        loop.call_soon(begin)
        assert (await begun, errand.done()) == (["began"], False)
        event.set()
        await _over(errand)

        assert done == ["began", "ended"]

    asyncio.run(body())


def test_an_errand_begun_by_a_task_waits_until_that_one_waits() -> None:
    async def body() -> None:
        done = list[str]()

        async def going() -> None:
            done.append("errand")

        errand = Errand(asyncio.get_running_loop(), going())
        errand.run()
        done.append("task")
        await _over(errand)

        assert done == ["task", "errand"]

    asyncio.run(body())


def test_a_cancelled_errand_hears_of_it_where_it_waits_and_may_wait_again() -> None:
    async def body() -> None:
        done = list[str]()

        async def going() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                done.append("settled")
                raise

        errand = _errand(going())
        await asyncio.sleep(0)

        assert (errand.cancel(), errand.cancelling()) == (True, 1)
        await _over(errand)
        assert (done, errand.cancel()) == (["settled"], False)

    asyncio.run(body())


def test_an_errand_cancelled_before_it_began_hears_of_it_then() -> None:
    async def body() -> None:
        done = list[str]()

        async def going() -> None:
            done.append("ran")

        errand = _errand(going())
        errand.cancel()
        await _over(errand)

        assert done == []

    asyncio.run(body())


def test_a_cancel_that_crosses_the_end_of_the_wait_is_not_lost() -> None:
    async def body() -> None:
        event, done = asyncio.Event(), list[str]()

        async def going() -> None:
            try:
                await event.wait()
                done.append("went on")
            except asyncio.CancelledError:
                done.append("cancelled")

        errand = _errand(going())
        await asyncio.sleep(0)
        event.set()
        errand.cancel()
        await _over(errand)

        assert done == ["cancelled"]

    asyncio.run(body())


def test_a_timeout_works_within_an_errand() -> None:
    async def body() -> None:
        done = list[str]()

        async def going() -> None:
            try:
                async with asyncio.timeout(0.001):
                    await asyncio.Event().wait()
            except TimeoutError:
                done.append("late")
            async with asyncio.timeout(120):
                await asyncio.to_thread(done.append, "thread")
            assert asyncio.current_task() is not None

        errand = _errand(going())
        async with asyncio.timeout(120):
            while not errand.done():
                await asyncio.sleep(0.001)

        assert (done, errand.cancelling()) == (["late", "thread"], 0)

    asyncio.run(body())


def test_what_an_errand_lets_out_reaches_the_loop() -> None:
    async def body() -> None:
        heard: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context.get("exception")))

        async def dying() -> None:
            raise LookupError("gone")

        errand = _errand(dying())
        await _over(errand)

        assert [str(each) for each in heard] == ["gone"]

    asyncio.run(body())
