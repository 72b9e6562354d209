"""`dragoman codex [what codex takes]`: find Codex, find or start a gateway, run the one against the other, say what it cost."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from dragoman.cli.child import ChildFailed, child_gateway
from dragoman.cli.codex.arguments import KEY_VARIABLE, PROVIDER, Door, Reading, door_arguments, read_arguments
from dragoman.cli.codex.catalogue import open_door
from dragoman.cli.codex.foreground import run_in_foreground
from dragoman.cli.codex.program import INSTALL, OLDEST_TESTED, Program, find_program, is_older_than_tested
from dragoman.cli.codex.summary import fetch_summary
from dragoman.cli.codex.surroundings import MANAGED, configured_models, managed_provider, past_proxies
from dragoman.cli.codex.tasks import read_task
from dragoman.cli.gateway import Look, Sight, look_at
from dragoman.cli.settings import configured_address
from dragoman.cli.trial.launch import Prepared, Surroundings, prepare, run_trial
from dragoman.cli.trial.wishes import TRY_OPTIONS, Wishes, read_wishes, refuse_stray

_PLACEHOLDER = "dragoman"
_OWN_OPTIONS = ("--gateway", "--gateway-config", *TRY_OPTIONS)
_HELP = """dragoman codex [--gateway URL] [--gateway-config FILE] [--] [anything that codex takes]
dragoman codex --try MODEL,MODEL [--try-jobs N] [--try-limit 15m] [exec] [anything that codex exec takes]
dragoman codex explain|fix|refactor|document [PATH ...]  a task for these files, well asked for (each has its --help)
  --gateway URL          use the gateway at this address (or DRAGOMAN_URL)
  --gateway-config FILE  start a gateway with this dragoman.yaml (or DRAGOMAN_CONFIG)
  --try MODEL,MODEL      the same task with each model in a git worktree of its own, then all side by side
  DRAGOMAN_KEY           the key that the gateway asks for, if it has `access.keys`
What follows is Codex's own help.
"""


class Own(msgspec.Struct, frozen=True):
    """Our own options, which stand before Codex's."""

    gateway: str | None = None
    config: str | None = None
    trial: Wishes | None = None


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def codex(arguments: tuple[str, ...]) -> None:
    """Run the installed Codex against the gateway, starting one for its lifetime if none answers.

    Options of our own stand first: --gateway URL (or DRAGOMAN_URL), --gateway-config FILE (or DRAGOMAN_CONFIG), --try
    MODEL,MODEL. Everything else is Codex's.
    """
    sys.exit(launch(list(arguments), dict(os.environ)))


def launch(arguments: list[str], env: Mapping[str, str]) -> int:
    """Do it all and return the exit code: Codex's own, or 1 with a sentence if it was never started."""
    try:
        own, rest = split_own_options(arguments, env)
        order = read_task(rest, Path.cwd())
        if order is not None and order.shown is not None:
            click.echo(order.shown)
            return 0
        return _launch(own, rest if order is None else order.arguments, env)
    except click.ClickException as error:
        _say(error.format_message())
        return 1


