"""A machine of its own for one journey: a home, a working directory, an environment with nothing of ours in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
from patience import PATIENCE_S

from dragoman.simulator.script import Script, read_script

_RUN_S = 3 * PATIENCE_S
"""A program of Node that starts, asks and ends has taken most of that patience on a sixth of a core."""
BYPASS = "--dangerously-bypass-approvals-and-sandbox"
CLIENTS = Path(os.environ.get("DRAGOMAN_CLIENTS") or Path(__file__).parents[2] / ".clients")
OLD_CODEX = os.pathsep.join([str(CLIENTS / "codex-0.42" / "node_modules" / ".bin"), os.environ["PATH"]])
"""A PATH on which `codex` is a release that still follows OPENAI_BASE_URL."""
DRAGOMAN = [sys.executable, "-m", "dragoman"]
TALK = read_script("rules: [{reply: [{text: Hello from the far side.}]}]")
CODER = read_script("rules: [{name: coder}]\npace: {first_s: 0, delta_s: 0}")


class Ran(msgspec.Struct, frozen=True):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


class Machine:
    """A home with a `.codex`, a working directory without git, and commands that see nothing else."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.home = folder / "user"
        self.work = self.home / "work"
        self.codex_home = self.home / ".codex"
        self.work.mkdir(parents=True)
        self.codex_home.mkdir()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "xterm-256color", "LANG": "C.UTF-8", **env}

    def configure(self, toml: str, name: str = "config.toml") -> None:
        """Write one of Codex's settings files."""
        (self.codex_home / name).write_text(toml)

    def run(self, *command: str, **env: str) -> Ran:
        """Run a command to its end, with nothing on standard input."""
        done = subprocess.run(
            command,
            env={**self.env, **env},
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_RUN_S,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def codex(self, *arguments: str, **env: str) -> Ran:
        """`codex` as the user has configured it."""
        return self.run("codex", *arguments, **env)

    def exec(self, prompt: str, *arguments: str, **env: str) -> Ran:
        """`codex exec` as the user has configured it, allowed to do anything."""
        return self.codex("exec", "--skip-git-repo-check", BYPASS, *arguments, prompt, **env)

    def resume(self, prompt: str, *arguments: str, **env: str) -> Ran:
        """The same, going on with the last conversation."""
        return self.codex("exec", "resume", "--last", "--skip-git-repo-check", BYPASS, *arguments, prompt, **env)

    def dragoman(self, *arguments: str, **env: str) -> Ran:
        """`dragoman …`."""
        return self.run(*DRAGOMAN, *arguments, **env)


def provider_of(simulator: str, dialect: str) -> dict[str, Any]:
    """A provider for a gateway's config: the simulator, spoken to in one dialect."""
    return {"kind": "openai-compatible", "base_url": f"{simulator}/v1", "dialect": dialect, "keys": ["a-provider-key"]}


def stats(simulator: str) -> dict[str, Any]:
    """What the simulator counted."""
    with urlopen(f"{simulator}/_simulator/stats") as answer:
        return json.load(answer)


def requests(simulator: str) -> list[dict[str, Any]]:
    """The requests that the simulator got, in full."""
    with urlopen(f"{simulator}/_simulator/requests") as answer:
        return json.load(answer)


def scripted(text: str) -> Script:
    """A script from YAML."""
    return read_script(text)


def ruled(*rules: dict[str, Any], **settings: Any) -> Script:
    """A script from values; YAML would take some characters for line ends."""
    return msgspec.convert({"rules": rules, **settings}, Script)
