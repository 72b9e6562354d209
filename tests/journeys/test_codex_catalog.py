"""The real Codex and the gateway's catalogue: what it knows stays word for word, what it does not know it no longer warns of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from machine import BYPASS, CODER, DRAGOMAN, TALK, Machine, provider_of, requests, scripted, stats
from parts import gateway, simulator
from screen import Screen

pytestmark = pytest.mark.journey

EXEC = ("exec", "--skip-git-repo-check", BYPASS)
WARNING = "Model metadata for"
ANSWERS = scripted('rules: [{match: {kind: title}, reply: [{text: \'{"title": "Words"}\'}]}, {reply: [{text: Here I am.}]}]')
CALLS = scripted("""
rules:
  - match: {kind: compaction}
    reply: [{text: We looked around.}]
  - times: 1
    reply: [{call: {name: exec_command, arguments: {cmd: "true"}}}]
    usage: {input: 185000, output: 50}
  - reply: [{text: Done looking.}]
""")


def openai(simulator: str) -> dict[str, Any]:
    """OpenAI itself, as far as the gateway can tell: it takes everything as it is."""
    return {"kind": "openai", "base_url": f"{simulator}/v1", "keys": ["a-provider-key"]}


def told(request: dict[str, Any]) -> dict[str, Any]:
    """The instructions and the tools of a request, wherever they stand in it."""
    body = request["body"]
    developer = [item for item in body["input"] if item.get("role") == "developer"]
    return {
        "instructions": [item.get("content") for item in developer if item["type"] == "message"],
        "added": [item.get("tools") for item in developer if item["type"] == "additional_tools"],
        **{name: body.get(name) for name in ("tools", "tool_choice", "parallel_tool_calls", "reasoning", "text")},
    }


@pytest.mark.parametrize("model", ["gpt-5.5", "gpt-6.1-sol"])
def test_model_that_codex_knows_keeps_its_instructions_and_tools(machine: Machine, tmp_path: Path, model: str) -> None:
    with simulator(TALK) as upstream:
        with gateway(tmp_path, {"providers": {"openai": openai(upstream)}, "models": {model: f"openai/{model}"}}) as address:
            ran = machine.dragoman("codex", "--gateway", address, *EXEC, "-m", model, "hi")
        block = f'model_providers.far={{name="Far",base_url="{upstream}/v1",wire_api="responses"}}'
        alone = machine.codex("-c", "model_provider=far", "-c", block, *EXEC, "-m", model, "hi")

        assert (ran.code, alone.code) == (0, 0), ran.err + alone.err
        through, straight = requests(upstream)
        assert told(through) == told(straight)
        assert len(str(told(straight)["instructions"])) > 10_000


def test_other_name_of_a_known_model_works_like_it(machine: Machine, tmp_path: Path) -> None:
    with simulator(TALK) as upstream:
        config = {"providers": {"openai": openai(upstream)}, "models": {"work": "openai/gpt-6.1-sol"}}
        with gateway(tmp_path, config) as address:
            ran = [machine.dragoman("codex", "--gateway", address, *EXEC, "-m", name, "hi") for name in ("work", "gpt-6.1-sol")]

        assert [one.code for one in ran] == [0, 0]
        assert WARNING not in ran[0].err
        alias, known = requests(upstream)
        assert told(alias) == told(known)


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "only asked for"])
@pytest.mark.parametrize("named", ["flag", "config.toml"])
def test_model_of_another_maker_edits_a_file_without_a_warning(machine: Machine, tmp_path: Path, listed: bool, named: str) -> None:
    (machine.work / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    flags = ("-m", "claude-sonnet-4-5") if named == "flag" else ()
    if named == "config.toml":
        machine.configure('model = "claude-sonnet-4-5"\n')
    with simulator(CODER) as upstream:
        models = {"claude-sonnet-4-5": "sim/claude-sonnet-4-5"} if listed else {}
        with gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "chat")}, "models": models}) as address:
            ran = machine.dragoman("codex", "--gateway", address, *EXEC, *flags, "In calc.py replace `a - b` with `a + b`.")

        assert ran.code == 0, ran.err
        assert WARNING not in ran.err
        assert (machine.work / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
        assert stats(upstream)["violations"] == []
        first = requests(upstream)[0]["body"]
        assert "You are Codex, a coding agent. " in str(first["messages"][0]) and "apply_patch" in str(first["tools"])


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gpt-5.5"])
def test_provider_block_of_the_users_own_is_no_hindrance(machine: Machine, tmp_path: Path, model: str) -> None:
    # As the README has it, for a gateway with keys: Codex takes no command beside `env_key`.
    machine.configure('[model_providers.dragoman]\nname = "Mine"\nbase_url = "http://127.0.0.1:9/v1"\nenv_key = "DRAGOMAN_KEY"\n')
    with (
        simulator(TALK) as upstream,
        gateway(tmp_path, {"providers": {"openai": openai(upstream)}, "models": {"*": "openai/*"}}) as address,
    ):
        ran = machine.dragoman("codex", "--gateway", address, *EXEC, "-m", model, "hi")

        assert (ran.code, WARNING in ran.err) == (0, False), ran.err
        assert len(str(told(requests(upstream)[0])["instructions"])) > 20_000


def test_warning_is_there_without_the_launcher(machine: Machine, tmp_path: Path) -> None:
    with simulator(TALK) as upstream, gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "chat")}}) as address:
        block = (
            f'model_providers.gw={{name="Gateway",base_url="{address}/openai/v1",wire_api="responses",auth={{command="echo",args=["k"]}}}}'
        )
        ran = machine.codex("-c", "model_provider=gw", "-c", block, *EXEC, "-m", "claude-sonnet-4-5", "hi")

    assert (ran.code, WARNING in ran.err) == (0, True)


@pytest.mark.parametrize(("window", "kinds"), [(None, ["turn", "compaction", "turn"]), (1_000_000, ["turn", "turn"])])
def test_compaction_starts_at_the_window_of_the_model(machine: Machine, tmp_path: Path, window: int | None, kinds: list[str]) -> None:
    with simulator(CALLS) as upstream:
        models = {"claude-sonnet-4-5": {"targets": ["sim/claude-sonnet-4-5"], "context_window": window}}
        with gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "responses")}, "models": models}) as address:
            ran = machine.dragoman("codex", "--gateway", address, *EXEC, "-m", "claude-sonnet-4-5", "Look around.")

        assert ran.code == 0, ran.err
        assert [request["kind"] for request in stats(upstream)["last"]] == kinds


def test_picker_lists_the_gateways_models_and_the_chosen_one_answers(machine: Machine, tmp_path: Path) -> None:
    models = {"work-horse": {"targets": ["sim/claude-sonnet-4-5"], "description": "Our everyday one"}, "thinker": "sim/o3"}
    with (
        simulator(ANSWERS) as upstream,
        gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "responses")}, "models": models}) as address,
    ):
        screen = Screen(machine, [*DRAGOMAN, "codex", "--gateway", address, "-m", "thinker"])
        try:
            screen.wait_for("Ask Codex to do anything")
            screen.type("/model")
            screen.wait_for("› /model")
            screen.type("\r")
            screen.wait_for("Our everyday one")

            assert "thinker" in screen.text and "work-horse" in screen.text, screen.text
        finally:
            screen.close()
