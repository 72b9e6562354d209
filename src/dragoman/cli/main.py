"""The entry point: every command by name, and the one place where an expected error becomes a sentence and an exit code."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
from typing import Any

import click

from dragoman import __version__
from dragoman.config.problems import ConfigError
from dragoman.ir.errors import GatewayError

_INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Later(click.Command):
    """A command whose module is loaded when it is typed: all of them together take as long as starting the gateway."""

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, short_help=summary)
        self._place = place

    def load(self) -> click.Command:
        """The command itself."""
        module, _, function = self._place.partition(":")
        return getattr(importlib.import_module(f"dragoman.cli.{module}"), function)

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        """That of the command itself, which is what then runs, and from then on ends in order when it is interrupted."""
        command = self.load()
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return command.make_context(info_name, args, parent, **extra)


class InOrder(click.Group):
    """A group whose commands are listed as they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="dragoman", message="%(prog)s %(version)s")
def commands() -> None:
    """A gateway between coding agents and model providers: any agent, any model."""


for _name, _place, _summary in (
    ("serve", "serve:serve", "Start the gateway."),
    ("codex", "codex.command:codex", "Run the installed Codex against the gateway."),
    ("doctor", "doctor.command:doctor", "Say why Codex does or does not reach the gateway."),
    ("tries", "trial.command:tries", "Look at what `dragoman codex --try` has made, keep one."),
    ("logs", "logs:logs", "Show the latest exchanges, or follow them."),
    ("show", "show:show", "Tell all of one exchange, or of a session."),
    ("top", "top:top", "Watch what is under way, spent and failing."),
    ("usage", "usage:usage", "Sum up requests, tokens, cost and times."),
    ("replay", "replay:replay", "Send recorded requests again, to other models."),
    ("check", "check:check", "Say what is wrong with a config, or that it holds."),
    ("route", "route:route", "Say where a request would go, and why; send nothing."),
    ("health", "health:health", "Show how every target and provider key is."),
    ("models", "models:models", "List what may be asked for, and what it is and costs."),
    ("config", "config:config", "Reload the config, compare its revisions, go back."),
    ("import", "importing:import_", "Write another gateway's config as dragoman.yaml."),
    ("schema", "check:schema", "Print the JSON Schema of dragoman.yaml, for editors."),
    ("simulate", "simulate:simulate", "Run a simulated provider, with every kind of fault."),
):
    commands.add_command(Later(_name, _place, _summary))


def main() -> None:
    """Run the command that was typed. A config that cannot be used and a gateway that cannot start end with a sentence and 1."""
    _open_what_is_closed()
    _write_what_can_be_written()
    try:
        commands(prog_name="dragoman", standalone_mode=False, color=_color())
    except click.exceptions.Abort:
        sys.exit(_INTERRUPTED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except click.UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"dragoman: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except ConfigError as error:
        _tell_problems(error)
        sys.exit(1)
    except GatewayError as error:
        click.echo(f"dragoman: {error.message}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        click.echo(f"dragoman: {error.filename or 'standard output'} cannot be written: {os.strerror(error.errno)}", err=True)
        # What is still in its buffer would fail once more at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


def _open_what_is_closed() -> None:
    """Standard output and error that whoever started us has closed (`>&-`) lead nowhere; Python has nothing in their place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _write_what_can_be_written() -> None:
    """A terminal of another encoding shows a question mark for what it has no sign for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _tell_problems(error: ConfigError) -> None:
    count = len(error.problems)
    click.echo(f"dragoman: the configuration has {'a problem' if count == 1 else f'{count} problems'}:", err=True)
    for problem in error.problems:
        click.echo(f"  {click.style('✗', fg='red')} {problem}", err=True, color=_color())


def _color() -> bool | None:
    """False for who wants no colors (https://no-color.org) or has a terminal without; None: as each stream can."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