def split_own_options(arguments: list[str], env: Mapping[str, str]) -> tuple[Own, list[str]]:
    """Our options off the front, and what is left for Codex. A `--` between the two is ours."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].partition("=")[0] in _OWN_OPTIONS:
        name, equals, value = rest.pop(0).partition("=")
        if not equals and not rest:
            raise click.ClickException(f"`{name}` wants a value")
        found[name] = value if equals else rest.pop(0)
    if found and rest[:1] == ["--"]:
        rest.pop(0)
    gateway, config = found.get("--gateway") or env.get("DRAGOMAN_URL"), found.get("--gateway-config") or env.get("DRAGOMAN_CONFIG")
    refuse_stray(rest)
    return Own(gateway or None, config or None, read_wishes(found)), rest


def _launch(own: Own, arguments: list[str], env: Mapping[str, str]) -> int:
    reading = read_arguments(arguments)
    if reading.way == "refused":
        raise click.ClickException(reading.reason)
    program = find_program(env)
    if program is None:
        raise click.ClickException(f"there is no `codex` on PATH; install it with `{INSTALL}`")
    if reading.way == "alone":
        if arguments[:1] in (["-h"], ["--help"]):
            click.echo(_HELP, err=True)
        return run_in_foreground([program.path, *arguments], env)
    _check(program)
    run = secrets.token_hex(6)
    prepared = None if own.trial is None else prepare(own.trial, arguments, env)
    with _gateway(own, run, env) as address:
        if prepared is not None:
            return _try(prepared, program, address, env)
        door = open_door(program, address, run, _asked(reading, env), env)
        code = run_in_foreground([program.path, *door_arguments(door), *arguments], codex_environment(env, address))
        summary = fetch_summary(door, env.get(KEY_VARIABLE))
        if summary:
            _say(summary)
        return code


def _try(prepared: Prepared, program: Program, address: str, env: Mapping[str, str]) -> int:
    def door(run: str, model: str) -> Door:
        return open_door(program, address, run, [model], env)

    return run_trial(prepared, Surroundings(program.path, address, codex_environment(env, address), door))


def _asked(reading: Reading, env: Mapping[str, str]) -> list[str]:
    """The model names that this run is known to use."""
    return [reading.model] if reading.model else configured_models(env, reading.profile)


def codex_environment(env: Mapping[str, str], address: str) -> dict[str, str]:
    """The user's environment with what Codex needs to reach this address. Codex wants a key even where the gateway does not."""
    return {**env, KEY_VARIABLE: env.get(KEY_VARIABLE) or _PLACEHOLDER, **past_proxies(env, address)}


def _check(program: Program) -> None:
    if is_older_than_tested(program):
        tested = ".".join(map(str, OLDEST_TESTED))
        _say(f"codex {program.version_text} is older than {tested}, the oldest that this is tested with; update it with `{INSTALL}@latest`")
    prescribed = managed_provider(MANAGED)
    if prescribed is not None:
        raise click.ClickException(
            f"`{MANAGED}` prescribes Codex's provider (`{prescribed}`) and wins over every flag, so Codex would go past the gateway;"
            f" ask who keeps that file to leave out `model_provider` and `model_providers.{PROVIDER}`"
        )


@contextmanager
def _gateway(own: Own, run: str, env: Mapping[str, str]) -> Generator[str]:
    """The address of a gateway that answers: the one that was named, the one that is running, or one of our own."""
    address = _root(own.gateway or configured_address(own.config, env))
    look = _look(address, env)
    if look.sight is Sight.GATEWAY:
        yield address
        return
    if own.gateway:
        raise click.ClickException(
            f"no gateway answers at {address} ({look.detail}); start one with `dragoman serve`, or leave out the address"
        )
    try:
        with child_gateway(env, run=run, config=own.config) as child:
            _say(f"no gateway answers at {address}; started one at {child.address} until Codex ends (log: {child.log})")
            _look(child.address, env)
            yield child.address
    except ChildFailed as error:
        raise click.ClickException(f"the gateway did not start:\n{error}") from error


def _look(address: str, env: Mapping[str, str]) -> Look:
    """What stands there; better one sentence here on a missing key than a failed turn of Codex."""
    look = look_at(address, key=env.get(KEY_VARIABLE))
    if look.sight is Sight.LOCKED:
        held = "does not know the key in DRAGOMAN_KEY" if env.get(KEY_VARIABLE) else "asks for a key"
        raise click.ClickException(f"the gateway at {address} {held}: set DRAGOMAN_KEY to one of its `access.keys`")
    return look


def _root(address: str) -> str:
    """Scheme, host and port: a path that somebody copied along with them is left out."""
    url = urlsplit(address)
    return f"{url.scheme}://{url.netloc}" if url.netloc else address


def _say(text: str) -> None:
    click.echo(f"dragoman: {text}", err=True)
