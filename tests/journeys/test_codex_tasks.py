"""Task commands with the real Codex: what shall change a file does, what shall explain cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import BYPASS, DRAGOMAN, Machine, Ran, provider_of, requests, scripted, stats
from parts import gateway, simulator
from screen import Screen

pytestmark = pytest.mark.journey

WRITER = scripted("""
rules:
  - match: {kind: title}
    reply: [{text: '{"title": "Words"}'}]
  - match: {round: 0}
    reply: [{call: {name: exec_command, arguments: {cmd: "echo '# by the model' >> app.py"}}}]
  - reply: [{text: I have looked after it.}]
""")
SOURCE = "def double(x):\n    return x + x\n"


def ask(machine: Machine, folder: Path, *arguments: str) -> tuple[Ran, str]:
    """Run a task over a model that always writes to app.py; how it ended, and what the model was asked."""
    (machine.work / "app.py").write_text(SOURCE)
    with simulator(WRITER) as upstream, gateway(folder, {"providers": {"sim": provider_of(upstream, "responses")}}) as address:
        ran = machine.dragoman("codex", "--gateway", address, *arguments)
        assert stats(upstream)["violations"] == []
        asked = [str(request["body"]["input"]) for request in requests(upstream)]
    return ran, asked[0] if asked else ""


@pytest.mark.parametrize("name", ["fix", "document", "refactor"])
def test_task_changes_the_file(machine: Machine, tmp_path: Path, name: str) -> None:
    ran, asked = ask(machine, tmp_path, name, "app.py", "-m", "claude-sonnet-4-5", "--skip-git-repo-check", BYPASS)

    assert (ran.code, ran.out.strip()) == (0, "I have looked after it."), ran.err
    assert (machine.work / "app.py").read_text() == SOURCE + "# by the model\n"
    assert "`app.py`" in asked


def test_explanation_is_printed_and_cannot_change_the_file(machine: Machine, tmp_path: Path) -> None:
    ran, asked = ask(machine, tmp_path, "explain", "app.py", "-m", "claude-sonnet-4-5")

    assert (ran.code, ran.out.strip()) == (0, "I have looked after it."), ran.err
    assert "sandbox: read-only" in ran.err
    assert (machine.work / "app.py").read_text() == SOURCE
    assert "Explain `app.py`" in asked


def test_writing_task_is_kept_to_the_workspace(machine: Machine, tmp_path: Path) -> None:
    ran, _ = ask(machine, tmp_path, "fix", "app.py", "-m", "claude-sonnet-4-5", "--skip-git-repo-check")

    assert ran.code == 0, ran.err
    assert "sandbox: workspace-write" in ran.err


def test_misspelt_path_starts_nothing(machine: Machine, tmp_path: Path) -> None:
    ran, asked = ask(machine, tmp_path, "fix", "ap.py")

    assert (ran.code, ran.err, asked) == (1, "dragoman: there is no `ap.py`; did you mean `app.py`?\n", "")


def test_task_in_codexs_own_window_can_be_talked_about(machine: Machine, tmp_path: Path) -> None:
    (machine.work / "app.py").write_text(SOURCE)
    with simulator(WRITER) as upstream, gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "responses")}}) as address:
        screen = Screen(machine, [*DRAGOMAN, "codex", "--gateway", address, "explain", "--tui", "app.py", "-m", "claude-sonnet-4-5"])
        try:
            screen.wait_for("I have looked after it.")

            screen.wait_for("Explain app.py to a developer")
        finally:
            screen.close()
