"""`dragoman config`: revisions of the config file, how they differ, and the way back. Works whether or not a gateway runs."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from dragoman.app.revisions import Revision, Revisions
from dragoman.app.rollback import roll_back
from dragoman.cli.asking import address_of, config_option, fetch, gateway_option, tell
from dragoman.config.folders import expanded
from dragoman.config.load import find
from dragoman.config.problems import ConfigError
from dragoman.config.written import changes, differences, read_written, sign

_SHOWN = 5
_SIGNS = {"+": "green", "-": "red", "~": "yellow"}


@click.group()
def config() -> None:
    """Revisions of dragoman.yaml: what changed, and the way back."""


@config.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revisions(config: str | None, as_json: bool) -> None:
    """List the revisions that are kept, the newest first, each with what it changed."""
    file = _file(config)
    kept = Revisions.of(file, os.environ).all()
    if as_json:
        told = [{"number": one.number, "made_at": one.made_at} for one in kept]
        click.echo(msgspec.json.format(msgspec.json.encode(told)))
        return
    if not kept:
        click.echo(f"no revision of {file} is kept yet: a running gateway keeps one whenever it takes up a changed file")
    now = _now(file)
    for one, before in reversed([*zip(kept, (None, *kept), strict=False)]):
        mark = click.style("  as the file is now", dim=True) if one.text == now else ""
        click.echo(f"{one.number:>5}  {_time(one.made_at)}  {_summary(before, one)}{mark}")


@config.command()
@click.argument("a", required=False, type=int)
@click.argument("b", required=False, type=int)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(a: int | None, b: int | None, config: str | None, as_json: bool) -> None:
    """Say which settings differ: between revisions A and B, between A and the file, or between the newest revision and the file."""
    file = _file(config)
    kept = Revisions.of(file, os.environ)
    newest = kept.all()[-1:]
    if a is None and not newest:
        raise click.ClickException(f"no revision of {file} is kept yet: a running gateway keeps one whenever it takes up a changed file")
    old = kept.get(a) if a is not None else newest[0]
    name, text = (f"revision {b}", kept.get(b).text) if b is not None else (str(file), _text(file))
    found = [*differences(_settings(old.text), _settings(text))]
    if as_json:
        told = [
            {"setting": path, **{key: value for key, value in (("old", one), ("new", two)) if value is not msgspec.UNSET}}
            for path, one, two in found
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(told)))
        return
    click.echo(f"revision {old.number} → {name}:" if found else _nothing(old, name, text))
    for path, one, two in found:
        click.echo(_line(path, one, two))


@config.command()
@click.argument("number", type=int)
@gateway_option
@config_option
def rollback(number: int, gateway: str | None, config: str | None) -> None:
    """Write revision NUMBER into the file, comments and all. The gateway that runs on it does so and takes it up at once.

    Nothing is lost: a file that says what is in no revision is not written over.
    """
    file = _file(config)
    address = _runs_on(file, gateway, config)
    if address is not None:
        state = tell(address, "/api/config/rollback", {"revision": number})
        click.echo(f"{file} says what revision {number} said; in use: revision {state['revision']}")
        return
    rolled = roll_back(file, number, os.environ)
    click.echo(f"{file} says {'again what' if rolled.changed else 'already what'} revision {number} said; no gateway runs on it")


@config.command()
@gateway_option
@config_option
def reload(gateway: str | None, config: str | None) -> None:
    """Have the running gateway read its config now, and say whether it is in use."""
    state = tell(address_of(gateway, config), "/api/config/reload")
    revision = state.get("revision")
    click.echo(f"in use: revision {revision}" if revision is not None else "in use: the config as it is now")
    if state.get("restart"):
        click.echo(f"takes effect after a restart: {', '.join(state['restart'])}")


def _file(config: str | None) -> Path:
    """The config file, also one that was named and is gone."""
    if config is not None:
        named = expanded(config)
        if not (named.is_file() or Revisions.of(named, os.environ).all()):
            raise click.ClickException(f"there is no file {named}, and no revision of it; correct the path")
        return named
    file = find(None, os.environ, Path())
    if file is None:
        raise click.ClickException("there is no dragoman.yaml here or in the user's config directory; name one with --config")
    return file


def _runs_on(file: Path, gateway: str | None, config: str | None) -> str | None:
    """The address of the gateway that uses this very file, if one answers."""
    try:
        address = address_of(gateway, config)
        path = fetch(address, "/api/config").get("path")
    except (click.ClickException, ConfigError):
        return None
    return address if isinstance(path, str) and Path(path).resolve() == file.resolve() else None


def _now(file: Path) -> str | None:
    """What the file says, without secrets; None where that is no config any more, which is when revisions are wanted most."""
    try:
        return read_written(file.read_bytes(), file.name).text
    except (OSError, ConfigError):
        return None


def _text(file: Path) -> str:
    try:
        return read_written(file.read_bytes(), file.name).text
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read ({error.strerror})") from error


def _settings(text: str) -> Any:
    return read_written(text.encode()).settings


def _nothing(old: Revision, name: str, text: str) -> str:
    same = "say the same" if old.text == text else "differ in comments or layout only"
    return f"revision {old.number} and {name} {same}"


def _summary(before: Revision | None, one: Revision) -> str:
    if before is None:
        return "the oldest that is kept"
    return changes(_settings(before.text), _settings(one.text), _SHOWN) or "comments or layout only"


def _line(path: str, old: Any, new: Any) -> str:
    mark = sign(old, new)
    values = " → ".join(_value(value) for value in (old, new) if value is not msgspec.UNSET)
    return f"  {click.style(mark, fg=_SIGNS[mark])} {path}: {values}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value else msgspec.json.encode(value).decode()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
