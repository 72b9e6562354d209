"""Long work leaves the interpreter to the event loop, for as long as it lasts."""

from __future__ import annotations

import asyncio
import sys

import pytest

from dragoman.app.beside import beside


def test_threads_take_short_turns_while_something_is_computed_beside_the_loop() -> None:
    async def story() -> tuple[float, ...]:
        return tuple(await asyncio.gather(beside(sys.getswitchinterval), beside(sys.getswitchinterval)))

    usual = sys.getswitchinterval()
    during = asyncio.run(story())

    assert (during, sys.getswitchinterval()) == (pytest.approx((0.0005, 0.0005)), usual)


def test_turns_are_as_before_when_it_fails() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    usual = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(beside(fail))

    assert sys.getswitchinterval() == usual
