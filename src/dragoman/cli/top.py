"""`dragoman top`: what goes on, on one screen that is drawn anew: spending, tokens per second, errors, and the sessions used last."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import msgspec

from dragoman.cli.amounts import count, failed, percent, seconds, spent
from dragoman.cli.asking import config_option, fetch, gateway_option
from dragoman.cli.columns import shortened
from dragoman.cli.journal import RUNNING, Source, table
from dragoman.cli.screen import pause, whole_screen
from dragoman.ir.errors import GatewayError
from dragoman.observe.cells import beginning, width
from dragoman.observe.line import legible

Row = Mapping[str, Any]

_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_RUNNING = 12
_MINUTES = 5
_SPAN_S = 60 * _MINUTES
_SESSIONS = "1h"
_HEAD = ("session", "agent", "key", "turns", "requests", "failed", "in", "cached", "out", "cost", "idle")


class View(msgspec.Struct, frozen=True):
    """What is to be seen at a moment (`at`, Unix seconds): sums of the last minutes and of the day, sessions, and what is under way.
    name: who told it."""

    name: str
    at: float
    running: Sequence[Row]
    lately: Row
    day: Row
    sessions: Sequence[Row]


@click.command()
@click.option("--every", type=click.FloatRange(0.5, 3600), default=2.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Look once and end.")
@gateway_option
@config_option
def top(every: float, once: bool, gateway: str | None, config: str | None) -> None:
    """Watch the gateway: what is under way, what is spent, tokens per second, errors, and the sessions of the last hour. `q` ends it."""
    is_seen = sys.stdout.isatty() and not once and os.environ.get("TERM") != "dumb"
    screen = lines(_look(gateway, config))
    with whole_screen() if is_seen else contextlib.nullcontext(pause) as wait:
        while True:
            if is_seen:
                _draw(screen)
            else:
                click.echo("\n".join(screen))
            if once or wait(every):
                return
            screen = _again(gateway, config)


def _draw(screen: Sequence[str]) -> None:
    if click.get_current_context().color is False:
        screen = [click.unstyle(line) for line in screen]
    # What moves the cursor is no color.
    click.echo(drawn(screen, shutil.get_terminal_size()), nl=False, color=True)


def _look(gateway: str | None, config: str | None) -> View:
    # Found anew each time: a gateway may come and go.
    source = Source(gateway, config)
    lately = source.usage({"since": f"{_MINUTES}m", "by": "provider,model"})
    day = source.usage({"since": time.strftime("%Y-%m-%dT00:00:00%z")})
    sessions = source.sessions({"since": _SESSIONS, "limit": "200"})["sessions"]
    running: list[Row] = [] if source.address is None else fetch(source.address, RUNNING)["running"]
    return View(source.name, time.time(), running, lately, day, sessions)


def _again(gateway: str | None, config: str | None) -> list[str]:
    """The same later, when trouble does not end it: it may pass."""
    try:
        return lines(_look(gateway, config))
    except click.ClickException as error:
        return [f"{time.strftime('%H:%M:%S')}  {legible(error.format_message())}"]
    except GatewayError as error:
        return [f"{time.strftime('%H:%M:%S')}  {legible(error.message)}"]


def drawn(screen: Sequence[str], size: os.terminal_size) -> str:
    """The screen, over the one before: so nothing flickers, and nothing of that is left. No more of it than there is room for."""
    kept = [_cut(line, size.columns) for line in screen[: size.lines - 1]]
    return _HOME + "".join(f"{line}{_REST_OF_LINE}\n" for line in kept) + _REST_OF_SCREEN


def _cut(line: str, cells: int) -> str:
    plain = click.unstyle(line)
    if width(plain) <= cells:
        return line
    short = f"{beginning(plain, cells - 1)}…"
    return short if plain == line else click.style(short, dim=True)


def lines(view: View) -> list[str]:
    """All of it, a line each."""
    return [*_sums(view), *_tables(view)]


def _sums(view: View) -> Iterator[str]:
    total, today = view.lately["total"], view.day["total"]
    yield f"{time.strftime('%H:%M:%S', time.localtime(view.at))}  {view.name}  {len(view.running)} running"
    by_client = f" ({today['left']} left by the client)" if today.get("left") else ""
    yield f"today          {today['exchanges']} requests, {today['failed']} failed{by_client}, {spent(today)}"
    speed = f"{total['input_tokens'] / _SPAN_S:.0f} tokens/s in, {total['output_tokens'] / _SPAN_S:.0f} out"
    an_hour = spent({**total, "cost_usd": (total["cost_usd"] or 0.0) * 3600 / _SPAN_S})
    yield f"last {_MINUTES} minutes {total['exchanges'] / _MINUTES:.1f} requests/min, {speed}, {an_hour}/h"
    yield ""


def _tables(view: View) -> Iterator[str]:
    if view.running:
        yield from table(("running", "of", "session", "for", "first token"), [_running(row) for row in view.running[:_RUNNING]], left=3)
        yield from [f"and {len(view.running) - _RUNNING} more"] if len(view.running) > _RUNNING else []
        yield ""
    if view.lately["usage"]:
        head = ("answered by", "requests", "failed", "out", "cost", "first token")
        yield from table(head, [_model(row) for row in view.lately["usage"]])
        yield ""
    yield from table(_HEAD, [_session(row, view.at) for row in view.sessions], left=3)


def _running(row: Row) -> tuple[str, ...]:
    where = f"{row['provider']}/{row['model']}" if row["provider"] else f"{row['asked'] or '?'} (no provider is asked yet)"
    whose = row["agent"] if row["agent"] not in (None, "generic") else row["client"]
    return (
        shortened(legible(where)),
        shortened(legible(whose)),
        legible(row["session"] or "-")[:13],
        seconds(row["running_s"]),
        seconds(row["first_token_s"]),
    )


def _model(row: Row) -> tuple[str, ...]:
    first = row["first_token_s"] / row["first_tokens"] if row["first_tokens"] else None
    name = f"{row['provider']}/{row['model']}" if row["provider"] else "nobody"
    return (
        shortened(legible(name)),
        str(row["exchanges"]),
        failed(row),
        count(row["output_tokens"]),
        spent(row),
        seconds(first),
    )


def _session(row: Row, at: float) -> tuple[str, ...]:
    return (
        legible(row["id"])[:13],
        legible(row["agent"] or "-"),
        legible(row["client"] or "-"),
        str(row["turns"]),
        str(row["exchanges"]),
        str(row["failed"] or "-"),
        count(row["input_tokens"]),
        percent(row["cache_hit_rate"]),
        count(row["output_tokens"]),
        spent(row),
        seconds(max(0.0, at - row["last_at"])),
    )
