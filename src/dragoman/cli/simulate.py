"""`dragoman simulate`: a simulated provider on a port, with a script of one's own or the built-in coder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import click
import msgspec

from dragoman.simulator.app import Simulator, serve
from dragoman.simulator.errors import ERRORS
from dragoman.simulator.reply import Pace
from dragoman.simulator.routes import DIALECTS
from dragoman.simulator.script import DEFAULT_SCRIPT, Script, ScriptError, default_script, load_script
from dragoman.wire.hosts import is_loopback


@click.command()
@click.option("--script", "path", type=click.Path(path_type=Path), help="A script in YAML. Default: the built-in coder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65_535), help="The port to listen on, 0 for any.")
@click.option("--dialect", "dialects", multiple=True, type=click.Choice(DIALECTS), help="Speak only this dialect. Default: all.")
@click.option("--require-key", "key", metavar="KEY", help="Refuse requests without this API key, as a provider does.")
@click.option("--seed", type=int, help="Make ids and chances repeatable.")
@click.option("--pace", "delay_s", type=click.FloatRange(0), metavar="SECONDS", help="Wait before each delta. Default: the script's.")
@click.option("--print-default-script", is_flag=True, help="Print the default script, as a start for one of your own.")
@click.option("--list-errors", is_flag=True, help="Print the names of the provider errors that a script can ask for.")
def simulate(
    path: Path | None,
    host: str,
    port: int,
    dialects: tuple[str, ...],
    key: str | None,
    seed: int | None,
    delay_s: float | None,
    print_default_script: bool,
    list_errors: bool,
) -> None:
    """Run a simulated provider: for trying out, for tests, and for every kind of fault. Ctrl-C stops it."""
    if print_default_script:
        click.echo(DEFAULT_SCRIPT, nl=False)
        return
    if list_errors:
        click.echo("\n".join(f"{name:<28}{form.status}" for name, form in sorted(ERRORS.items())))
        return
    script = _paced(_read(path), delay_s)
    simulator = Simulator(script, key=key, seed=seed, dialects=dialects or DIALECTS)
    try:
        asyncio.run(_run(simulator, host, port, path))
    except OSError as error:
        # A name that is not known has a number below zero and words of its own; of a place that is taken, asyncio says it in many.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        raise click.ClickException(f"cannot listen on `{host}:{port}`: {why}; choose another with --host and --port") from error


async def _run(simulator: Simulator, host: str, port: int, path: Path | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    async with serve(port=port, host=host, simulator=simulator) as address:
        click.echo(_greeting(simulator, address, host, path), err=True)
        await stopped.wait()
    stats = simulator.records.stats()
    click.echo(
        f"dragoman: simulator stopped after {stats['requests']} requests ({stats['streams']} streams, "
        f"{stats['aborted']} left early, {stats['violation_count']} broke a rule of their dialect)",
        err=True,
    )


def _read(path: Path | None) -> Script:
    try:
        return default_script() if path is None else load_script(path)
    except ScriptError as error:
        raise click.ClickException(str(error)) from error


def _paced(script: Script, delay_s: float | None) -> Script:
    if delay_s is None:
        return script
    return msgspec.structs.replace(script, pace=Pace(delay_s, delay_s, script.pace.characters))


def _greeting(simulator: Simulator, address: str, host: str, path: Path | None) -> str:
    rules = len(simulator.script.rules)
    told = f"{path} ({rules} rule{'' if rules == 1 else 's'})" if path else "the built-in coder; --print-default-script shows it"
    lines = [
        click.style("dragoman simulator", bold=True) + ": a stand-in for a provider, nothing leaves this machine",
        "",
        f"  base URL    {address}/v1",
        f"  dialects    {', '.join(simulator.dialects)}",
        f"  script      {told}",
        f"  key         {'required' if simulator.is_locked else 'any, or none'}",
        f"  records     {address}/_simulator/stats and /_simulator/requests",
    ]
    if not is_loopback(host):
        lines.append(
            f"  {click.style('!', fg='yellow')} not on loopback: the records show every request, keys included, to whoever reaches it"
        )
    data = '{"model":"gpt-4","stream":true,"messages":[{"role":"user","content":"hello"}]}'
    return "\n".join([*lines, "", "  try:", f"    curl -N {address}/v1/chat/completions -d '{data}'", ""])
