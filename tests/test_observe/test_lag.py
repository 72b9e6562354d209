"""How late the event loop is."""

from __future__ import annotations

import asyncio

from dragoman.observe.lag import Lag


def test_measures_are_counted_and_the_longest_is_told_once() -> None:
    lag = Lag()
    for seconds in (0.0004, 0.02, 0.3):
        lag.late(seconds)

    counts, longest = lag.families()
    again = list(lag.families())[1]

    assert [sample.value for sample in counts.samples if sample.suffix == "_bucket"] == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    assert ([sample.value for sample in longest.samples], [sample.value for sample in again.samples]) == ([0.3], [0.0])


def test_the_running_loop_is_measured_for_as_long_as_the_block_lasts() -> None:
    async def measured() -> tuple[float, bool]:
        with Lag(every_s=0.001) as lag:
            count = 0.0
            while count < 3:
                await asyncio.sleep(0)
                count = next(sample.value for sample in next(iter(lag.families())).samples if sample.suffix == "_count")
        return count, lag._timer is not None and lag._timer.cancelled()

    assert asyncio.run(measured()) == (3, True)
