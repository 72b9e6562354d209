"""Work goes on while three of ten requests fail at any moment: the real Codex finishes its task, the SDK gets every answer, and each
answer is paid for once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import openai
import pytest
from machine import Machine, requests, ruled, stats
from parts import gateway, simulator
from upstreams import DIALECTS, MODELS, door, provider

pytestmark = pytest.mark.journey

MISHAPS = {"rate": 0.3, "in_a_row": 3}
PACE = {"first_s": 0.005, "delta_s": 0.002}
SOURCE = 'def greet():\n    return "Hello, world!"\n'
TASK = "Change greet in app.py so that it takes a name."


def config(upstream: str, dialect: str) -> dict[str, Any]:
    """Two providers for every model name, and answers that go on."""
    own = {name: value for name, value in provider(upstream, dialect).items() if name != "relay"}
    targets = [f"{name}/{MODELS[dialect]}" for name in ("one", "two")]
    return {
        "providers": {"one": {**own, "list": False}, "two": {**own, "list": False}},
        "models": {"*": {"targets": targets, "rescue": True}},
        "routing": {"retry": {"backoff_s": 0.05, "backoff_max_s": 0.2}, "breaker": {"failures": 1000}},
    }


def paid(upstream: str) -> Counter[tuple[str, str, int]]:
    """How often a whole answer to each step was paid for."""
    return Counter((one["kind"], one["user"], one["turn"]) for one in requests(upstream) if one["billed"] == "whole")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_codex_finishes_its_task_through_faults(machine: Machine, tmp_path: Path, dialect: str, seed: int) -> None:
    (machine.work / "app.py").write_text(SOURCE)
    with simulator(ruled(mishaps={**MISHAPS, "seed": seed}, pace=PACE), kept=1000) as upstream:
        with gateway(tmp_path, config(upstream, dialect)) as address:
            machine.configure(door(address).replace("_max_retries = 0", "_max_retries = 5"))

            ran = machine.exec(TASK, "-m", MODELS[dialect])

        counted = stats(upstream)
        assert ran.code == 0, ran.err
        assert "def greet(name" in (machine.work / "app.py").read_text()
        assert counted["violations"] == []
        assert set(paid(upstream).values()) == {1}, paid(upstream)
        assert counted["requests"] > len(paid(upstream)), "no fault, no proof"


STEPS = 12


@pytest.mark.parametrize(
    ("dialect", "seed"), [*((dialect, seed) for dialect in DIALECTS for seed in (16, 20)), ("responses", 12), ("chat", 13)]
)
def test_codex_takes_every_step_of_a_long_task_once(machine: Machine, tmp_path: Path, dialect: str, seed: int) -> None:
    steps = [
        {
            "match": {"kind": "turn", "round": step},
            "reply": [{"reasoning": f"What is step {step}?"}, {"commentary": f"This is step {step}."}, call(step)],
        }
        for step in range(STEPS)
    ]
    script = ruled(*steps, {"reply": [{"text": "All steps are taken."}]}, mishaps={**MISHAPS, "seed": seed}, pace=PACE)
    with simulator(script, kept=1000) as upstream:
        with gateway(tmp_path, config(upstream, dialect)) as address:
            machine.configure(door(address).replace("_max_retries = 0", "_max_retries = 5"))

            ran = machine.exec("Take all steps.", "-m", MODELS[dialect])

        counted = stats(upstream)
        assert (ran.code, ran.out.strip()) == (0, "All steps are taken."), ran.err
        assert (machine.work / "steps").read_text().split() == [str(step) for step in range(STEPS)]
        assert counted["violations"] == []
        assert set(paid(upstream).values()) == {1}, paid(upstream)
        assert counted["requests"] > 1.2 * STEPS, "too few faults to prove anything"


def test_codex_goes_on_when_its_session_moves_to_another_account(machine: Machine, tmp_path: Path) -> None:
    limited = {"error": "rate_limit", "headers": {"retry-after": "600", "retry-after-ms": "600000"}}
    steps: list[dict[str, Any]] = [{"match": {"key": "sk-one", "round": step}, "fault": limited} for step in range(4, STEPS + 1)]
    steps += [{"match": {"kind": "turn", "round": step}, "reply": [{"reasoning": f"Step {step}?"}, call(step)]} for step in range(STEPS)]
    script = ruled(*steps, {"reply": [{"text": "All steps are taken."}]}, accounts={"sk-one": "one", "sk-two": "two"}, pace=PACE)
    with simulator(script, kept=1000) as upstream:
        own = {"kind": "openai", "base_url": f"{upstream}/v1", "list": False}
        providers = {name: {**own, "keys": [f"sk-{name}"]} for name in ("one", "two")}
        model = {
            "targets": [{"model": f"{name}/gpt-5.5", "priority": place} for place, name in enumerate(providers, 1)],
            "strategy": "priority",
        }
        with gateway(tmp_path, {"providers": providers, "models": {"*": model}}) as address:
            machine.configure(door(address))

            ran = machine.exec("Take all steps.", "-m", "gpt-5.5")

        keys = [one["key"] for one in requests(upstream) if one["billed"] == "whole"]
        assert (ran.code, ran.out.strip()) == (0, "All steps are taken."), ran.err
        assert (machine.work / "steps").read_text().split() == [str(step) for step in range(STEPS)]
        assert stats(upstream)["violations"] == []
        assert keys == sorted(keys), "the session moved more than once"
        assert keys[0] == "sk-one" and keys[-1] == "sk-two"


def call(step: int) -> dict[str, Any]:
    """A call of Codex's shell that can be told from being made twice."""
    return {"call": {"name": "exec_command", "arguments": {"cmd": f"echo {step} >> steps"}}}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_sdk_gets_every_answer_through_faults_and_each_is_paid_for_once(tmp_path: Path, dialect: str, streamed: bool) -> None:
    words = "The quick brown fox jumps over the lazy dog."
    script = ruled({"reply": [{"text": words}]}, mishaps={**MISHAPS, "seed": 11}, pace=PACE)
    with simulator(script, kept=1000) as upstream, gateway(tmp_path, config(upstream, dialect)) as address:
        client = openai.OpenAI(base_url=f"{address}/openai/v1", api_key="any", max_retries=0)

        told = [ask(client, number, streamed) for number in range(60)]

        counted = stats(upstream)
        assert told == [words] * len(told)
        assert (counted["violations"], counted["billed"]) == ([], len(told))
        assert set(paid(upstream).values()) == {1}
        assert counted["requests"] > 1.2 * len(told), "too few faults to prove anything"


def ask(client: openai.OpenAI, number: int, streamed: bool) -> str:
    """One answer, over each of the two dialects in turn."""
    question = f"question {number}"
    if number % 2:
        return _responses(client, question, streamed)
    messages: Any = [{"role": "user", "content": question}]
    if not streamed:
        return client.chat.completions.create(model="any", messages=messages).choices[0].message.content or ""
    chunks = client.chat.completions.create(model="any", messages=messages, stream=True)
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def _responses(client: openai.OpenAI, question: str, streamed: bool) -> str:
    if not streamed:
        return client.responses.create(model="any", input=question, store=False).output_text
    with client.responses.stream(model="any", input=question, store=False) as events:
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events.get_final_response()
    assert final.output_text == said, json.dumps(final.model_dump())
    return said
