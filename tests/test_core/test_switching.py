"""One conversation over every provider, another one at each request, in the middle of tool turns too, as Codex would lead it.

The simulator holds each request against the rules of its API and checks every proof; the test checks whose proofs it sees again.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from stand import CODEX, Stand, stand

from dragoman.dialects.responses.sealed import open_seal
from dragoman.ir.request import GATEWAY, Proof
from dragoman.simulator.app import Simulator, serve
from dragoman.simulator.script import read_script

Json = dict[str, Any]
MODELS = (
    "up/gpt-5.5",
    "chat/glm-5.3",
    "claude/claude-opus-5-5",
    "claude/claude-opus-4-8",
    "claude/claude-sonnet-4-5",
    "google/gemini-3.1-pro-preview",
    "google/gemini-2.5-flash",
)
OF_MODEL = ("claude/claude-opus-5-5", "claude/claude-sonnet-4-5", "google/")
"""Models that take back only what they proved themselves."""
SCRIPT = """
pace: {first_s: 0, delta_s: 0}
rules:
  - match: {kind: compaction}
    reply: [{text: "The handover."}]
  - match: {user: "Stop working on the task now"}
    reply: [{text: "The handover."}]
  - match: {round: 0}
    reply: [{reasoning: "First."}, {call: {name: look, arguments: {at: a}}}, {call: {name: look, arguments: {at: b}}}]
  - match: {round: 1}
    reply: [{reasoning: "Then."}, {text: "I patch it."}, {call: {name: apply_patch, input: "*** Begin Patch"}}]
  - match: {round: 2}
    reply: [{reasoning: "On."}, {call: {name: look, arguments: {at: c}}}]
  - reply: [{reasoning: "Last."}, {text: "Done with {{result}}."}]
"""
LOOK: Json = {
    "type": "function",
    "name": "look",
    "description": "Looks.",
    "strict": False,
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
}
PATCH: Json = {"type": "custom", "name": "apply_patch", "description": "Edits.", "format": {"type": "text"}}
FREEFORM: Json = {"tools": [LOOK, PATCH], "input": []}
LITE: Json = {
    "input": [
        {
            "type": "additional_tools",
            "role": "developer",
            "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": [LOOK, PATCH]}],
        }
    ]
}


class Agent:
    """A client that keeps the conversation as Codex does: whole, with of each thought what Codex keeps of it."""

    def __init__(self, gateway: Stand, shape: Json) -> None:
        self.proofs: list[Proof] = []
        self._gateway = gateway
        self._shape = {name: value for name, value in shape.items() if name != "input"}
        self._input: list[Json] = [
            *shape["input"],
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are an agent."}]},
        ]
        self._open = False

    async def ask(self, model: str, effort: str) -> None:
        """One request, and the tools that its answer calls."""
        if not self._open:
            self._input.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Do it."}]})
        output = await self._send(model, effort)
        self._open = False
        for item in output:
            self._keep(item)
        for item in output:
            if "call_id" in item:
                self._open = True
                self._input.append({"type": f"{item['type']}_output", "call_id": item["call_id"], "output": f"result {len(self._input)}"})

    async def compact(self, model: str) -> None:
        """What Codex does with a provider that it takes for OpenAI: the sealed item in place of all but the user's words."""
        self._input.append({"type": "compaction_trigger"})
        (item,) = await self._send(model, "low")
        assert item["type"] == "compaction"
        self._input = [each for each in self._input if each["type"] in ("message", "additional_tools") and each.get("role") != "assistant"]
        self._input.append(item)
        self.proofs.clear()
        self._open = False

    async def _send(self, model: str, effort: str) -> list[Json]:
        body = {
            "model": model,
            **self._shape,
            "input": self._input,
            "stream": True,
            "store": False,
            "reasoning": {"effort": effort},
            "include": ["reasoning.encrypted_content"],
        }
        told = await self._gateway.ask("responses", body, CODEX)
        assert told.status == 200, told.body
        assert told.events[-1]["type"] == "response.completed", told.events[-1]
        return [event["item"] for event in told.events if event["type"] == "response.output_item.done"]

    def _keep(self, item: Json) -> None:
        if item["type"] == "reasoning":
            kept = {name: item.get(name) for name in ("type", "id", "summary", "content", "encrypted_content")}
            proof = open_seal(item).proof
            if proof is not None and proof.maker not in (GATEWAY, "chat"):
                self.proofs.append(proof)
            item = {**kept, "content": None}
        self._input.append(item)


def belongs(proof: Proof, model: str) -> bool:
    origin = proof.origin or "up/gpt-5.5"  # relayed: nobody wrote on it whose it is
    return origin == model if model.startswith(OF_MODEL) else origin.partition("/")[0] == model.partition("/")[0]


def sent(simulator: Simulator) -> str:
    """The last request as it reached the provider."""
    body = simulator.records.last[-1].body
    return body if isinstance(body, str) else bytes(body).decode()


def providers(address: str) -> str:
    return "\n".join(
        (
            f"  chat: {{kind: openai-compatible, base_url: '{address}/v1', dialect: chat}}",
            f"  claude: {{kind: anthropic, base_url: '{address}/v1', keys: [k]}}",
            f"  google: {{kind: gemini, base_url: '{address}/v1beta', keys: [k]}}",
        )
    )


@pytest.mark.parametrize("shape", [FREEFORM, LITE], ids=["freeform", "lite"])
@pytest.mark.parametrize("seed", range(4))
def test_a_conversation_goes_on_whoever_answers(seed: int, shape: Json) -> None:
    draw = random.Random(seed)
    simulator = Simulator(read_script(SCRIPT))

    async def main() -> None:
        async with serve(simulator=simulator) as address, stand(f"{address}/v1", providers(address)) as gateway:
            agent = Agent(gateway, shape)
            for _ in range(24):
                model = draw.choice(MODELS)
                proofs = list(agent.proofs)
                await agent.ask(model, draw.choice(["low", "high", "none"]))
                check(gateway, model, proofs)

    def check(gateway: Stand, model: str, proofs: list[Proof]) -> None:
        record = simulator.records.last[-1]
        assert record.violations == (), model
        told = sent(simulator)
        for proof in proofs:
            assert (proof.data in told) == belongs(proof, model), (proof, model)
        strangers = any(not belongs(proof, model) for proof in proofs)
        warned = any("stay behind" in why for _, why in gateway.record.warnings)
        assert warned or not strangers

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.parametrize("model", [model for model in MODELS if model != "up/gpt-5.5"])
def test_a_conversation_compacted_by_one_goes_on_with_all_others(model: str) -> None:
    simulator = Simulator(read_script(SCRIPT))

    async def main() -> None:
        async with serve(simulator=simulator) as address, stand(f"{address}/v1", providers(address)) as gateway:
            agent = Agent(gateway, FREEFORM)
            for _ in range(3):
                await agent.ask(model, "high")
            await agent.compact(model)
            for other in MODELS:
                await agent.ask(other, "low")
                assert "The handover." in sent(simulator)

    asyncio.run(asyncio.wait_for(main(), 60))
    assert simulator.records.stats()["violations"] == []
