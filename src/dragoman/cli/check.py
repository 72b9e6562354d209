"""`dragoman check` and `schema`: what a config says, and how one is written. They start nothing."""

from __future__ import annotations

import os

import click
import msgspec

from dragoman.cli.banner import found
from dragoman.config.check import exposure
from dragoman.config.load import load
from dragoman.config.problems import ConfigError
from dragoman.config.reference import json_schema
from dragoman.routing.resolve import Resolver

_HOLDS = "the config holds"


@click.command()
@click.argument("file", required=False, type=click.Path())
@click.option("--config", "config", type=click.Path(), help="The same as FILE, as other commands have it.")
def check(file: str | None, config: str | None) -> None:
    """Say what is wrong with FILE (default: the config that `serve` would take), or that it holds."""
    loaded = load(file if file is not None else config, os.environ)
    problem = exposure(loaded.config.server, loaded.config.access)
    if problem is not None:
        raise ConfigError([msgspec.structs.replace(problem, file=None if loaded.path is None else str(loaded.path))])
    Resolver.compile(loaded.config)
    click.echo("\n".join([*found(loaded), "", f"{click.style('✓', fg='green')} {loaded.path or 'no dragoman.yaml'}: {_HOLDS}"]))


@click.command()
def schema() -> None:
    """Print the JSON Schema of dragoman.yaml, for editors."""
    click.echo(msgspec.json.format(msgspec.json.encode(json_schema())))
