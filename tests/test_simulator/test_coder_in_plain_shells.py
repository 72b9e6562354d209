"""The built-in coder edits real files with the shells of agents that are not Codex, which know no `apply_patch`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from desk import ask, fast

APP = "def greet():\n    return 'hello'\n"
GREETED = "def greet(name='world'):\n    return f'hello {name}'\n"
TEXT: dict[str, Any] = {"type": "string"}
SHELLS = {
    "bash": {"command": TEXT},
    "Bash": {"command": TEXT, "timeout": {"type": "number"}},
    "run_shell_command": {"command": TEXT, "is_background": {"type": "boolean"}},
    "run_commands": {"commands": {"type": "array", "items": TEXT}},
}


def work(folder: Path, request: str, shell: str) -> str:
    """Let the model work in a folder with this shell alone; its last words."""
    tool = {"type": "function", "function": {"name": shell, "parameters": {"type": "object", "properties": SHELLS[shell]}}}
    messages: list[Any] = [{"role": "user", "content": request}]
    simulator = fast()
    for _ in range(8):
        message = ask(simulator, "chat", {"model": "m", "messages": messages, "tools": [tool]})["choices"][0]["message"]
        message.pop("reasoning_content", None)
        messages.append(message)
        if "tool_calls" not in message:
            return message["content"]
        for call in message["tool_calls"]:
            arguments = json.loads(call["function"]["arguments"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": run(folder, arguments, shell)})
    raise AssertionError("the model never stops calling")


def run(folder: Path, arguments: dict[str, Any], shell: str) -> str:
    """What the commands of a call print, as the agent with this shell tells it."""
    told, code = "", 0
    for command in arguments.get("commands") or [arguments["command"]]:
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        told, code = told + done.stdout + done.stderr, done.returncode
    if shell == "run_commands":
        return json.dumps([{"query": command, "result": told, "success": code == 0}])
    if shell != "run_shell_command":
        return told
    report = f"Output: {told.strip() or '(empty)'}\nError: (none)\nExit Code: {code}\nSignal: 0\nProcess Group PGID: 11623"
    return f"Command: {arguments['command']}\nDirectory: (root)\n{report}"


@pytest.mark.parametrize("shell", SHELLS)
def test_edits_with_the_shell_of_any_agent(tmp_path: Path, shell: str) -> None:
    (tmp_path / "app.py").write_text(APP)

    said = work(tmp_path, "change greet in app.py so that it takes a name", shell)

    assert (tmp_path / "app.py").read_text() == GREETED
    assert said.startswith("Done: I gave `greet` a parameter `name` in `app.py`. The check passed:")


def test_makes_a_file_in_a_folder_of_a_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    folder = tmp_path / "inner"
    folder.mkdir()

    said = work(folder, "create hello.sh", "bash")

    assert (folder / "hello.sh").read_text() == '#!/bin/sh\n# Demo edit: create hello.sh\necho "hello from the demo"\n'
    assert said.startswith("Done: I created `hello.sh` in `hello.sh`. The check passed:")


def test_edit_that_git_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP.rstrip("\n"))

    said = work(tmp_path, "change greet in app.py so that it takes a name", "bash")

    assert (tmp_path / "app.py").read_text() == APP.rstrip("\n")
    assert said.startswith("I tried to edit `app.py`, but the edit was refused:")
