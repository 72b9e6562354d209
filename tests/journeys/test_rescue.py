"""A stream that breaks off in the middle goes on: with a model that says its last words again, at another provider, with another API."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import openai
import pytest
from hearing import patient
from machine import requests, ruled, stats
from parts import gateway, simulator
from upstreams import DIALECTS, MODELS, provider

pytestmark = pytest.mark.journey

WORDS = "The quick brown fox jumps over the lazy dog, and then it goes home to write about it at length."
BROKEN = {"cut": {"at": {"within": "text"}}}
PACE = {"delta_s": 0.01}
"""Each word by itself: with the first one heard, an answer that breaks off is one that was begun (`heard`)."""
MODELS_HERE = {**MODELS, "messages": "claude-haiku-4-5", "generate": "gemini-2.5-flash"}


@pytest.fixture
def heard() -> threading.Event:
    """Set when the client has heard some words: until then the providers of a journey say no more."""
    return threading.Event()


def config(rescue: bool = True, **addresses: str) -> dict[str, Any]:
    """A model with a target for each address; the name says in which API."""
    providers = {name: {**provider(address, name.partition("-")[0]), "list": False} for name, address in addresses.items()}
    targets = [{"model": f"{name}/{MODELS_HERE[name.partition('-')[0]]}", "priority": place} for place, name in enumerate(addresses, 1)]
    return {"providers": providers, "models": {"*": {"targets": targets, "strategy": "priority", "rescue": rescue}}}


def sdk(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/openai/v1", api_key="any", max_retries=0)


def streamed(client: openai.OpenAI, heard: threading.Event, items: Any = "Tell me of the fox.") -> Any:
    """The whole response of a stream whose words were the same on the way."""
    said = ""
    asked: dict[str, Any] = {"model": "any", "input": items, "store": False, "include": ["reasoning.encrypted_content"]}
    with client.responses.stream(**asked) as events:
        for event in events:
            if event.type.endswith(".delta"):
                heard.set()
            said += event.delta if event.type == "response.output_text.delta" else ""
        final = events.get_final_response()
    assert final.output_text == said
    return final


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("again", [0, 3, 13, 40, 1000])
def test_what_the_model_says_again_is_told_once(tmp_path: Path, heard: threading.Event, dialect: str, again: int) -> None:
    broken = {"times": 1, "reply": [{"text": WORDS}], "fault": BROKEN, "pace": PACE}
    with simulator(ruled(broken, {"reply": [{"text": WORDS}], "says_again": again}), made=patient(lambda _: heard)) as upstream:
        with gateway(tmp_path, config(**{dialect: upstream})) as address:
            assert streamed(sdk(address), heard).output_text == WORDS
        assert (stats(upstream)["violations"], stats(upstream)["requests"]) == ([], 2)


@pytest.mark.parametrize("first", DIALECTS)
@pytest.mark.parametrize("second", DIALECTS)
def test_another_provider_goes_on_in_an_api_of_its_own(tmp_path: Path, heard: threading.Event, first: str, second: str) -> None:
    dying = ruled({"times": 1, "reply": [{"text": WORDS}], "fault": BROKEN, "pace": PACE}, {"fault": {"error": "server_error"}})
    with simulator(dying, made=patient(lambda _: heard)) as one, simulator(ruled({"reply": [{"text": WORDS}]})) as two:
        with gateway(tmp_path, config(**{first: one, f"{second}-other": two})) as address:
            assert streamed(sdk(address), heard).output_text == WORDS
        assert (stats(one)["billed"], stats(one)["billed_in_part"], stats(two)["billed"]) == (0, 1, 1)
        assert stats(two)["violations"] == []


def test_tokens_of_all_tries_are_told_together(tmp_path: Path, heard: threading.Event) -> None:
    usage = {"input": 100, "output": 10, "cached": 0}
    broken = {"times": 1, "reply": [{"text": WORDS}], "fault": BROKEN, "pace": PACE, "usage": usage}
    script = ruled(broken, {"reply": [{"text": WORDS}], "usage": {**usage, "input": 130}})
    with simulator(script, made=patient(lambda _: heard)) as upstream, gateway(tmp_path, config(messages=upstream)) as address:
        told = streamed(sdk(address), heard).usage

    # Claude tells what it read at once, so that it is known of the try that broke off as well.
    assert told.input_tokens == 230
    assert told.output_tokens >= 10


@pytest.mark.parametrize("dialect", DIALECTS)
def test_conversation_goes_on_after_an_answer_that_was_gone_on_with(tmp_path: Path, heard: threading.Event, dialect: str) -> None:
    reply = [{"reasoning": "what would a fox do"}, {"text": WORDS}]
    broken = {"times": 1, "match": {"user": "fox"}, "reply": reply, "fault": BROKEN, "pace": PACE}
    with simulator(ruled(broken, {"reply": reply}), made=patient(lambda _: heard)) as upstream:
        with gateway(tmp_path, config(**{dialect: upstream})) as address:
            client = sdk(address)
            items: list[Any] = [{"role": "user", "content": "Tell me of the fox."}]
            items += [item.model_dump(exclude_none=True) for item in streamed(client, heard, items).output]

            assert streamed(client, heard, [*items, {"role": "user", "content": "And the dog?"}]).output_text == WORDS

        assert stats(upstream)["violations"] == []
        last = requests(upstream)[-1]["body"]
        assert WORDS in str(last)


def test_without_rescue_the_stream_ends_in_an_error(tmp_path: Path, heard: threading.Event) -> None:
    with simulator(ruled({"reply": [{"text": WORDS}], "fault": BROKEN, "pace": PACE}), made=patient(lambda _: heard)) as upstream:
        with gateway(tmp_path, config(rescue=False, chat=upstream)) as address, pytest.raises(openai.APIError):
            messages: Any = [{"role": "user", "content": "Tell me of the fox."}]
            for chunk in sdk(address).chat.completions.create(model="any", messages=messages, stream=True):
                if any(choice.delta.content for choice in chunk.choices):
                    heard.set()
        assert stats(upstream)["requests"] == 1


@pytest.mark.parametrize(("model", "role"), [("claude-haiku-4-5", "assistant"), ("claude-opus-5-5", "user")])
def test_a_model_is_asked_to_go_on_in_the_way_that_it_takes(tmp_path: Path, heard: threading.Event, model: str, role: str) -> None:
    broken = {"times": 1, "reply": [{"text": WORDS}], "fault": BROKEN, "pace": PACE}
    with simulator(ruled(broken, {"reply": [{"text": WORDS}]}), made=patient(lambda _: heard)) as upstream:
        settings = config(messages=upstream)
        settings["models"]["*"]["targets"] = [f"messages/{model}"]
        with gateway(tmp_path, settings) as address:
            assert streamed(sdk(address), heard).output_text == WORDS

        assert stats(upstream)["violations"] == []
        last = requests(upstream)[-1]["body"]["messages"][-1]
        assert last["role"] == role
        assert str(last).count("cut off") == (role == "user")


def test_an_answer_that_the_provider_keeps_is_asked_for_in_the_clients_own_api(tmp_path: Path) -> None:
    with simulator(ruled({"reply": [{"text": WORDS}]})) as upstream:
        settings = config(responses=upstream)
        del settings["providers"]["responses"]["relay"]
        with gateway(tmp_path, settings) as address:
            asked: Any = {"model": "any", "messages": [{"role": "user", "content": "Tell me of the fox."}], "stream": True, "store": True}
            said = "".join(chunk.choices[0].delta.content or "" for chunk in sdk(address).chat.completions.create(**asked) if chunk.choices)

        assert said == WORDS
        assert [(one["dialect"], one["body"]["store"]) for one in requests(upstream)] == [("chat", True)]
