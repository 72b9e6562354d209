"""`dragoman doctor`: run every check and tell what was found. Exit code 1 if anything is a problem."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from dragoman.cli.codex.program import find_program
from dragoman.cli.doctor.codex import check_configuration, check_home, check_program, read_settings
from dragoman.cli.doctor.environment import check_environment
from dragoman.cli.doctor.finding import Finding, told, verdict
from dragoman.cli.doctor.gateway import check_gateway
from dragoman.cli.doctor.probe import probe
from dragoman.cli.doctor.settings import check_settings
from dragoman.cli.gateway import look_at
from dragoman.cli.settings import configured_address


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    gateway: str
    healthy: bool
    findings: list[Finding]


@click.command()
@click.option("--gateway", envvar="DRAGOMAN_URL", help="Address of the gateway. Default: the configured one, http://127.0.0.1:8080.")
@click.option("--config", "config", envvar="DRAGOMAN_CONFIG", help="The dragoman.yaml that says where the gateway is.")
@click.option("--probe", "with_probe", is_flag=True, help="Also run the installed Codex with one tiny prompt (this asks a model).")
@click.option("--model", help="The model that --probe asks. Default: what Codex asks by itself.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(gateway: str | None, config: str | None, with_probe: bool, model: str | None, as_json: bool) -> None:
    """Say why this machine's Codex does or does not reach the gateway, and what to type."""
    env = dict(os.environ)
    address = (gateway or configured_address(config, env)).rstrip("/")
    findings = examine(address, env, Path.cwd(), chosen=gateway is not None)
    if with_probe:
        findings += probe(address, env, model)
    healthy = not any(finding.level == "problem" for finding in findings)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(Report(address, healthy, findings))))
    else:
        click.echo(f"{told(findings)}\n\n{verdict(findings)}")
    sys.exit(0 if healthy else 1)


def examine(address: str, env: Mapping[str, str], cwd: Path, *, chosen: bool) -> list[Finding]:
    """All checks but the probe, in the order in which a request travels. Sends nothing but two small GETs to the gateway."""
    program = find_program(env)
    findings = [*check_program(program), *check_home(env)]
    settings, unreadable = read_settings(env, cwd)
    findings += unreadable
    if program is not None:
        findings += check_configuration(program, env, cwd)
    findings += check_settings(settings, address, env, look_at)
    findings += check_environment(env, program, address)
    findings += check_gateway(address, env, chosen=chosen)
    return findings
