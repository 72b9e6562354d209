"""Where commands have what is on record from: the gateway that runs, else its database, read directly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import click

from dragoman.app.asking import Asking
from dragoman.app.keeping import database_url, opener
from dragoman.cli.amounts import dollars
from dragoman.cli.asking import NobodyThere, address_of, fetch
from dragoman.cli.columns import aligned
from dragoman.config.load import load
from dragoman.ir.record import Record
from dragoman.ir.usage import Usage
from dragoman.observe.cells import beginning, width
from dragoman.observe.line import legible, line

RUNNING = "/api/exchanges/running"
"""What a gateway that runs is asked for besides."""
_LEAST = 20
_SHORT_ID = 21
"""Of an id: the moment and enough besides."""
_SQLITE = "sqlite:///"

Given = Mapping[str, str]
Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    ("--since", "since", "TIME", "Only what began since then: 15m, 24h, 7d, a date, a time."),
    ("--until", "until", "TIME", "Only what began before."),
    ("--model", "model", "NAME", "Only what this model answered."),
    ("--provider", "provider", "NAME", "Only what this provider answered."),
    ("--key", "client", "NAME", "Only of the client key of this name."),
    ("--user", "user", "NAME", "Only of this person."),
    ("--team", "team", "NAME", "Only of this team."),
    ("--agent", "agent", "NAME", "Only of this client program."),
    ("--session", "session", "ID", "Only of this session."),
    ("--status", "status", "STATUS", "Only with these: ok, failed, 4xx, 5xx, or numbers."),
    ("--error", "error", "KIND", "Only with this kind of error, as rate_limited or context_overflow; any."),
    ("--min-cost", "min_cost_usd", "USD", "Only what cost at least so many US dollars."),
    ("--min-total", "min_total_s", "SECONDS", "Only what took at least so long."),
)


def filtered(command: Command) -> Command:
    """The options by which exchanges are chosen."""
    for flag, name, metavar, text in reversed(_OPTIONS):
        command = click.option(flag, name, metavar=metavar, help=text)(command)
    return command


class Source:
    """Answers as `/api/…` does. name: where that is, for people. address: of the gateway, None where the database is read."""

    def __init__(self, gateway: str | None, config: str | None) -> None:
        self._gateway = gateway
        self._config = config
        self.address: str | None = address_of(gateway, config)
        self.name = f"the gateway at {self.address}"

    def exchanges(self, given: Given) -> dict[str, Any]:
        """A page of exchanges."""
        return self._ask("/api/exchanges", given, lambda asking: asking.exchanges(given))

    def exchange(self, name: str, *, bodies: bool) -> dict[str, Any]:
        """One of them."""
        given = {"bodies": "true"} if bodies else {}
        return self._ask(f"/api/exchanges/{quote(name, safe='')}", given, lambda asking: asking.exchange(name, bodies=bodies))

    def usage(self, given: Given) -> dict[str, Any]:
        """Sums."""
        return self._ask("/api/usage", given, lambda asking: asking.usage(given))

    def sessions(self, given: Given) -> dict[str, Any]:
        """A page of sessions."""
        return self._ask("/api/sessions", given, lambda asking: asking.sessions(given))

    def session(self, name: str) -> dict[str, Any]:
        """One of them, as a tree."""
        return self._ask(f"/api/sessions/{quote(name, safe='')}", {}, lambda asking: asking.session(name))

    def _ask(self, path: str, given: Given, directly: Callable[[Asking], Any]) -> dict[str, Any]:
        if self.address is not None:
            try:
                return fetch(self.address, f"{path}?{urlencode(given)}" if given else path)
            except NobodyThere:
                if self._gateway is not None:
                    raise
                self.address = None
        return self._directly(directly)

    def _directly(self, ask: Callable[[Asking], Any]) -> dict[str, Any]:
        url = database_url(load(self._config, os.environ).config, os.environ)
        if url is None:
            raise click.ClickException("no gateway answers, and its config keeps no journal (`database: none`)")
        file = Path(url.removeprefix(_SQLITE))
        if url.startswith(_SQLITE) and not file.is_file():
            raise click.ClickException(f"no gateway answers, and there is no journal at {file}; start one with `dragoman serve`")
        self.name = f"{file}, since no gateway answers" if url.startswith(_SQLITE) else "the database, since no gateway answers"

        async def answer() -> dict[str, Any]:
            asking = Asking(opener(url))
            try:
                return await ask(asking)
            finally:
                asking.close()

        return asyncio.run(answer())


def given_options(options: Mapping[str, str | None]) -> dict[str, str]:
    """The options that were used, as a question."""
    return {name: value for name, value in options.items() if value is not None}


# ---- how things are written ----------------------------------------------------------------------------------------------


def exchange_line(row: Mapping[str, Any], *, color: bool, cells: int | None = None) -> str:
    """An exchange as the gateway's terminal has it, with what it cost, how its id begins, and the number of tries if it took more than
    one; of what went wrong only as much as leaves it within so many cells."""
    usage = None
    if row.get("input_tokens") is not None:
        told = {name: row.get(name) for name in ("input_tokens", "output_tokens", "cache_read_tokens")}
        usage = Usage(told["input_tokens"] or 0, told["output_tokens"] or 0, told["cache_read_tokens"])
    record = Record(
        row["id"],
        row["began_at"],
        client=row["client"],
        agent=row["agent"],
        asked=row["asked"] or "",
        provider=row["provider"],
        model=row["model"],
        lane=row["lane"],
        status=row["status"],
        error=row["error"],
        message=row["message"],
        usage=usage,
        first_token_s=row["first_token_s"],
        total_s=row["total_s"],
    )
    tries = row.get("attempts") or 0
    end = f"  {row['id'][:_SHORT_ID]}{f'  {tries} tries' if tries > 1 else ''}"
    if record.error is None:
        return f"{line(record, color=color)}  {dollars(row.get('cost_usd')):>9}{end}"
    if cells is not None and record.message:
        told, record.message = legible(record.message), "…"
        room = max(_LEAST, cells - width(line(record)) - len(end))
        record.message = told if width(told) <= room else f"{beginning(told, room)}…"
    return line(record, color=color) + end


def table(head: Sequence[str], body: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Aligned columns, the first `left` of them to the left, and a dim head."""
    first, *lines = aligned([head, *body], range(left, len(head)))
    return [click.style(first, dim=True), *lines]
