"""The real `codex exec` through the gateway talks, in each of its request shapes, over each upstream dialect, translated and relayed;
what it tells of its user stays here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from machine import TALK, Machine, requests, stats
from parts import gateway, simulator
from upstreams import DIALECTS, config_of, door

pytestmark = pytest.mark.journey

# What each model name makes Codex send: its code mode, freeform tools, plain functions in namespaces.
SHAPES = ["gpt-6.1-sol", "gpt-5.5", "gpt-4"]
PROVIDERS: dict[str, Callable[[str], dict[str, Any]]] = {
    **{dialect: partial(config_of, dialect=dialect) for dialect in DIALECTS},
    "relayed": lambda upstream: {"providers": {"sim": {"kind": "openai", "base_url": f"{upstream}/v1", "keys": ["a-provider-key"]}}},
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("model", SHAPES)
def test_codex_talks(machine: Machine, tmp_path: Path, provider: str, model: str) -> None:
    with simulator(TALK) as upstream, gateway(tmp_path, PROVIDERS[provider](upstream)) as address:
        machine.configure(door(address))

        ran = machine.exec("Say hello.", "-m", model)

        assert (ran.code, ran.out.strip()) == (0, "Hello from the far side."), ran.err
        assert stats(upstream)["violations"] == []
        assert stats(upstream)["requests"] == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_paths_and_commits_of_the_user_reach_no_provider(machine: Machine, tmp_path: Path, provider: str) -> None:
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    machine.run(*git, "init", "-q")
    machine.run(*git, "commit", "-qm", "Begin", "--allow-empty")
    commit = machine.run(*git, "rev-parse", "HEAD").out.strip()
    with simulator(TALK) as upstream, gateway(tmp_path, PROVIDERS[provider](upstream)) as address:
        machine.configure(door(address))

        ran = machine.exec("Say hello.", "-m", "gpt-5.5")

        (request,) = requests(upstream)
        assert ran.code == 0
        assert (len(commit), commit in str(request)) == (40, False)
        assert "client_metadata" not in request["body"]
        assert not [name for name in request["headers"] if name.startswith(("x-codex", "session", "thread", "x-dragoman"))]
        assert str(request["headers"]).count("a-provider-key") == 1
