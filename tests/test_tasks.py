"""Tasks are held, waited for, cancelled, and their deaths told once."""

from __future__ import annotations

import asyncio
import logging

import pytest

from dragoman.tasks import Tasks, spawn


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
