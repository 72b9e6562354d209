"""`dragoman models`: what can be asked for, where it goes, and what is known of each model: window, output, prices."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

import click
import msgspec

from dragoman.app.facts import Facts
from dragoman.cli.banner import shown_targets
from dragoman.cli.codex.arguments import KEY_VARIABLE
from dragoman.cli.columns import aligned
from dragoman.cli.gateway import get
from dragoman.cli.settings import configured_address
from dragoman.config.load import load
from dragoman.config.problems import ConfigError, any_of, did_you_mean
from dragoman.config.schema import Config, VirtualModel
from dragoman.policy.book import PriceBook

_UNKNOWN = "·"
_HEAD = ("model", "window", "output", "takes", "tools", "reasoning", "in", "cached", "out")
_RIGHT = frozenset({1, 2, 6, 7, 8})
_LETTERS = {"image": "i", "file": "f", "audio": "a"}
_WAIT_S = 10.0


@click.command()
@click.option("--config", "config", type=click.Path(), help="The config. Default: the one that `serve` would take.")
@click.option("--provider", help="Only this provider's models, with all of its public price list.")
@click.option("--search", metavar="TEXT", help="Only models whose names hold TEXT, in the public price lists too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with where each fact is from.")
def models(config: str | None, provider: str | None, search: str | None, as_json: bool) -> None:
    """List what clients may ask for, where it goes, and what is known of each model.

    A gateway that runs where the config says is asked what the providers list by themselves.
    """
    loaded = load(config, os.environ).config
    if provider is not None and provider not in loaded.providers:
        raise click.BadParameter(f"no provider is named `{provider}`; {_known(provider, loaded)}", param_hint="--provider")
    body = _asked(config, provider, search) or Facts(loaded, PriceBook.compile(loaded)).body(provider, search)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(body)))
        return
    if search is not None and not (body["virtual"] or body["models"]):
        click.echo(f"no model has `{search}` in its name\n")
    for part in (_virtual(loaded, body["virtual"]), _table(body["models"]), _notes(loaded, body)):
        if part:
            click.echo("\n".join(part) + "\n")


def _known(provider: str, config: Config) -> str:
    return did_you_mean(provider, config.providers) or f"the providers are {any_of(config.providers)}"


def _asked(config: str | None, provider: str | None, search: str | None) -> dict[str, Any] | None:
    """What the running gateway knows; None if none answers."""
    query = urlencode([(name, value) for name, value in (("provider", provider), ("search", search)) if value])
    try:
        answer = get(configured_address(config, os.environ), f"/api/models?{query}", key=os.environ.get(KEY_VARIABLE), wait_s=_WAIT_S)
        body = msgspec.json.decode(answer.body) if answer.status == 200 else None
    except (OSError, ValueError, http.client.HTTPException, ConfigError):
        return None
    return body if isinstance(body, dict) and "virtual" in body else None  # pyright: ignore[reportUnknownVariableType]


def _virtual(config: Config, told: Iterable[dict[str, Any]]) -> list[str]:
    names = [entry["name"] for entry in told if entry["name"] in config.models]
    return aligned([(name, f"→ {_goes(config.models[name])}") for name in names])


def _goes(model: str | VirtualModel) -> str:
    described = f"  ({model.description})" if isinstance(model, VirtualModel) and model.description else ""
    return f"{shown_targets(model)}{described}"


def _table(told: Sequence[dict[str, Any]]) -> list[str]:
    if not told:
        return []
    head, *lines = aligned([_HEAD, *(_row(facts) for facts in told)], _RIGHT)
    return [click.style(head, dim=True), *lines]


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    price: dict[str, Any] = facts["price"] or {}
    return (
        facts["name"],
        _tokens(facts["window"]),
        _tokens(facts["max_output_tokens"]),
        _kinds(facts["modalities"]),
        {True: "yes", False: "no"}.get(facts["tools"], _UNKNOWN),
        _thinks(facts["reasoning"]),
        _dollars(price.get("input")) + ("+" if price.get("long") else ""),
        _dollars(price.get("cache_read")),
        _dollars(price.get("output")),
    )


def _tokens(count: int | None) -> str:
    if count is None:
        return _UNKNOWN
    return f"{count / 1_000_000:g}M" if count >= 1_000_000 and count % 10_000 == 0 else f"{count / 1000:.0f}k"


def _kinds(kinds: Sequence[str] | None) -> str:
    return _UNKNOWN if kinds is None else "t" + "".join(_LETTERS.get(kind, "") for kind in kinds)


def _thinks(reasoning: dict[str, Any] | None) -> str:
    if reasoning is None:
        return _UNKNOWN
    efforts = reasoning["efforts"]
    return f"{efforts[0]}..{efforts[-1]}" if efforts and len(efforts) > 1 else efforts[0] if efforts else reasoning["style"]


def _dollars(price: float | None) -> str:
    return _UNKNOWN if price is None else f"{price:.4g}"


def _notes(config: Config, body: dict[str, Any]) -> list[str]:
    notes = [f"  {name}: {state['error']}" for name, state in body["lists"].items() if state["error"]]
    failed = ["Lists that could not be had:", *notes] if notes else []
    legend = [
        f"Windows and outputs in tokens; takes: text, image, file, audio; prices in US dollars per million tokens; {_UNKNOWN}: not known; "
        "+: long requests cost more."
    ]
    providers = f"Any `provider/model` can be asked for, with provider one of: {', '.join(config.providers)}."
    return [*failed, *(legend if body["models"] else []), providers]
