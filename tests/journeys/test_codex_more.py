"""Further things that the real Codex does, over each upstream dialect: it resumes, reviews, has sub-agents, and calls tools of MCP
servers, offered in a namespace or found by its search."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from machine import CODER, Machine, ruled, stats
from parts import gateway, simulator
from props import COUNT, COUNTED, letters
from upstreams import DIALECTS, config_of, door, got, turns

pytestmark = pytest.mark.journey

EFFORT: dict[str, Callable[[Any], str]] = {
    "responses": lambda body: body["reasoning"]["effort"],
    "chat": lambda body: body["reasoning_effort"],
    "messages": lambda body: body["output_config"]["effort"],
    "generate": lambda body: body["generationConfig"]["thinkingConfig"]["thinkingLevel"].lower(),
}
# As near as each model comes to low, high, medium, xhigh.
EFFORTS = {
    "responses": ["low", "high", "medium", "xhigh"],
    "chat": ["low", "high", "high", "max"],
    "messages": ["low", "high", "medium", "xhigh"],
    "generate": ["low", "high", "medium", "high"],
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_conversation_is_resumed(machine: Machine, tmp_path: Path, dialect: str) -> None:
    script = ruled(
        {"match": {"user": "again"}, "reply": [{"text": "You had 36 files."}]},
        {"match": {"round": 0}, "reply": [{"reasoning": "I count."}, {"call": {"name": "exec_command", "arguments": {"cmd": "echo 36"}}}]},
        {"reply": [{"text": "You have 36 files."}]},
    )
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address))
        first = machine.exec("How many files?", "-m", "gpt-5.5")

        again = machine.resume("Say it again.", "-m", "gpt-5.5")

        assert (first.code, first.out.strip()) == (0, "You have 36 files."), first.err
        assert (again.code, again.out.strip()) == (0, "You had 36 files."), again.err
        assert stats(upstream)["violations"] == []
        last = got(upstream)[-1]
        assert last.user == "Say it again."
        assert [name for name, _ in last.results] == ["exec_command"]
        assert all(last.says(text) for text in ("How many files?", "You have 36 files."))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_effort_changes_from_turn_to_turn(machine: Machine, tmp_path: Path, dialect: str) -> None:
    script = ruled(
        {"match": {"round": 0}, "reply": [{"reasoning": "I think."}, {"call": {"name": "exec", "input": 'text("done");'}}]},
        {"reply": [{"text": "Heard: {{user}}"}]},
    )
    efforts = ["low", "high", "medium", "xhigh"]
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        # Codex tells OpenAI's own provider of such a change in an item of its own.
        machine.configure(f'openai_base_url = "{address}/openai/v1"\n')

        ran = [
            (machine.resume if number else machine.exec)(
                f"Question {number}.", "-m", "gpt-6.1-sol", "-c", f"model_reasoning_effort={effort}", CODEX_API_KEY="a-key-of-the-user"
            )
            for number, effort in enumerate(efforts)
        ]

        assert [one.code for one in ran] == [0] * len(efforts), ran[-1].err
        assert stats(upstream)["violations"] == []
        assert [EFFORT[dialect](request.body) for request in got(upstream)] == [effort for effort in EFFORTS[dialect] for _ in range(2)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_changes_are_reviewed(machine: Machine, tmp_path: Path, dialect: str) -> None:
    file = machine.work / "pay.py"
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    file.write_text("def pay(sum):\n    return sum\n")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "Pay")):
        assert machine.run(*git, *command).code == 0
    file.write_text("def pay(sum):\n    # TODO check the sum\n    return eval(sum)\n")
    with simulator(CODER) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address, more='model = "gpt-5.5"'))

        ran = machine.codex("review", "--uncommitted")

        assert ran.code == 0, ran.err
        assert stats(upstream)["violations"] == []
        assert [request.kind for request in got(upstream)] == ["review", "review"]
        assert "[P2] Look again at line 2 of pay.py" in ran.out, ran.out
        assert "[P2] Look again at line 3 of pay.py" in ran.out, ran.out


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sub_agent_works_beside_its_parent(machine: Machine, tmp_path: Path, dialect: str) -> None:
    # The parent waits on the disk for what the helper does.
    wait = "for i in $(seq 300); do [ -f harvest.txt ] && break; sleep 0.1; done; cat harvest.txt"
    script = ruled(
        {"match": {"user": "Pick", "round": 0}, "reply": [run("echo three pears > harvest.tmp && mv harvest.tmp harvest.txt")]},
        {"match": {"user": "Pick"}, "reply": [{"text": "All picked."}]},
        {
            "times": 1,
            "reply": [{"call": {"name": "spawn_agent", "arguments": {"message": "Pick the pears."}}}],
        },
        {"times": 1, "reply": [run(wait)]},
        {"reply": [{"text": "My helper did it."}]},
    )
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address))

        ran = machine.exec("Have the orchard harvested.", "-m", "gpt-4")

        assert (ran.code, ran.out.strip()) == (0, "My helper did it."), ran.err
        assert (machine.work / "harvest.txt").read_text() == "three pears\n"
        assert stats(upstream)["violations"] == []
        parents = [request for request in got(upstream) if request.says("Have the orchard harvested.")]
        (_, spawned), (_, waited) = parents[-1].results
        assert "agent_id" in spawned
        assert "three pears" in waited
        helpers = [request.user for request in got(upstream) if request not in parents]
        # It may be over before the helper has said its last word.
        assert helpers in (["Pick the pears."], ["Pick the pears."] * 2)


@pytest.mark.parametrize(("dialect", "relay"), [*((dialect, []) for dialect in DIALECTS), ("responses", ["*"])], ids=[*DIALECTS, "relayed"])
def test_sub_agent_works_beside_its_parent_in_code_mode(machine: Machine, tmp_path: Path, dialect: str, relay: list[str]) -> None:
    wait = "for i in $(seq 300); do [ -f harvest.txt ] && break; sleep 0.1; done; cat harvest.txt"
    spawn = {"task_name": "pears", "message": "Pick the pears.", "fork_turns": "none"}
    script = ruled(
        {"match": {"user": "Pick", "round": 0}, "reply": [run_in_code("echo three pears > harvest.tmp && mv harvest.tmp harvest.txt")]},
        {"match": {"user": "Pick"}, "reply": [{"text": "All picked."}]},
        {"times": 1, "reply": [{"call": {"name": "spawn_agent", "arguments": spawn}}]},
        {"times": 1, "reply": [run_in_code(wait)]},
        {"reply": [{"text": "My helper did it."}]},
    )
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect, relay=relay)) as address:
        machine.configure(door(address))

        ran = machine.exec("Have the orchard harvested.", "-m", "gpt-6.1-sol")

        assert (ran.code, ran.out.strip()) == (0, "My helper did it."), ran.err
        assert (machine.work / "harvest.txt").read_text() == "three pears\n"
        assert stats(upstream)["violations"] == []
        parents = [request for request in got(upstream) if request.says("Have the orchard harvested.")]
        helpers = [request for request in got(upstream) if request not in parents]
        assert [request.says("Pick the pears.") for request in helpers] in ([True], [True, True])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tool_of_an_mcp_server_is_called_in_its_namespace(machine: Machine, tmp_path: Path, dialect: str) -> None:
    script = ruled({"match": {"round": 0}, "reply": [COUNT]}, {"reply": [{"text": "It says: {{result}}"}]})
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address) + letters(machine))

        ran = machine.exec("How many a has dragoman?", "-m", "gpt-4")

        assert (ran.code, COUNTED in ran.out) == (0, True), ran.out + ran.err
        assert stats(upstream)["violations"] == []
        ((_, text),) = turns(upstream)[-1].results
        assert COUNTED in text


@pytest.mark.parametrize("dialect", ["chat", "messages", "generate"])
def test_tool_with_a_name_too_long_for_the_provider_is_called(machine: Machine, tmp_path: Path, dialect: str) -> None:
    long = "ledger" + "-of-many-letters" * 3
    count = {"call": {**COUNT["call"], "name": "", "namespace": "mcp__ledger"}}
    script = ruled({"match": {"round": 0}, "reply": [count]}, {"reply": [{"text": "It says: {{result}}"}]})
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address) + letters(machine) + letters(machine, long))

        ran = machine.exec("How many a has dragoman?", "-m", "gpt-4")

        assert (ran.code, COUNTED in ran.out) == (0, True), ran.out + ran.err
        assert stats(upstream)["violations"] == []
        ((name, _),) = turns(upstream)[-1].results
        assert len(name) == 64


@pytest.mark.parametrize("dialect", DIALECTS)
def test_deferred_tool_is_found_and_called(machine: Machine, tmp_path: Path, dialect: str) -> None:
    search = {"call": {"name": "tool_search", "arguments": {"query": "count letters in a word"}}}
    script = ruled(
        {"match": {"round": 0}, "reply": [search]}, {"match": {"round": 1}, "reply": [COUNT]}, {"reply": [{"text": "It says: {{result}}"}]}
    )
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address) + letters(machine))

        ran = machine.exec("How many a has dragoman?", "-m", "gpt-5.5")

        assert (ran.code, COUNTED in ran.out) == (0, True), ran.out + ran.err
        assert stats(upstream)["violations"] == []
        assert len(turns(upstream)) == 3


def run(command: str) -> dict[str, Any]:
    """A line of a script that runs a command."""
    return {"call": {"name": "exec_command", "arguments": {"cmd": command, "yield_time_ms": 30_000}}}


def run_in_code(command: str) -> dict[str, Any]:
    """The same for the code mode."""
    return {"call": {"name": "exec", "input": f"text((await tools.exec_command({{cmd: {json.dumps(command)}}})).output);"}}
