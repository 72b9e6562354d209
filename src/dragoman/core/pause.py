"""The wait between two tries: a client that streams hears that we are still here once its status line may be held no longer."""

from __future__ import annotations

import asyncio

from dragoman.core.exchange import Exchange
from dragoman.core.stream import COMMENT, STREAMING


async def pause(exchange: Exchange, seconds: float) -> None:
    """Wait. Nothing is said that would keep another target from beginning the answer."""
    if not exchange.peek.stream:
        await asyncio.sleep(seconds)
        return
    until = exchange.runtime.clock() + seconds
    while (left_s := until - exchange.runtime.clock()) > 0:
        await asyncio.sleep(min(left_s, _patience_s(exchange)))
        if _patience_s(exchange) <= 0 or exchange.outbound.started:
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
