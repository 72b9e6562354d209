"""`dragoman logs`: what was asked and answered, the latest at the end; with --follow, what is answered from now on."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import click
import msgspec

from dragoman.cli.asking import NobodyThere, config_option, gateway_option, misspelt, nothing, reason, refusal
from dragoman.cli.codex.arguments import KEY_VARIABLE
from dragoman.cli.gateway import connection_to, credentials
from dragoman.cli.journal import Source, exchange_line, filtered, given_options
from dragoman.observe.line import legible
from dragoman.observe.live import FILTERS
from dragoman.observe.observer import may_color

_SILENCE_S = 60.0
_FAULTS = (OSError, http.client.HTTPException)
_OPTIONS = {"client": "key", "min_cost_usd": "min-cost", "min_total_s": "min-total"}
"""Filters as the options are called, where that is another word."""

Row = Mapping[str, Any]


@click.command()
@filtered
@click.option("--errors", is_flag=True, help="Only what failed.")
@click.option("--text", metavar="WORDS", help="Only with all these words in what was new.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many, the latest.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what ends from now on.")
@gateway_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one exchange a line.")
def logs(
    errors: bool, text: str | None, limit: int, follow: bool, gateway: str | None, config: str | None, as_json: bool, **options: str | None
) -> None:
    """Show the latest exchanges, the last one at the end. `dragoman show ID` tells all of one; the beginning of its id is enough."""
    given = given_options(options) | ({"text": text} if text else {}) | ({"error": "any"} if errors and not options["error"] else {})
    source = Source(gateway, config)
    # What ends while the list is asked for is heard, too.
    with _feed(source, given) if follow else contextlib.nullcontext(()) as feed:
        found = source.exchanges({**given, "limit": str(limit)})["exchanges"]
        show = _json if as_json else _Lines().show
        for row in reversed(found):
            show(row)
        if not found and not as_json and not follow:
            click.echo(nothing(source.name, is_filtered=bool(given)), err=True)
        known = {row["id"] for row in found}
        for row in feed:
            if row.get("id") not in known:
                show(row)


@contextlib.contextmanager
def _feed(source: Source, given: Mapping[str, str]) -> Generator[Iterator[Row]]:
    """Exchanges as they end, from now on."""
    unheard = set(given) - {*FILTERS, "since"}
    if unheard:
        names = ", ".join(f"--{_OPTIONS.get(name, name)}" for name in FILTERS)
        raise click.UsageError(f"--follow goes with {names}, not with --{min(_OPTIONS.get(name, name) for name in unheard)}")
    address = source.address or ""
    wanted = {name: value for name, value in given.items() if name in FILTERS}
    path = f"/api/live?{urlencode(wanted)}" if wanted else "/api/live"
    try:
        connection = connection_to(address, _SILENCE_S)
    except ValueError as error:
        raise misspelt(error) from error
    try:
        connection.request("GET", path, headers=credentials(os.environ.get(KEY_VARIABLE)))
        answer = connection.getresponse()
    except _FAULTS as error:
        raise NobodyThere(
            f"no gateway answers at {address} ({reason(error)}), so nothing will follow; start one with `dragoman serve`"
        ) from error
    try:
        if answer.status != 200:
            raise refusal(f"{address}/api/live", answer.status, answer.read())
        yield _ended(answer, address)
    finally:
        connection.close()


def _ended(answer: http.client.HTTPResponse, address: str) -> Iterator[Row]:
    """What the feed tells, until the gateway stops."""
    event = ""
    try:
        while line := answer.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip().decode()
            elif line.startswith(b"data: ") and event == "exchange":
                yield msgspec.json.decode(line[6:])
            elif line.startswith(b"data: ") and event != "begun":
                raise click.ClickException(str(next(iter(msgspec.json.decode(line[6:]).values()), "the gateway ended the feed")))
    except _FAULTS as error:
        raise click.ClickException(f"the gateway at {address} is gone ({reason(error)})") from error


def _json(row: Row) -> None:
    click.echo(msgspec.json.encode(row))


class _Lines:
    """Exchanges a line each; where a day other than this one begins, it says so."""

    def __init__(self) -> None:
        self._color = may_color(sys.stdout, "auto", os.environ)
        self._day = _day(time.time())

    def show(self, row: Row) -> None:
        """The next one."""
        day = _day(row["began_at"])
        if day != self._day:
            self._day = day
            click.echo(click.style(f"-- {day}", dim=True))
        cells = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = exchange_line(row, color=self._color, cells=cells)
        click.echo(text if self._color else legible(text, "\n"))


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
