"""`dragoman check`, `models` and `schema`: what a config says, what can be asked for, and how one is written. They start nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click
import msgspec

from dragoman.cli.banner import found, shown_targets
from dragoman.config.load import load
from dragoman.config.reference import json_schema
from dragoman.config.schema import Config, VirtualModel
from dragoman.routing.resolve import Resolver

_HOLDS = "the config holds"


@click.command()
@click.argument("file", required=False, type=click.Path())
def check(file: str | None) -> None:
    """Say what is wrong with FILE (default: the config that `serve` would take), or that it holds."""
    loaded = load(file, os.environ)
    Resolver.compile(loaded.config)
    click.echo("\n".join([*found(loaded), "", f"{click.style('✓', fg='green')} {loaded.path or 'no dragoman.yaml'}: {_HOLDS}"]))


@click.command()
@click.option("--config", "config", type=click.Path(), help="The config. Default: the one that `serve` would take.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(config: str | None, as_json: bool) -> None:
    """List the model names that clients may ask for, and where each goes."""
    loaded = load(config, os.environ)
    told = dict(_models(loaded.config))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told)))
        return
    width = max(map(len, told), default=0)
    for name, goes_to in told.items():
        click.echo(f"{name:<{width}}  → {goes_to}")
    click.echo(f"{'any' if not told else 'and any'} `provider/model`, with provider one of: {', '.join(loaded.config.providers)}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of dragoman.yaml, for editors."""
    click.echo(msgspec.json.format(msgspec.json.encode(json_schema())))


def _models(config: Config) -> Iterator[tuple[str, str]]:
    """(name, where it goes) of everything that is configured or listed; globs among them."""
    for name, model in config.models.items():
        described = f"  ({model.description})" if isinstance(model, VirtualModel) and model.description else ""
        yield name, f"{shown_targets(model)}{described}"
    for name in Resolver.compile(config).names():
        if name not in config.models:
            yield name, name
