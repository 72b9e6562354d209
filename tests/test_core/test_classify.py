"""A classifier is asked for a tier through the gateway itself, and nothing that goes wrong with it stops the request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from dragoman.agents.registry import recognise
from dragoman.core.ask import RequestAsk
from dragoman.core.classify import classify
from dragoman.core.exchange import Inbound, Outbound
from dragoman.dialects.contract import Call
from dragoman.dialects.registry import dialect
from dragoman.policy.identity import ANYONE
from dragoman.routing.decision import NeedsClassifier
from dragoman.routing.walk import Judgement

NEEDS = NeedsClassifier("p/tiny", 5.0, ("small", "Large-1"))
BODY = {"model": "m", "input": [{"role": "user", "content": "rename x"}]}
HEADERS = {"authorization": "Bearer k", "session-id": "s", "x-dragoman-run": "r", "originator": "codex_exec"}
Handle = Callable[[Inbound, Outbound], Awaitable[None]]


def judgement(handle: Handle, needs: NeedsClassifier = NEEDS) -> Judgement:
    raw = msgspec.json.encode(BODY)
    inbound = Inbound("responses", "/v1", "/responses", "a=b", HEADERS, raw, "127.0.0.1", 1.0)
    agent = recognise(HEADERS)
    ask = RequestAsk(
        places=dialect("responses").glance.places,
        headers=HEADERS,
        size_bytes=len(raw),
        wall=1.0,
        agent=agent,
        session=agent.session(HEADERS),
        principal=ANYONE,
        peek=dialect("responses").peek(Call("/responses", raw)),
    )
    return asyncio.run(asyncio.wait_for(classify(needs, ask, inbound, handle), 120))


def says(words: Any, status: int = 200) -> Handle:
    async def handle(inbound: Inbound, outbound: Outbound) -> None:
        body = msgspec.json.encode({"choices": [{"message": {"role": "assistant", "content": words}}]})
        await outbound.whole(status, (), body)

    return handle


@pytest.mark.parametrize("words", ["small", "Small.", "**small**", "The level is: small", '"SMALL"\n', "small, yes small"])
def test_the_tier_that_is_named_is_taken(words: str) -> None:
    assert judgement(says(words)) == Judgement("small", "`p/tiny` said `small`")


def test_tiers_are_told_in_their_own_spelling() -> None:
    assert judgement(says("large-1")) == Judgement("Large-1", "`p/tiny` said `Large-1`")


@pytest.mark.parametrize("words", ["", "smaller", "small or large-1", None, ["small"], "medium"])
def test_what_names_no_tier_or_several_is_no_verdict(words: Any) -> None:
    assert judgement(says(words)) == Judgement(None, "`p/tiny` named no tier")


def test_an_error_is_no_verdict() -> None:
    assert judgement(says("small", status=503)) == Judgement(None, "`p/tiny` failed (HTTP 503)")


def test_an_answer_in_pieces_is_put_together_and_rubbish_is_none() -> None:
    async def pieces(inbound: Inbound, outbound: Outbound) -> None:
        await outbound.start(200, ())
        outbound.push(b'{"choices":[{"message":')
        await outbound.write(b'{"content":"small"}}]}')
        await outbound.finish()

    async def rubbish(inbound: Inbound, outbound: Outbound) -> None:
        await outbound.whole(200, (), b"<html>")

    assert judgement(pieces).tier == "small"
    assert judgement(rubbish).tier is None


def test_one_that_takes_too_long_is_left() -> None:
    left: list[bool] = []

    async def never(inbound: Inbound, outbound: Outbound) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            left.append(True)
            raise

    assert judgement(never, msgspec.structs.replace(NEEDS, timeout_s=0.01)) == Judgement(None, "`p/tiny` took more than 0.01 s")
    assert left == [True]


def test_it_is_asked_with_the_clients_key_and_run_and_nothing_else_of_it() -> None:
    asked: list[Inbound] = []

    async def handle(inbound: Inbound, outbound: Outbound) -> None:
        asked.append(inbound)
        await outbound.whole(500, (), b"")

    judgement(handle, msgspec.structs.replace(NEEDS, prompt="which?"))
    judgement(handle)

    first, second = asked
    body = msgspec.json.decode(first.body)
    assert (first.dialect, first.path, first.query, first.mount) == ("chat", "/chat/completions", "", "/v1")
    assert first.headers == {"authorization": "Bearer k", "x-dragoman-run": "r"}
    assert (body["model"], body["messages"][0]["content"]) == ("p/tiny", "which?")
    assert body["messages"][1]["content"] == '{"role":"user","content":"rename x"}'
    assert "small, Large-1" in msgspec.json.decode(second.body)["messages"][0]["content"]
