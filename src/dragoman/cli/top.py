"""`dragoman top`: what goes on, on one screen that is drawn anew: spending, tokens per second, errors, and the sessions used last."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from dragoman.cli.asking import config_option, fetch, gateway_option
from dragoman.cli.journal import Source, clean, count, dollars, percent, seconds, spent, table

_CLEAR = "\x1b[H\x1b[2J"
_MINUTES = 5
_SESSIONS = "1h"
_HEAD = ("session", "agent", "key", "turns", "requests", "failed", "in", "cached", "out", "cost", "idle")


@click.command()
@click.option("--every", type=click.FloatRange(0.5, 3600), default=2.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Look once and end.")
@gateway_option
@config_option
def top(every: float, once: bool, gateway: str | None, config: str | None) -> None:
    """Watch the gateway: what is spent, tokens per second, errors, and the sessions of the last hour. Ctrl-C ends it."""
    source = Source(gateway, config)
    while True:
        screen = list(_screen(source))
        height = shutil.get_terminal_size().lines
        click.echo("\n".join(screen if once else [_CLEAR + screen[0], *screen[1 : height - 1]]))
        if once:
            return
        time.sleep(every)


def _screen(source: Source) -> Iterator[str]:
    lately = source.usage({"since": f"{_MINUTES}m", "by": "provider,model"})
    day = source.usage({"since": time.strftime("%Y-%m-%dT00:00:00%z"), "by": "outcome"})
    sessions = source.sessions({"since": _SESSIONS, "limit": "200"})["sessions"]
    total, today = lately["total"], day["total"]
    running = fetch(source.address, "/health").get("running", 0) if source.address is not None else 0
    yield f"{time.strftime('%H:%M:%S')}  {source.name}  {running} running"
    failed = sum(row["exchanges"] for row in day["usage"] if row["outcome"] != "ok")
    yield f"today          {today['exchanges']} requests, {failed} failed, {spent(today)}"
    span_s = 60 * _MINUTES
    speed = f"{total['input_tokens'] / span_s:.0f} tokens/s in, {total['output_tokens'] / span_s:.0f} out"
    requests, spending = total["exchanges"] / _MINUTES, dollars((total["cost_usd"] or 0.0) * 60 / _MINUTES)
    yield f"last {_MINUTES} minutes {requests:.1f} requests/min, {speed}, {spending}/h"
    yield ""
    if lately["usage"]:
        yield from table(("answered by", "requests", "failed", "out", "cost", "first token"), [_model(row) for row in lately["usage"]])
        yield ""
    yield from table(_HEAD, [_session(row) for row in sessions], left=3)


def _model(row: Mapping[str, Any]) -> tuple[str, ...]:
    first = row["first_token_s"] / row["first_tokens"] if row["first_tokens"] else None
    name = f"{row['provider']}/{row['model']}" if row["provider"] else "nobody"
    return (
        clean(name),
        str(row["exchanges"]),
        str(row["failed"] or "-"),
        count(row["output_tokens"]),
        spent(row),
        seconds(first),
    )


def _session(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        clean(row["id"])[:13],
        clean(row["agent"] or "-"),
        clean(row["client"] or "-"),
        str(row["turns"]),
        str(row["exchanges"]),
        str(row["failed"] or "-"),
        count(row["input_tokens"]),
        percent(row["cache_hit_rate"]),
        count(row["output_tokens"]),
        spent(row),
        seconds(max(0.0, time.time() - row["last_at"])),
    )
