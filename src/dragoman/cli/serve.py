"""`dragoman serve`: load the config, say what was found, run the gateway until it is told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import click
import msgspec

from dragoman.app.gateway import run_gateway
from dragoman.cli.banner import banner
from dragoman.config.load import Loaded, load
from dragoman.config.schema import Config


class Wishes(msgspec.Struct, frozen=True):
    """What the command line says over the config."""

    host: str | None = None
    port: int | None = None
    is_open: bool = False
    is_quiet: bool = False
    is_verbose: bool = False


@click.command()
@click.option(
    "--config", "config", type=click.Path(), help="The config. Default: DRAGOMAN_CONFIG, ./dragoman.yaml, the user's config directory."
)
@click.option("--host", help="The address to listen on. Default: the config's, 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port to listen on, 0 for any. Default: the config's, 8080.")
@click.option(
    "--open", "is_open", is_flag=True, help="Listen beyond this machine even without `access.keys`: everyone there spends your keys."
)
@click.option("--quiet", "is_quiet", is_flag=True, help="No line for each exchange.")
@click.option(
    "--verbose", "is_verbose", is_flag=True, help="Below each exchange, a line for each thing that its provider could not be told."
)
@click.option("--leash", is_flag=True, hidden=True, help="End when standard input does.")
@click.option("--announce-fd", type=int, hidden=True, help="Tell the address to this file descriptor when it listens.")
def serve(
    config: str | None,
    host: str | None,
    port: int | None,
    is_open: bool,
    is_quiet: bool,
    is_verbose: bool,
    leash: bool,
    announce_fd: int | None,
) -> None:
    """Start the gateway. Ctrl-C stops it: running answers finish, a second Ctrl-C cuts them short."""
    env = dict(os.environ)
    wishes = Wishes(host, port, is_open, is_quiet, is_verbose)

    def read(path: Path | None) -> Loaded:
        loaded = load(path if path is not None else config, env)
        return msgspec.structs.replace(loaded, config=with_wishes(loaded.config, wishes))

    loaded = read(None)
    if leash:
        threading.Thread(target=_end_with_stdin, name="leash", daemon=True).start()

    def on_ready(address: str) -> None:
        click.echo(banner(loaded, address), err=True)
        if announce_fd is not None:
            os.write(announce_fd, f"{address}\n".encode())

    run_gateway(loaded, read, env, on_ready)
    click.echo("dragoman: stopped", err=True)


def with_wishes(config: Config, wishes: Wishes) -> Config:
    """The config with what the command line says in its place."""
    server = {"host": wishes.host, "port": wishes.port, "allow_open": wishes.is_open or None}
    changed = msgspec.structs.replace(config.server, **{name: value for name, value in server.items() if value is not None})
    log = msgspec.structs.replace(
        config.log, exchanges=config.log.exchanges and not wishes.is_quiet, warnings=config.log.warnings or wishes.is_verbose
    )
    return msgspec.structs.replace(config, server=changed, log=log)


def _end_with_stdin() -> None:
    """Whoever holds the other end of standard input is gone: so are we."""
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
