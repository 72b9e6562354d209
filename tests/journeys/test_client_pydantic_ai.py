"""Pydantic AI against the gateway, by both APIs that it speaks to OpenAI's servers, over providers of all four dialects."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from machine import requests, ruled, stats
from parts import gateway, simulator
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from upstreams import DIALECTS, MODELS, provider

pytestmark = pytest.mark.journey

KEY = "a-client-key"
CALLS = [{"call": {"name": "get_weather", "arguments": {"city": city}}} for city in ("Paris", "Rome")]
SCRIPT = ruled(
    {"match": {"model": "overflowing"}, "fault": {"error": "context_length"}},
    {"match": {"kind": "structured"}, "reply": [{"text": '{"city": "Paris", "degrees": 21}'}]},
    # OpenAI's Chat tells no thoughts, and refuses them.
    {"match": {"user": "both", "round": 0, "dialect": "chat"}, "reply": CALLS},
    {"match": {"user": "both", "round": 0}, "reply": [{"reasoning": "I need both."}, *CALLS]},
    {"match": {"user": "both", "round": 1}, "reply": [{"text": "Paris: {{results.0}}. Rome: {{results.1}}."}]},
    {"reply": [{"text": "Hello, in {{turn}}."}], "usage": {"input": 120, "cached": 100, "output": 9, "reasoning": 0}},
    pace={"first_s": 0, "delta_s": 0},
)
MODEL_OF = {"responses": OpenAIResponsesModel, "chat": OpenAIChatModel}

Ends = tuple[str, str]
Model = OpenAIResponsesModel | OpenAIChatModel


class Weather(BaseModel):
    """What a structured answer is read into."""

    city: str
    degrees: int


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ends]:
    """Addresses of a gateway, and of the simulator that plays its four providers."""
    with simulator(SCRIPT) as upstream:
        config = {
            "providers": {name: provider(upstream, name) for name in DIALECTS},
            "models": {name: f"{name}/{MODELS[name]}" for name in DIALECTS},
            "access": {"keys": [{"name": "ada", "key": KEY}]},
        }
        with gateway(tmp_path_factory.mktemp("pydantic"), config) as address:
            yield address, upstream


def model(ends: Ends, way: str, name: str) -> Model:
    """A model by the API that the way names."""
    return MODEL_OF[way](name, provider=OpenAIProvider(base_url=f"{ends[0]}/v1", api_key=KEY))


@pytest.fixture(params=[(way, dialect) for way in MODEL_OF for dialect in DIALECTS], ids="-".join)
def asked(request: pytest.FixtureRequest, ends: Ends) -> Model:
    """A model, by each API over each dialect."""
    return model(ends, *request.param)


def test_a_conversation_with_tools_goes_on(asked: Model, ends: Ends) -> None:
    agent = Agent(asked, system_prompt="Be brief.")
    cities: list[str] = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        cities.append(city)
        return "sunny"

    first = agent.run_sync("Tell me both.")
    second = agent.run_sync("Hello.", message_history=first.all_messages())

    assert (first.output, sorted(cities)) == ("Paris: sunny. Rome: sunny.", ["Paris", "Rome"])
    assert (second.output, second.usage.input_tokens, second.usage.output_tokens) == ("Hello, in 2.", 120, 9)
    assert stats(ends[1])["violations"] == []


def test_an_answer_has_the_form_that_was_asked_for(asked: Model) -> None:
    assert Agent(asked, output_type=NativeOutput(Weather)).run_sync("The city.").output == Weather(city="Paris", degrees=21)


@pytest.mark.parametrize("way", MODEL_OF)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_cannot_be_answered_costs_one_request(ends: Ends, way: str, dialect: str) -> None:
    since = len(requests(ends[1]))

    with pytest.raises(ModelHTTPError) as caught:
        Agent(model(ends, way, f"{dialect}/overflowing")).run_sync("Hello.")

    assert caught.value.status_code == 400
    assert len(requests(ends[1])) - since == 1
