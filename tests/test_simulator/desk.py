"""A client for tests of the simulator: asks without sockets, reads streams with its own few lines, and has files to work on."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from typing import Any

from dragoman.simulator.app import Simulator
from dragoman.simulator.listener import Asked
from dragoman.simulator.performance import Beat, Performance
from dragoman.simulator.script import Script

PATHS = {"responses": "/v1/responses", "chat": "/v1/chat/completions", "messages": "/v1/messages"}


def fast(script: Script | None = None, **options: Any) -> Simulator:
    """A simulator without any pace, repeatable."""
    return Simulator(script or Script(), seed=7, clock=lambda: 1_795_000_000.0, **options)


def perform(simulator: Simulator, dialect: str, body: Any, **headers: str) -> Performance:
    """What the simulator answers to one request."""
    if dialect == "generate":
        return perform_at(simulator, f"/v1beta/models/{body['model']}:generateContent", without_model(body), **headers)
    return perform_at(simulator, PATHS[dialect], body, **headers)


def perform_at(simulator: Simulator, path: str, body: Any, query: str = "", **headers: str) -> Performance:
    """What the simulator answers to one request at some path."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if path.endswith("/messages"):
        named.setdefault("anthropic-version", "2026-10-21")
    return asyncio.run(simulator.answer(Asked("POST", path, query, named, raw)))


def without_model(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a dialect that has the model in the path; the tests write it into the body for brevity."""
    return {name: value for name, value in body.items() if name != "model"}


def payload(performance: Performance) -> bytes:
    """The body of an answer as it would go over the wire."""
    return b"".join(step.data for step in performance.steps if isinstance(step, Beat))


def ask(simulator: Simulator, dialect: str, body: Any, **headers: str) -> dict[str, Any]:
    """The JSON of a whole answer."""
    return json.loads(payload(perform(simulator, dialect, body, **headers)))


def stream(simulator: Simulator, dialect: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The JSON of every event of a stream; `[DONE]` is left out."""
    if dialect == "generate":
        path = f"/v1beta/models/{body['model']}:streamGenerateContent"
        text = payload(perform_at(simulator, path, without_model(body), "alt=sse")).decode()
    else:
        text = payload(perform(simulator, dialect, {**body, "stream": True})).decode()
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


class Workspace:
    """Files in memory, and a coding agent's tools on them, wrapping results as Codex does."""

    def __init__(self, **files: str) -> None:
        self.files = {name.replace("__", "."): text for name, text in files.items()}
        self.commands: list[str] = []

    def run(self, command: str) -> str:
        """exec_command, with the here-document form of apply_patch."""
        self.commands.append(command)
        if command.startswith("apply_patch <<'EOF'\n"):
            told = self.patch(command.removeprefix("apply_patch <<'EOF'\n").removesuffix("EOF"))
            return f"Wall time: 0.0000 seconds\nOutput:\n{told}"
        name = shlex.split(command)[-1]
        if command.startswith("cat "):
            if name not in self.files:
                return self._wrap(1, f"cat: {name}: No such file or directory\n")
            return self._wrap(0, self.files[name])
        return self._wrap(0, f"ran: {command}\n")

    def patch(self, patch: str) -> str:
        """apply_patch."""
        lines = patch.removesuffix("\n").split("\n")
        assert (lines[0], lines[-1]) == ("*** Begin Patch", "*** End Patch")
        kind, name = re.fullmatch(r"\*\*\* (Add|Update) File: (.+)", lines[1]).groups()  # type: ignore[union-attr]
        if kind == "Add":
            assert all(line.startswith("+") for line in lines[2:-1])
            self.files[name] = "\n".join(line[1:] for line in lines[2:-1]) + "\n"
        else:
            self.files[name] = apply_update(self.files[name], lines[2:-1])
        return f"Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\n{kind[0]} {name}\n"

    def script(self, script: str) -> str:
        """Code mode: one call of a tool, its output as Codex shows it."""
        tool, argument = script.split("tools.", 1)[1].split("(", 1)
        value, _ = json.JSONDecoder().raw_decode(argument)
        text = self.run(value["cmd"]).split("Output:\n", 1)[1] if tool == "exec_command" else "{}"
        if tool == "apply_patch":
            self.patch(value)
        return f"Script completed\nWall time 0.1 seconds\nOutput:\n{text}"

    @staticmethod
    def _wrap(code: int, output: str) -> str:
        return f"Chunk ID: 1a2b3c\nWall time: 0.0000 seconds\nProcess exited with code {code}\nOriginal token count: 8\nOutput:\n{output}"


def apply_update(text: str, lines: list[str]) -> str:
    """Apply the hunks of an update, each at the first place where its old lines stand after the hunk before it, as Codex does."""
    old = text.removesuffix("\n").split("\n") if text else []
    at = 0
    for hunk in _hunks(lines):
        before = [line[1:] for line in hunk if line[0] in " -"]
        after = [line[1:] for line in hunk if line[0] in " +"]
        place = next(here for here in range(at, len(old) + 1) if old[here : here + len(before)] == before)
        old[place : place + len(before)] = after
        at = place + len(after)
    return "\n".join(old) + "\n"


def _hunks(lines: list[str]) -> list[list[str]]:
    hunks: list[list[str]] = []
    for line in lines:
        if line == "@@":
            hunks.append([])
        else:
            hunks[-1].append(line)
    return hunks
