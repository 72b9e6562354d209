"""`dragoman route`: where a request would go and why, without sending it. Asks the running gateway, else goes by the config alone."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from dragoman.app.dry_run import Moment, dry_run, from_config
from dragoman.cli.amounts import dollars
from dragoman.cli.asking import NobodyThere, address_of, config_option, gateway_option, reason, tell
from dragoman.cli.columns import aligned
from dragoman.config.load import load
from dragoman.server.admin import DryRun
from dragoman.wire.not_json import NOT_JSON

_HEAD = ("", "asked in", "this request", "state")


@click.command()
@click.argument("model", required=False)
@click.option("--key", metavar="NAME", help="As if it came with the client key of this name (of `access.keys`).")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="As if it had this header; may be given several times.")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False), help="The request's body, as JSON.")
@click.option("--dialect", type=click.Choice(["responses", "chat"]), help="Of which API the body is. Default: what it looks like.")
@click.option("--offline", is_flag=True, help="Go by the config alone, even if a gateway runs.")
@gateway_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def route(
    model: str | None,
    key: str | None,
    headers: tuple[str, ...],
    file: str | None,
    dialect: str | None,
    offline: bool,
    gateway: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Say where a request for MODEL would go: which rule, which candidates in which order and why, health, price, cache. Sends nothing."""
    body = _body(file)
    if model is None and body is None:
        raise click.UsageError("name a MODEL, or give a request that names one with --file")
    spoken = dialect or ("chat" if body is not None and "messages" in body else "responses")
    question = DryRun(model=model, key=key, headers=dict(map(_header, headers)), request=body, dialect=spoken)
    source, told = _ask(question, gateway, config, offline=offline)
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo("\n".join([click.style(source, dim=True), "", told["explained"], "", *_table(told["places"])]))


def _ask(question: DryRun, gateway: str | None, config: str | None, *, offline: bool) -> tuple[str, Mapping[str, Any]]:
    """(where the answer is from, the answer)."""
    if not offline:
        address = address_of(gateway, config)
        try:
            return f"as the gateway at {address} would send it now", tell(address, "/api/route", question)
        except NobodyThere:
            if gateway is not None:
                raise
    loaded = load(config, os.environ)
    told = dry_run(from_config(loaded.config), question, Moment(0.0, time.time(), random.random()))
    name = loaded.path or "the environment"
    return f"by {name} alone: nothing is known of health and sessions", msgspec.to_builtins(told)


def _body(file: str | None) -> dict[str, msgspec.Raw] | None:
    if file is None:
        return None
    try:
        return msgspec.json.decode(Path(file).read_bytes(), type=dict[str, msgspec.Raw])
    except (OSError, *NOT_JSON) as error:
        raise click.ClickException(f"{file} is not a JSON object: {reason(error)}") from error


def _header(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise click.UsageError(f"`{text}` is no header; write --header name=value")
    return name.strip().lower(), value.strip()


def _table(places: Iterable[Mapping[str, Any]]) -> list[str]:
    head, *lines = aligned([_HEAD, *(_row(place) for place in places)])
    return [click.style(f"  {head}", dim=True), *(f"  {line}" for line in lines)]


def _row(place: Mapping[str, Any]) -> tuple[str, ...]:
    state = place.get("problem") or " · ".join(filter(None, (place["standing"], *_measures(place.get("health") or {}))))
    return place["seat"], place.get("dialect", "-"), _price(place), state


def _measures(health: Mapping[str, Any]) -> Iterable[str]:
    if health.get("running"):
        yield f"{health['running']} running"
    if health.get("first_token_s") is not None:
        yield f"first token after {health['first_token_s']:.2f} s"


def _price(place: Mapping[str, Any]) -> str:
    if place["price_usd"] is None:
        return "price unknown"
    cold = place.get("cold_price_usd")
    saved = f" ({dollars(cold)} without its {place['cached_tokens']:,} cached tokens)" if cold is not None else ""
    return f"about {dollars(place['price_usd'])}{saved}" if place["price_usd"] else "free"
