"""Both ways in which the real Codex compacts a conversation that has grown too long, over each upstream dialect: the summary turn of a
custom provider, and the sealed item that it asks a provider named OpenAI for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from machine import Machine, provider_of, ruled, stats
from parts import gateway, simulator
from upstreams import DIALECTS, Got, config_of, door, got

pytestmark = pytest.mark.journey

FACT = "the harbour master's number is 4711"
SUMMARY = "Handoff: the harbour master's number was looked up and is 4711."
FULL = {"input": 1_500_000, "output": 20}
LOOK: dict[str, Any] = {
    "match": {"user": "Look it up", "round": 0},
    "times": 1,
    "reply": [
        {"reasoning": {"summary": "It stands in a file.", "text": "It stands in a file."}},
        {"call": {"name": "exec_command", "arguments": {"cmd": f'echo "{FACT}"'}}},
    ],
    "usage": FULL,
}
ANSWERS: list[dict[str, Any]] = [
    {"match": {"user": "Say it again"}, "reply": [{"text": "It is 4711, as said."}]},
    {"reply": [{"text": "It is 4711."}]},
]


LOOK_IN = {
    "gpt-6.1-sol": {**LOOK, "reply": [{"call": {"name": "exec", "input": f'text("{FACT}");'}}]},
    "gpt-5.5": LOOK,
    "gpt-4": LOOK,
}


def say_it_twice(machine: Machine, folder: Path, model: str, config: dict[str, Any], later: dict[str, Any]) -> None:
    """The conversation with a provider named OpenAI, each half through a gateway of its own."""
    with gateway(folder, config) as address:
        machine.configure(door(address, "OpenAI"))
        first = machine.exec("Look it up.", "-m", model)
    assert (first.code, first.out.strip()) == (0, "It is 4711."), first.err
    with gateway(folder, later) as address:
        machine.configure(door(address, "OpenAI"))
        again = machine.resume("Say it again.", "-m", model)
    assert (again.code, again.out.strip()) == (0, "It is 4711, as said."), again.err


def check(requests: list[Got]) -> None:
    """Two of four requests are before the summary, which replaces what was before it."""
    looked, summed, *after = requests
    assert looked.results == []
    assert [text for _, text in summed.results if FACT in text]
    assert len(after) == 2
    for request in after:
        assert request.says(SUMMARY)
        assert request.says("Look it up")
        assert not request.says(FACT), "what was summed up is still told"
    assert after[0].proofs == []
    assert after[1].says("It is 4711.")
    assert after[1].user == "Say it again."


@pytest.mark.parametrize("dialect", DIALECTS)
def test_summary_turn_takes_the_place_of_the_conversation(machine: Machine, tmp_path: Path, dialect: str) -> None:
    script = ruled(LOOK, {"match": {"kind": "compaction"}, "reply": [{"text": SUMMARY}]}, *ANSWERS)
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address))

        first = machine.exec("Look it up.", "-m", "gpt-4")
        again = machine.resume("Say it again.", "-m", "gpt-4")

        assert (first.code, first.out.strip()) == (0, "It is 4711."), first.err
        assert (again.code, again.out.strip()) == (0, "It is 4711, as said."), again.err
        assert stats(upstream)["violations"] == []
        assert [request.kind for request in got(upstream)] == ["turn", "compaction", "turn", "turn"]
        check(got(upstream))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["gpt-6.1-sol", "gpt-5.5", "gpt-4"])
def test_sealed_summary_is_opened_by_any_gateway_for_any_model(machine: Machine, tmp_path: Path, model: str, dialect: str) -> None:
    other = DIALECTS[DIALECTS.index(dialect) - 1]
    with simulator(ruled(LOOK_IN[model], {"times": 1, "reply": [{"text": SUMMARY}]}, *ANSWERS)) as upstream:
        config = config_of(upstream, dialect)
        if dialect == "responses":
            # Other servers of Responses seldom know OpenAI's compaction.
            config["providers"]["sim"] = provider_of(upstream, dialect)

        say_it_twice(machine, tmp_path, model, config, config_of(upstream, other))

        assert stats(upstream)["violations"] == []
        assert [request.dialect for request in got(upstream)] == [dialect] * 3 + [other]
        check(got(upstream))


@pytest.mark.parametrize("relay", [["*"], []], ids=["relayed", "translated"])
@pytest.mark.parametrize("model", ["gpt-6.1-sol", "gpt-5.5"])
def test_sealed_summary_of_the_provider_goes_back_to_it(machine: Machine, tmp_path: Path, model: str, relay: list[str]) -> None:
    with simulator(ruled(LOOK_IN[model], {"match": {"kind": "compaction"}, "times": 1}, *ANSWERS)) as upstream:
        config = config_of(upstream, "responses", relay=relay)

        say_it_twice(machine, tmp_path, model, config, config)

        assert stats(upstream)["violations"] == []
        _, compacted, *after = [request.body["input"] for request in got(upstream)]
        assert len(after) == 2
        assert compacted[-1] == {"type": "compaction_trigger"}
        ((first,), (second,)) = ([item["encrypted_content"] for item in items if item.get("type") == "compaction"] for items in after)
        # The simulator has looked whether it made this seal itself.
        assert first == second
        assert first.startswith("gAAAAA")
