"""A thought that comes back without its seal goes to no API that would look for it, by whichever lane."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from stand import SSE, chat_chunk, provider, says, stand

ASK: dict[str, Any] = {"model": "m", "input": "hi", "stream": True}


def test_a_thought_of_another_provider_without_its_seal_is_not_sent_to_openai() -> None:
    thinking = (chat_chunk({"reasoning_content": "Hm."}), chat_chunk({"content": "Hello"}), chat_chunk({}, "stop"))

    async def main() -> None:
        async with provider(says(SSE, *thinking, b"data: [DONE]\n\n")) as chat, stand(chat.url, kind="openai-compatible") as first:
            told = await first.ask("responses", {**ASK, "model": "up/m"})
        output = told.events[-1]["response"]["output"]
        # As Codex sends it back where it asked for no seals.
        thought: dict[str, Any] = {"type": "reasoning", "id": output[0]["id"], "summary": [], "content": None, "encrypted_content": None}

        async with provider(says(SSE)) as openai, stand(openai.url) as second:
            await second.ask("responses", {**ASK, "model": "up/gpt-5.5", "input": [thought, output[1]]})

        (heard,) = openai.heard
        assert [item["type"] for item in json.loads(heard.body)["input"]] == ["message"]
        assert second.record.warnings == [("reasoning", "thoughts that came back without their seal are left out")]

    asyncio.run(asyncio.wait_for(main(), 120))
