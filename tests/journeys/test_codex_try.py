"""`dragoman codex --try` with the real Codex: three models, three worktrees, side by side, one kept; the user's own change survives."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from machine import BYPASS, CODER, DRAGOMAN, Machine, provider_of, scripted, stats
from parts import gateway, simulator
from screen import Screen

pytestmark = pytest.mark.journey

BEFORE = "def add(a, b):\n    return a - b\n"
AFTER = "def add(a, b):\n    return a + b\n"
TASK = "In calc.py replace `a - b` with `a + b`."
ENDLESS = scripted('rules: [{reply: [{text: "and on ", repeat: 5000}], pace: {first_s: 0, delta_s: 0.05}}]')


def git(machine: Machine, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=machine.work, env=machine.env, capture_output=True, text=True, check=True).stdout


def repository(machine: Machine) -> None:
    (machine.work / "calc.py").write_text(BEFORE)
    (machine.work / "notes.txt").write_text("one\n")
    git(machine, "init", "-q", "-b", "main")
    git(machine, "add", "--all")
    git(machine, "-c", "user.name=u", "-c", "user.email=u@h", "commit", "-qm", "start")
    (machine.work / "notes.txt").write_text("one\ntwo, not committed\n")


def tries(machine: Machine) -> Path:
    (folder,) = (machine.home / ".local" / "state" / "dragoman" / "tries").iterdir()
    return folder


def test_one_task_three_models_one_kept(machine: Machine, tmp_path: Path) -> None:
    repository(machine)
    before = (
        git(machine, "status", "--short"),
        git(machine, "ls-files", "-s"),
        git(machine, "for-each-ref"),
        git(machine, "worktree", "list"),
    )
    with simulator(CODER) as upstream:
        openai = {"kind": "openai", "base_url": f"{upstream}/v1", "keys": ["a-provider-key"]}
        with gateway(tmp_path, {"providers": {"openai": openai, "local": provider_of(upstream, "chat")}}) as address:
            ran = machine.dragoman("codex", "--gateway", address, "--try", "gpt-5.5,local/qwen,gpt-6.1-sol", BYPASS, TASK)

    folder = tries(machine)
    trial = json.loads((folder / "try.json").read_text())
    assert ran.code == 0, ran.err
    assert [(folder / name / "calc.py").read_text() for name in ("gpt-5.5", "local-qwen", "gpt-6.1-sol")] == [AFTER] * 3
    assert (machine.work / "calc.py").read_text() == BEFORE
    assert (git(machine, "status", "--short"), git(machine, "ls-files", "-s")) == before[:2]

    told = [line.split() for line in ran.out.splitlines() if line[:2] in ("1 ", "2 ", "3 ")]
    assert [row[:6] for row in told] == [
        [str(n), name, "done", "1", "+1", "-1"] for n, name in enumerate(["gpt-5.5", "local/qwen", "gpt-6.1-sol"], 1)
    ]
    assert [row[-1] for row in told] == ["openai/gpt-5.5", "local/qwen", "openai/gpt-6.1-sol"]
    costs = [entry["sums"]["cost_usd"] for entry in trial["entries"]]
    assert costs[0] > 0 and costs[1] is None and "unknown" in told[1]
    assert all(entry["sums"]["input_tokens"] > 0 for entry in trial["entries"])
    assert "notes.txt" not in ran.out, "what the user had not committed is no model's work"
    assert f"dragoman tries keep {trial['id']} gpt-5.5" in ran.out

    shown = machine.dragoman("tries", "show", trial["id"], "local/qwen")
    kept = machine.dragoman("tries", "keep", trial["id"], "gpt-5.5")

    assert "-    return a - b\n+    return a + b\n" in shown.out
    assert kept.code == 0, kept.err
    assert (machine.work / "calc.py").read_text() == AFTER
    assert (machine.work / "notes.txt").read_text() == "one\ntwo, not committed\n"
    assert git(machine, "ls-files", "-s") == before[1]

    dropped = machine.dragoman("tries", "drop", trial["id"])

    assert (dropped.code, folder.exists()) == (0, False)
    assert (git(machine, "for-each-ref"), git(machine, "worktree", "list")) == before[2:]


def test_model_that_the_gateway_does_not_know_is_told_before_anything_is_spent(machine: Machine, tmp_path: Path) -> None:
    repository(machine)
    with simulator(CODER) as upstream:
        config = {"providers": {"a": provider_of(upstream, "chat"), "b": provider_of(upstream, "chat")}}
        with gateway(tmp_path, config) as address:
            ran = machine.dragoman("codex", "--gateway", address, "--try", "a/m,no-such-model", TASK)

        assert (ran.code, stats(upstream)["requests"]) == (1, 0)
        assert "`no-such-model`" in ran.err
        assert git(machine, "worktree", "list").count("\n") == 1


def test_without_a_repository_nothing_is_started(machine: Machine) -> None:
    ran = machine.dragoman("codex", "--gateway", "http://127.0.0.1:9", "--try", "a,b", TASK, GIT_CEILING_DIRECTORIES=str(machine.home))

    assert (ran.code, "is not in a git repository" in ran.err, len(ran.err.splitlines())) == (1, True, 1)


def test_ctrl_c_stops_every_model_and_keeps_what_there_is(machine: Machine, tmp_path: Path) -> None:
    repository(machine)
    with simulator(ENDLESS) as upstream, gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "chat")}}) as address:
        screen = Screen(machine, [*DRAGOMAN, "codex", "--gateway", address, "--try", "sim/one,sim/two", BYPASS, "hi"])
        try:
            screen.wait_until(lambda: stats(upstream)["open"] == 2, "both requests")

            screen.signal(signal.SIGINT)
            code = screen.wait_for_end()

            assert code == 128 + signal.SIGINT
            screen.wait_until_quiet(lambda: (stats(upstream)["open"], stats(upstream)["aborted"]) == (0, 2), "the provider to be cancelled")
        finally:
            screen.close()

    trial = json.loads((tries(machine) / "try.json").read_text())
    assert [entry["state"] for entry in trial["entries"]] == ["stopped", "stopped"]
    assert (tries(machine) / "sim-one" / "calc.py").is_file()
