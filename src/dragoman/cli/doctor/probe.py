"""The proof of the pudding: the installed Codex, one tiny prompt, and a look at whether the gateway saw it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dragoman.cli.codex.arguments import KEY_VARIABLE, Door, door_arguments
from dragoman.cli.codex.command import codex_environment
from dragoman.cli.codex.program import ask, find_program
from dragoman.cli.codex.summary import fetch_summary
from dragoman.cli.doctor.finding import Finding, ok, problem
from dragoman.cli.gateway import Sight, look_at

_WAIT_S = 120.0
_PROMPT = "Answer with the one word: ready"
_ABOUT = "probe"


def probe(address: str, env: Mapping[str, str], model: str | None) -> list[Finding]:
    """Run `codex exec` once through this gateway, in an empty directory, read-only. Asks a model."""
    program = find_program(env)
    if program is None:
        return [problem(_ABOUT, "there is no Codex to run")]
    if look_at(address).sight is not Sight.GATEWAY:
        return [problem(_ABOUT, f"there is no gateway at {address} to run it against", "dragoman serve")]
    door = Door(address, secrets.token_hex(6))
    named = ["-m", model] if model else []
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["exec", "--skip-git-repo-check", "--ephemeral", "-s", "read-only", *named, _PROMPT]
        said = ask([program.path, *door_arguments(door), *arguments], codex_environment(env, address), cwd=Path(folder), wait_s=_WAIT_S)
    summary = fetch_summary(door, env.get(KEY_VARIABLE))
    if said.code == 0 and summary:
        return [ok(_ABOUT, f"Codex asked and was answered: {summary}")]
    reason = _last_line(said.err) or _last_line(said.out) or f"exit code {said.code}"
    reached = "the gateway saw its requests" if summary else "nothing reached the gateway"
    return [
        problem(
            _ABOUT, f"Codex failed ({reason}); {reached}", "read the sentence above; the gateway's log has the exchange" if summary else ""
        )
    ]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
