"""Every test here runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
import uvloop
from scripted import Run


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine to its end. Fails on a hang and on anything that the loop would only have logged."""

    def runner(body: Coroutine[Any, Any, None]) -> None:
        complaints: list[dict[str, Any]] = []

        async def bounded() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            async with asyncio.timeout(120):
                await body

        with asyncio.Runner(loop_factory=uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop) as loop:
            loop.run(bounded())
        assert complaints == []

    return runner
