"""`dragoman import`: the configuration of another gateway as a dragoman.yaml, and what of it has no counterpart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from dragoman.config.importers.registry import Imported, gateways, import_config
from dragoman.config.load import parse
from dragoman.config.problems import ConfigError, Problem

_STANDIN = "stands-in-for-a-secret-0"
_ADDRESS = "https://gateway.example"
_ADDRESSES = ("_BASE", "_URL", "_ENDPOINT")


@click.command("import")
@click.argument("gateway", type=click.Choice(gateways()))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there. Default: print it.")
@click.option("--force", is_flag=True, help="Overwrite the file that `--output` names.")
def import_(gateway: str, file: Path, output: Path | None, force: bool) -> None:
    """Write the configuration FILE of another gateway as dragoman.yaml.

    What has no counterpart is told on stderr, with what to do about it. No secret is copied: each becomes a variable of the environment.
    """
    if output is not None and output.exists() and not force:
        raise click.ClickException(f"{output} exists already; give another name, or --force to overwrite it")
    made = import_config(gateway, _read(file), file.name)
    if output is None:
        click.echo(made.text, nl=False)
    else:
        _write(output, made.text)
    click.echo("\n".join(_told(made, file, output)), err=True)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError([Problem("", f"cannot be read ({error.strerror})", "make it readable", file=str(file))]) from error


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"`{output}` cannot be written: {error.strerror}") from error


def _told(made: Imported, file: Path, output: Path | None) -> Iterator[str]:
    if made.exports:
        yield "Export these before the gateway starts:"
        width = max(len(variable) for variable, _ in made.exports)
        yield from (f"  {variable:<{width}}  the value at {path}" for variable, path in made.exports)
    if made.notes:
        yield f"What of {file.name} has no counterpart:"
        yield from (f"  {click.style('!', fg='yellow')} {note}" for note in made.notes)
    problems = list(_problems(made))
    if problems:
        yield "What is not right yet:"
        yield from (f"  {click.style('✗', fg='red')} {problem}" for problem in problems)
    else:
        yield f"{click.style('✓', fg='green')} {output or 'what was printed'} holds; `dragoman check` says so once the variables are set."


def _problems(made: Imported) -> Iterator[str]:
    """What `dragoman check` would say if all variables were set."""
    try:
        parse(made.text.encode(), _StandIns(), file="dragoman.yaml")
    except ConfigError as error:
        yield from map(str, error.problems)


class _StandIns(Mapping[str, str]):
    """An environment in which each variable is set, to something that looks as it should; no two alike."""

    def __getitem__(self, name: str) -> str:
        return _ADDRESS if any(end in name for end in _ADDRESSES) else f"{_STANDIN}-{name}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
