"""The wait between two tries: a client that streams hears that we are still here once its status line may be held no longer."""

from __future__ import annotations

import asyncio

from dragoman.core.exchange import Exchange
from dragoman.core.stream import COMMENT, STREAMING

_TICK_S = 0.001
"""What timers are exact to: less than this would be no wait at all, again and again."""


async def pause(exchange: Exchange, seconds: float) -> None:
    """Wait. Nothing is said that would keep another target from beginning the answer.

    Never for less: timers ring up to a millisecond early, and whoever is asked before its time is found still resting.
    """
    clock, streams = exchange.runtime.clock, exchange.peek.stream
    until = clock() + seconds
    while (left_s := until - clock()) > 0:
        await asyncio.sleep(max(_TICK_S, min(left_s, _patience_s(exchange)) if streams else left_s))
        if streams and (_patience_s(exchange) <= 0 or exchange.outbound.started):
            await _still_here(exchange)


def _patience_s(exchange: Exchange) -> float:
    pace = exchange.runtime.pace
    return pace.ping_s if exchange.outbound.started else max(0.0, pace.hold_s - exchange.elapsed_s())


async def _still_here(exchange: Exchange) -> None:
    outbound, record = exchange.outbound, exchange.record
    if not outbound.started:
        record.status = 200
        await outbound.start(200, (*STREAMING, ("content-type", exchange.dialect.stream_type), ("x-dragoman-exchange", record.id)))
    if not exchange.begun:
        await outbound.write(COMMENT)
