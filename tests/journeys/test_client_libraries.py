"""Client libraries that are not Codex, as they come from their registries: the official Node SDK, and Vercel's AI SDK.

Each is pointed at a gateway by address and key alone, over providers of all four dialects; what it tells is compared whole.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from machine import CLIENTS, Machine, requests, ruled, stats
from parts import gateway, simulator
from patience import until
from upstreams import DIALECTS, MODELS, provider

pytestmark = pytest.mark.journey

HERE = Path(__file__).parent
KEY = "a-client-key"
WORDS = 'Grüße: "one", two,\nthree 🚀.'
CALLS = [{"call": {"name": "get_weather", "arguments": {"city": city}}} for city in ("Paris", "Rome")]
SCRIPT = ruled(
    {"match": {"model": "overflowing"}, "fault": {"error": "context_length"}},
    {"match": {"model": "endless"}, "reply": [{"text": "on and ", "repeat": 2_000}], "pace": {"delta_s": 0.05}},
    {"match": {"kind": "structured"}, "reply": [{"text": '{"city": "Paris", "degrees": 21}'}]},
    # OpenAI's Chat tells no thoughts, and refuses them.
    {"match": {"user": "both", "round": 0, "dialect": "chat"}, "reply": CALLS},
    {"match": {"user": "both", "round": 0}, "reply": [{"reasoning": "I need both."}, *CALLS]},
    {"match": {"user": "both", "round": 1}, "reply": [{"text": "Paris: {{results.0}}. Rome: {{results.1}}."}]},
    {"reply": [{"text": WORDS}], "usage": {"input": 120, "cached": 100, "output": 9, "reasoning": 0}},
    pace={"first_s": 0, "delta_s": 0},
)
WEATHER = "Paris: sunny. Rome: sunny."
CITIES = ["Paris", "Rome"]
PARSED = {"city": "Paris", "degrees": 21}


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, str]]:
    """Addresses of a gateway, and of the simulator that plays its four providers. Whatever model is meant, one that exists is asked."""
    with simulator(SCRIPT, kept=1000) as upstream:
        models = {f"{name}/any": f"{name}/{MODELS[name]}" for name in DIALECTS}
        config: dict[str, Any] = {
            "providers": {name: provider(upstream, name) for name in DIALECTS},
            "models": models,
            "access": {"keys": [{"name": "ada", "key": KEY}]},
        }
        with gateway(tmp_path_factory.mktemp("libraries"), config) as address:
            yield address, upstream


def tell(machine: Machine, address: str, program: str, **asked: str) -> dict[str, Any]:
    """What a program says when it is asked."""
    question = json.dumps({"address": address, "key": KEY, **asked})
    ran = machine.run("node", str(HERE / program), question, NODE_PATH=str(CLIENTS / "node_modules"))
    assert (ran.code, ran.err) == (0, ""), ran.err
    return json.loads(ran.out)


def asked_for(upstream: str, model: str, since: int) -> list[dict[str, Any]]:
    """The requests for a model among those that came later."""
    return [one for one in requests(upstream)[since:] if one["model"] == model]


def see_that_the_client_left(upstream: str, since: int, times: int = 1) -> None:
    """Wait until the provider was left in the middle of its endless answers: that is passed on when the client closes its connection."""
    until(lambda: [one["aborted"] for one in asked_for(upstream, "endless", since)] == [True] * times, "the end of endless answers")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_official_node_sdk(machine: Machine, ends: tuple[str, str], dialect: str) -> None:
    address, upstream = ends
    since = len(requests(upstream))

    told = tell(machine, address, "client_node_sdk.cjs", upstream=dialect)

    assert told == {
        "chat": [WORDS, "stop", 120, 9],
        "chatStream": [WORDS, "stop", 120, 9],
        "chatTools": [WEATHER, CITIES],
        "chatParsed": PARSED,
        "responses": [WORDS, "completed", 120, 9],
        "responsesStream": [WORDS, "completed", 120, 9],
        "responsesTools": [WEATHER, CITIES],
        "responsesParsed": PARSED,
        "refused": ["BadRequestError", 400, "context_length_exceeded"],
        "left": "left",
    }
    assert len(asked_for(upstream, "overflowing", since)) == 1
    see_that_the_client_left(upstream, since)
    assert stats(upstream)["violations"] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_ai_sdk(machine: Machine, ends: tuple[str, str], dialect: str) -> None:
    address, upstream = ends
    since = len(requests(upstream))

    told = tell(machine, address, "client_ai_sdk.cjs", upstream=dialect)

    same = {
        "text": [WORDS, "stop", 120, 9],
        "stream": [WORDS, "stop", 120, 9],
        "conversation": [CITIES, WEATHER, WORDS, True],
        "object": PARSED,
        "refused": ["AI_APICallError", 400],
        "left": "left",
    }
    assert told == {"responses": same, "chat": same, "compatible": same}
    assert len(asked_for(upstream, "overflowing", since)) == 3
    see_that_the_client_left(upstream, since, times=3)
    assert stats(upstream)["violations"] == []
