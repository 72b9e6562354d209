"""The entry point: every command by name, and the one place where an expected error becomes a sentence and an exit code."""

from __future__ import annotations

import sys

import click

from dragoman import __version__
from dragoman.cli.check import check, schema
from dragoman.cli.codex.command import codex
from dragoman.cli.config import config
from dragoman.cli.doctor.command import doctor
from dragoman.cli.health import health
from dragoman.cli.importing import import_
from dragoman.cli.logs import logs
from dragoman.cli.models import models
from dragoman.cli.replay import replay
from dragoman.cli.route import route
from dragoman.cli.serve import serve
from dragoman.cli.show import show
from dragoman.cli.simulate import simulate
from dragoman.cli.top import top
from dragoman.cli.trial.command import tries
from dragoman.cli.usage import usage
from dragoman.config.problems import ConfigError
from dragoman.ir.errors import GatewayError

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="dragoman", message="%(prog)s %(version)s")
def commands() -> None:
    """A gateway between coding agents and model providers: any agent, any model."""


for _command in (
    serve,
    codex,
    doctor,
    logs,
    show,
    top,
    usage,
    replay,
    check,
    route,
    health,
    config,
    models,
    import_,
    schema,
    simulate,
    tries,
):
    commands.add_command(_command)


def main() -> None:
    """Run the command that was typed. A config that cannot be used and a gateway that cannot start end with a sentence and 1."""
    try:
        commands(prog_name="dragoman", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(_INTERRUPTED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ConfigError as error:
        _tell_problems(error)
        sys.exit(1)
    except GatewayError as error:
        click.echo(f"dragoman: {error.message}", err=True)
        sys.exit(1)


def _tell_problems(error: ConfigError) -> None:
    count = len(error.problems)
    click.echo(f"dragoman: the configuration has {'a problem' if count == 1 else f'{count} problems'}:", err=True)
    for problem in error.problems:
        click.echo(f"  {click.style('✗', fg='red')} {problem}", err=True)
