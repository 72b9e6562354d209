"""The real `codex exec` edits a file in two steps in each of its request shapes over each upstream dialect, translated and relayed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from machine import CODER, Machine, provider_of, stats
from parts import gateway, simulator
from upstreams import DIALECTS, changed_behind, config_of, door, logged, turns

pytestmark = pytest.mark.journey

SOURCE = '"""Prices."""\n\n\ndef total(prices):\n    return sum(prices) * 1.19\n\n\nprint(total([1, 2]))\n'
TASK = "In shop/prices.py replace `1.19` with `1.07`."

# What each model name makes Codex send: its code mode, freeform tools, plain functions in namespaces.
SHAPES = ["gpt-6.1-sol", "gpt-5.5", "gpt-4", "anthropic/claude-sonnet-4.5"]


RELAYED = ["gpt-6.1-sol", "gpt-5.5", "gpt-5.4"]


# Models of one dialect differ in how they are told to think and in what they want to see again.
FAMILIES = [
    ("responses", "gpt-6.1-sol"),
    ("responses", "gpt-4.1"),
    ("chat", "deepseek-v4"),
    ("messages", "claude-sonnet-4-5"),
    ("messages", "claude-opus-4-8"),
    ("messages", "claude-haiku-5-5"),
    ("messages", "claude-sonnet-5-5"),
    ("generate", "gemini-2.5-pro"),
    ("generate", "gemini-2.0-flash"),
    ("generate", "gemini-4-flash"),
]


def compatible(upstream: str) -> dict[str, Any]:
    return {"providers": {"sim": provider_of(upstream, "responses")}}


def relayed(upstream: str) -> dict[str, Any]:
    return {"providers": {"sim": {"kind": "openai", "base_url": f"{upstream}/v1", "keys": ["a-provider-key"]}}}


def edits(
    machine: Machine,
    folder: Path,
    model: str,
    config: Callable[[str], dict[str, Any]],
    *arguments: str,
    settings: Callable[[str], str] = door,
) -> str:
    """The upstream dialect over which Codex made the edit, everything checked."""
    file = machine.work / "shop" / "prices.py"
    file.parent.mkdir()
    file.write_text(SOURCE)
    with simulator(CODER) as upstream, gateway(folder, config(upstream)) as address:
        machine.configure(settings(address))

        ran = machine.exec(TASK, "-m", model, *arguments, CODEX_API_KEY="a-key-of-the-user")

        assert (ran.code, file.read_text()) == (0, SOURCE.replace("1.19", "1.07")), ran.out + ran.err
        assert stats(upstream)["violations"] == []
        # Look, edit, check, report.
        requests = turns(upstream)
        assert [request.kind for request in requests] == ["turn"] * 4
        assert [len(request.results) for request in requests] == [0, 1, 2, 3]
        assert [told for earlier, later in pairwise(requests) for told in changed_behind(earlier, later)] == []
        assert "Done: I replaced `1.19` by `1.07`" in ran.out
        return requests[-1].dialect


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", SHAPES)
def test_edit_in_two_steps(machine: Machine, tmp_path: Path, dialect: str, model: str) -> None:
    assert edits(machine, tmp_path, model, lambda upstream: config_of(upstream, dialect)) == dialect


@pytest.mark.parametrize("effort", ["none", "high"])
@pytest.mark.parametrize(("dialect", "model"), FAMILIES)
def test_edit_in_two_steps_by_every_family(machine: Machine, tmp_path: Path, dialect: str, model: str, effort: str) -> None:
    arguments = ("-c", f"model_reasoning_effort={effort}")

    assert edits(machine, tmp_path, "gpt-5.5", lambda upstream: config_of(upstream, dialect, model), *arguments) == dialect


@pytest.mark.parametrize("model", SHAPES)
def test_edit_in_two_steps_at_a_server_with_plain_functions_only(machine: Machine, tmp_path: Path, model: str) -> None:
    assert edits(machine, tmp_path, model, compatible) == "responses"


@pytest.mark.parametrize("model", RELAYED)
def test_edit_in_two_steps_is_relayed(machine: Machine, tmp_path: Path, model: str) -> None:
    assert edits(machine, tmp_path, model, relayed) == "responses"

    lines = logged(tmp_path)
    assert (len(lines), [line for line in lines if " relay " not in line]) == (4, [])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["gpt-6.1-sol", "gpt-5.5", "gpt-4"])
def test_edit_in_two_steps_by_codexs_own_provider(machine: Machine, tmp_path: Path, model: str, dialect: str) -> None:
    def settings(address: str) -> str:
        return f'openai_base_url = "{address}/openai/v1"\nmodel_reasoning_effort = "xhigh"\n'

    assert edits(machine, tmp_path, model, lambda upstream: config_of(upstream, dialect), settings=settings) == dialect
