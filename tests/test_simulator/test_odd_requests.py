"""Whatever JSON is sent in whatever dialect gets an answer of HTTP: never a crash of the simulator."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from desk import fast
from hypothesis import given, settings
from hypothesis import strategies as some

from dragoman.simulator.listener import Asked
from dragoman.simulator.script import Etiquette, Script
from effort import tries

PATHS = ("/v1/responses", "/v1/chat/completions", "/v1/messages", "/v1beta/models/gemini-3.7-flash:generateContent")
_NAMES = """
type role content parts text tool_use tool_result id name input user model assistant thinking signature functionCall functionResponse
response args function_call call_id output reasoning encrypted_content image source data tools input_schema contents messages system
cache_control thoughtSignature inlineData tool_calls function arguments compaction summary
"""
WORDS = some.sampled_from(_NAMES.split())
LENIENT = Script(etiquette=Etiquette(enforce=False))
LEAVES = some.none() | some.booleans() | some.integers(-3, 3) | some.text(max_size=4) | WORDS
VALUES: Any = some.recursive(
    LEAVES, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS, inner, max_size=4), max_leaves=14
)


# Thinking up a body takes longer than answering it: each is sent to every path.
@settings(max_examples=tries(150))
@given(body=some.dictionaries(WORDS, VALUES, max_size=6))
def test_odd_request_is_answered(body: dict[str, Any]) -> None:
    async def answers() -> list[int]:
        headers, raw = {"anthropic-version": "2026-10-21"}, json.dumps(body).encode()
        return [(await fast(LENIENT).answer(Asked("POST", path, "", headers, raw))).status for path in PATHS]

    assert set(asyncio.run(answers())) <= {200, 400}
