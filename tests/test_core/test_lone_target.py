"""A model with one target that finds thoughts of another account in a conversation: it is asked with them once."""

from __future__ import annotations

import asyncio
from typing import Any

from stand import stand

from dragoman.simulator.app import Simulator, serve
from dragoman.simulator.script import read_script

SCRIPT = """
accounts: {sk-one: one, sk-provider-secret: two}
pace: {first_s: 0, delta_s: 0}
rules: [{reply: [{reasoning: "Hm."}, {text: "Fine."}]}]
"""
OTHER = "  one: {kind: openai, base_url: '%s', keys: [sk-one]}"


def test_a_lone_target_is_asked_once_with_thoughts_that_it_refuses() -> None:
    async def main() -> None:
        simulator = Simulator(read_script(SCRIPT))
        async with serve(simulator=simulator) as address, stand(f"{address}/v1", OTHER % f"{address}/v1", retry="{}") as made:
            said: list[dict[str, Any]] = []
            for model in ("one/gpt-5.5", "up/gpt-5.5", "up/gpt-5.5", "up/gpt-5.5"):
                said.append({"role": "user", "content": "go on"})
                body = {"model": model, "input": said, "store": False, "include": ["reasoning.encrypted_content"]}
                told = await made.ask("responses", {**body, "prompt_cache_key": "s"})
                assert told.status == 200, told.body
                said += told.json["output"]

        seen = [(one.key, one.billed, bool(one.violations)) for one in simulator.records.last if one.method == "POST"]
        assert seen == [
            ("sk-one", "whole", False),
            ("sk-provider-secret", "", True),
            *[("sk-provider-secret", "whole", False)] * 3,
        ]

    asyncio.run(asyncio.wait_for(main(), 120))
