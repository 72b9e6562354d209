"""`dragoman health`: how every target and key of a running gateway is, why, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click
import msgspec

from dragoman.cli.amounts import seconds
from dragoman.cli.asking import address_of, config_option, fetch, gateway_option, tell
from dragoman.cli.columns import aligned, shortened

_COLORS = {"ready": "green", "trial": "yellow", "spent": "yellow", "resting": "yellow", "open": "red", "refused": "red"}
_HEAD = ("target@key", "state", "for", "until", "running", "first token", "per token", "last minute", "left")


@click.command()
@click.option("--reset", metavar="NAME", help="Forget the trouble of a target, a key (`provider@key`), a provider, or `*`.")
@gateway_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def health(reset: str | None, gateway: str | None, config: str | None, as_json: bool) -> None:
    """Show how every target and provider key is: its state, why, and until when."""
    address = address_of(gateway, config)
    if reset is not None:
        tell(address, "/api/health/reset", {"name": reset})
        click.echo(f"`{reset}` starts afresh")
        return
    told = fetch(address, "/api/health")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told)))
        return
    seats: list[dict[str, Any]] = told["seats"]
    click.echo("\n".join(table(seats)) if seats else "nothing was asked yet, and the config names no target")


def table(seats: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each seat, and one below it with the reason where it is not simply ready. What holds for a key stands once."""
    seats = list(seats)
    told: set[tuple[str, str]] = set()
    head, *rows = aligned([_HEAD, *(_row(seat) for seat in seats)])
    lines = [click.style(head, dim=True)]
    for seat, line in zip(seats, rows, strict=True):
        state: str = seat["standing"]
        lines.append(line.replace(f"  {state}", f"  {click.style(state, fg=_COLORS.get(state))}", 1))
        reason = (f"{seat.get('provider')}@{seat.get('key')}", seat.get("why", ""))
        if reason[1]:
            lines.append(click.style(f"    {'the same key, as above' if reason in told else reason[1]}", dim=True))
        told.add(reason)
    return lines


def _row(seat: Mapping[str, Any]) -> tuple[str, ...]:
    requests, tokens = seat.get("requests", 0), seat.get("tokens", 0)
    return (
        shortened(seat["id"]),
        seat["standing"],
        _seconds(seat.get("for_s")),
        _seconds(seat.get("until_s") or None),
        str(seat.get("running", 0) or ""),
        _seconds(seat.get("first_token_s")),
        _seconds(seat.get("token_s")),
        f"{requests:,} request{'' if requests == 1 else 's'}, {tokens:,} token{'' if tokens == 1 else 's'}" if requests else "",
        ", ".join(sorted(map(_limit, seat.get("limits", ())), key=lambda text: text.rpartition(" ")[2])),
    )


def _limit(limit: Mapping[str, Any]) -> str:
    most = f"/{limit['most']:,.0f}" if limit.get("most") is not None else ""
    left = f"{limit['left']:,.0f}" if limit.get("left") is not None else "?"
    return f"{left}{most} {limit.get('of') or 'requests'}"


def _seconds(value: float | None) -> str:
    return "" if value is None else seconds(value)
