"""`dragoman check` and `schema`: what a config says, and how one is written. They start nothing."""

from __future__ import annotations

import os

import click
import msgspec

from dragoman.cli.banner import found
from dragoman.config.load import load
from dragoman.config.reference import json_schema
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
def schema() -> None:
    """Print the JSON Schema of dragoman.yaml, for editors."""
    click.echo(msgspec.json.format(msgspec.json.encode(json_schema())))
