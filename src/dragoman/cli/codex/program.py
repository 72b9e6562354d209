"""The installed Codex program: where it is, which version, and what it says when asked."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

INSTALL = "npm install -g @openai/codex"
OLDEST_TESTED = (0, 169, 0)
_ANSWER_S = 60.0
"""Far more than starting a program takes on a machine that does much else."""


class Program(msgspec.Struct, frozen=True):
    """path: the executable. version: as numbers, None if it did not say. fault: why it does not even run, "" if it does."""

    path: str
    version: tuple[int, ...] | None
    fault: str = ""

    @property
    def version_text(self) -> str:
        """The version as it is written, or "unknown"."""
        return ".".join(map(str, self.version)) if self.version else "unknown"


class Said(msgspec.Struct, frozen=True):
    """What a short run of Codex said. code: its exit code, None if it did not end in time."""

    code: int | None
    out: str
    err: str


def find_program(env: Mapping[str, str]) -> Program | None:
    """The `codex` on PATH, or None."""
    path = shutil.which("codex", path=env.get("PATH"))
    if path is None:
        return None
    said = ask([path, "--version"], env)
    words = (said.err or said.out).strip().splitlines()
    return Program(path, read_version(said.out), "" if said.code == 0 else words[-1] if words else f"exit code {said.code}")


def read_version(text: str) -> tuple[int, ...] | None:
    """The version in what `codex --version` says (`codex-cli 0.169.0`), or None."""
    found = re.search(r"\b(\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else None


def is_older_than_tested(program: Program) -> bool:
    """Is it known to be older than what Dragoman is tested with?"""
    return program.version is not None and program.version < OLDEST_TESTED


def ask(command: list[str], env: Mapping[str, str], *, cwd: Path | None = None, wait_s: float = _ANSWER_S) -> Said:
    """Run a command that needs no terminal and no answer, and say what it said."""
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=wait_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Said(None, "", f"no answer within {wait_s:g} s")
    except OSError as error:
        return Said(None, "", error.strerror or str(error))
    return Said(done.returncode, done.stdout, done.stderr)
