"""Rules, tiers and their classifier in whole exchanges: what is asked of whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from stand import Heard, Provider, Script, Stand, answers, provider, stand

LARGE = {"model": "coder", "messages": [{"role": "user", "content": "please"}]}
AGENT = {"session-id": "s-1", "x-dragoman-run": "run-1"}
TIERS = (
    "models: {coder: {strategy: tiered, tiers: {order: [small, large], classifier: {model: up/tiny, timeout_s: 5}},"
    " targets: [{model: up/s, tier: small}, {model: up/l, tier: large}],"
    " rules: [{when: {headers: {x-lab: '*'}, tools: true}, use: up/lab}]}}"
)


def completion(words: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}).encode()


def by_model(tiny: Script) -> Script:
    """The classifier answers in its own way, all others well."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        await (tiny if heard.json["model"] == "tiny" else answers(200, completion("done")))(reader, writer, heard)

    return script


def asked(one: Provider) -> list[str]:
    return [heard.json["model"] for heard in one.heard]


def story(tiny: Script, then: Callable[[Stand, Provider], Awaitable[None]]) -> None:
    async def main() -> None:
        async with provider(by_model(tiny)) as one, stand(one.url, TIERS, kind="openai-compatible") as made:
            await then(made, one)

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_classifier_is_asked_once_for_a_session_and_recorded_as_an_exchange_of_its_own() -> None:
    async def then(made: Stand, one: Provider) -> None:
        for _ in range(3):
            assert (await made.ask("chat", LARGE, AGENT)).headers["x-dragoman-model"] == "up/l"

        assert asked(one) == ["tiny", "l", "l", "l"]
        assert [(record.asked, record.run) for record in made.records.all] == [("up/tiny", "run-1"), *[("coder", "run-1")] * 3]
        assert made.record.decision.tier == "large"
        assert one.heard[0].json["messages"][1]["content"] == '{"role": "user", "content": "please"}'

    story(answers(200, completion("large")), then)


@pytest.mark.parametrize("tiny", [answers(200, completion("I cannot say")), answers(500, b"{}"), answers(200, b"<html>", "text/html")])
def test_whatever_is_wrong_with_the_classifier_the_request_goes_on_by_its_score(tiny: Script) -> None:
    async def then(made: Stand, one: Provider) -> None:
        told = await made.ask("chat", LARGE, AGENT)

        assert (told.status, told.headers["x-dragoman-model"]) == (200, "up/s")
        assert asked(one) == ["tiny", "s"]

    story(tiny, then)


def test_a_rule_is_taken_by_what_the_request_holds() -> None:
    body: dict[str, Any] = {**LARGE, "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}

    async def then(made: Stand, one: Provider) -> None:
        told = await made.ask("chat", body, {"x-lab": "1"})

        assert told.headers["x-dragoman-model"] == "up/lab"
        assert (made.record.decision.found, made.record.decision.rule, asked(one)) == ("virtual model", "rule-1", ["lab"])

    story(answers(200, completion("small")), then)
