"""The real `codex exec` through the gateway: it talks, and it edits a file in two steps, in each of its request shapes, over
each upstream dialect, translated and relayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from machine import CODER, TALK, Machine, provider_of, requests, stats
from parts import gateway, simulator

pytestmark = pytest.mark.journey

CALCULATOR = '"""Sums."""\n\n\ndef add(a, b):\n    return a - b\n\n\nprint(add(2, 3))\n'
TASK = "In calc.py replace `a - b` with `a + b`."

# What each model name makes Codex send: its code mode, freeform tools, plain functions in namespaces.
SHAPES = ["gpt-6.1-sol", "gpt-5.5", "gpt-4"]
PROVIDERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "responses": lambda upstream: provider_of(upstream, "responses"),
    "chat": lambda upstream: provider_of(upstream, "chat"),
    "openai": lambda upstream: {"kind": "openai", "base_url": f"{upstream}/v1", "keys": ["a-provider-key"]},
}


def door(address: str) -> str:
    return f"""model_provider = "dragoman"
[model_providers.dragoman]
name = "Dragoman"
base_url = "{address}/openai/v1"
wire_api = "responses"
"""


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("model", SHAPES)
def test_codex_talks(machine: Machine, tmp_path: Path, provider: str, model: str) -> None:
    with simulator(TALK) as upstream, gateway(tmp_path, {"providers": {"sim": PROVIDERS[provider](upstream)}}) as address:
        machine.configure(door(address))

        ran = machine.exec("Say hello.", "-m", model)

        assert (ran.code, ran.out.strip()) == (0, "Hello from the far side."), ran.err
        assert stats(upstream)["violations"] == []
        assert stats(upstream)["requests"] == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("model", SHAPES)
def test_codex_edits_a_file_in_two_steps(machine: Machine, tmp_path: Path, provider: str, model: str) -> None:
    file = machine.work / "calc.py"
    file.write_text(CALCULATOR)
    with simulator(CODER) as upstream, gateway(tmp_path, {"providers": {"sim": PROVIDERS[provider](upstream)}}) as address:
        machine.configure(door(address))

        ran = machine.exec(TASK, "-m", model)

        assert (ran.code, file.read_text()) == (0, CALCULATOR.replace("a - b", "a + b")), ran.out + ran.err
        seen = stats(upstream)
        assert seen["violations"] == []
        # Look, edit, check, report.
        assert [request["kind"] for request in seen["last"]] == ["turn"] * 4
        assert "Done: I " in ran.out


@pytest.mark.parametrize("provider", PROVIDERS)
def test_paths_and_commits_of_the_user_reach_no_provider(machine: Machine, tmp_path: Path, provider: str) -> None:
    with simulator(TALK) as upstream, gateway(tmp_path, {"providers": {"sim": PROVIDERS[provider](upstream)}}) as address:
        machine.configure(door(address))

        ran = machine.exec("Say hello.", "-m", "gpt-5.5")

        (request,) = requests(upstream)
        assert ran.code == 0
        assert "client_metadata" not in request["body"]
        assert not [name for name in request["headers"] if name.startswith(("x-codex", "session", "thread", "x-dragoman"))]
        assert request["headers"]["authorization"] == "Bearer a-provider-key"
