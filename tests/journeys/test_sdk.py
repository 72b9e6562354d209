"""The official `openai` SDK against the gateway, both its APIs over providers of both dialects: four pairs, of which two translate."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator
from typing import Any, Literal

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.responses import FunctionToolParam, ResponseInputParam
from parts import gateway, simulator
from pydantic import BaseModel

from dragoman.simulator.script import read_script

pytestmark = pytest.mark.journey

CLIENT_KEY = "a-client-key"
PROVIDER_KEY = "a-provider-key"
WORDS = 'Grüße: "one", two,\nthree 🚀.'
SCRIPT = f"""
rules:
  - {{match: {{model: limited}}, fault: {{error: rate_limit}}}}
  - {{match: {{model: overflowing}}, fault: {{error: context_length}}}}
  - {{match: {{model: keyless}}, fault: {{error: invalid_key}}}}
  - {{match: {{model: failing}}, fault: {{error: server_error}}}}
  - match: {{model: cut}}
    reply: [{{text: "one two three four five six seven eight"}}]
    fault: {{cut: {{at: {{before_end: true}}}}}}
  - match: {{kind: structured}}
    reply: [{{text: '{{"city": "Paris", "degrees": 21}}'}}]
  - match: {{user: both, round: 0}}
    reply:
      - call: {{name: get_weather, arguments: {{city: Paris}}}}
      - call: {{name: get_weather, arguments: {{city: Rome}}}}
  - match: {{user: both, round: 1}}
    reply: [{{text: "Paris: {{{{results.0}}}}. Rome: {{{{results.1}}}}."}}]
  - match: {{user: weather, round: 0}}
    reply: [{{call: {{name: get_weather, arguments: {{city: Paris}}}}}}]
  - match: {{user: weather, round: 1}}
    reply: [{{text: "It is {{{{results.0}}}}."}}]
  - reply: [{{text: {json.dumps(WORDS, ensure_ascii=False)}}}]
    usage: {{input: 120, cached: 100, output: 9, reasoning: 2}}
"""
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": SCHEMA,
    "strict": True,
}
CHAT_FUNCTION: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather.", "parameters": SCHEMA, "strict": True},
}

Upstream = Literal["responses", "chat"]


class Weather(BaseModel):
    """What a structured answer is parsed into."""

    city: str
    degrees: int


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Generator[openai.OpenAI]:
    """The SDK, pointed at a gateway with two providers, one of each dialect, and one that nobody answers for."""
    with simulator(read_script(SCRIPT), key=PROVIDER_KEY) as address, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        providers: dict[str, Any] = {
            name: {"kind": "openai-compatible", "base_url": f"{address}/v1", "dialect": name, "keys": [PROVIDER_KEY]}
            for name in ("responses", "chat")
        }
        gone = {"kind": "openai-compatible", "base_url": f"http://127.0.0.1:{nobody.getsockname()[1]}/v1", "keys": [PROVIDER_KEY]}
        config = {"providers": {**providers, "gone": gone}, "access": {"keys": [{"name": "ada", "key": CLIENT_KEY}]}}
        with (
            gateway(tmp_path_factory.mktemp("sdk"), config) as gateway_address,
            openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{gateway_address}/v1", max_retries=0) as sdk,
        ):
            yield sdk


@pytest.fixture(params=["responses", "chat"])
def upstream(request: pytest.FixtureRequest) -> Upstream:
    """The dialect of the provider."""
    return request.param


# ---- Responses -------------------------------------------------------------------------------------------------------------


def test_responses_come_whole(client: openai.OpenAI, upstream: Upstream) -> None:
    response = client.responses.create(model=f"{upstream}/words", instructions="Be brief.", input="Greet me.")

    assert response.usage is not None
    assert (response.status, response.output_text) == ("completed", WORDS)
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (120, 100)
    assert (response.usage.output_tokens, response.usage.output_tokens_details.reasoning_tokens, response.usage.total_tokens) == (9, 2, 129)


def test_responses_stream(client: openai.OpenAI, upstream: Upstream) -> None:
    events = list(client.responses.create(model=f"{upstream}/words", input="Greet me.", stream=True))

    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    ends = [event for event in events if event.type == "response.completed"]
    assert len(deltas) > 3
    assert "".join(deltas) == WORDS
    assert [event.sequence_number for event in events] == sorted({event.sequence_number for event in events})
    assert events[0].type == "response.created"
    assert ends == [events[-1]]
    assert ends[0].response.output_text == WORDS


@pytest.mark.parametrize(
    ("asked", "cities", "answer"), [("weather", ["Paris"], "It is sunny."), ("both", ["Paris", "Rome"], "Paris: sunny. Rome: sunny.")]
)
def test_responses_tools_go_round(client: openai.OpenAI, upstream: Upstream, asked: str, cities: list[str], answer: str) -> None:
    history: ResponseInputParam = [{"role": "user", "content": f"Tell me the {asked}."}]
    first = client.responses.create(model=f"{upstream}/tools", input=history, tools=[FUNCTION])
    calls = [item for item in first.output if item.type == "function_call"]
    for call in calls:
        history.append({"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments})
    for call in calls:
        history.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})

    second = client.responses.create(model=f"{upstream}/tools", input=history, tools=[FUNCTION])

    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("get_weather", {"city": city}) for city in cities]
    assert len({call.call_id for call in calls}) == len(cities)
    assert second.output_text == answer


def test_responses_stream_tool_calls(client: openai.OpenAI, upstream: Upstream) -> None:
    with client.responses.stream(model=f"{upstream}/tools", input="Tell me both.", tools=[FUNCTION]) as stream:
        arguments: dict[int, str] = {}
        for event in stream:
            if event.type == "response.function_call_arguments.delta":
                arguments[event.output_index] = arguments.get(event.output_index, "") + event.delta
        final = stream.get_final_response()

    calls = [item for item in final.output if item.type == "function_call"]
    assert [json.loads(text) for text in arguments.values()] == [{"city": "Paris"}, {"city": "Rome"}]
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]


def test_responses_are_parsed(client: openai.OpenAI, upstream: Upstream) -> None:
    response = client.responses.parse(model=f"{upstream}/structure", input="The city, please.", text_format=Weather)

    assert response.output_parsed == Weather(city="Paris", degrees=21)


def test_responses_say_that_a_stream_was_cut(client: openai.OpenAI, upstream: Upstream) -> None:
    types: list[str] = []
    sentence = ""

    try:
        for event in client.responses.create(model=f"{upstream}/cut", input="Count.", stream=True):
            types.append(event.type)
            if event.type == "response.failed" and event.response.error is not None:
                sentence = event.response.error.message
    except openai.APIError as error:
        sentence = error.message

    assert "response.output_text.delta" in types
    assert "response.completed" not in types
    assert "closed the connection in the middle" in sentence


# ---- Chat Completions ------------------------------------------------------------------------------------------------------


def test_chat_comes_whole(client: openai.OpenAI, upstream: Upstream) -> None:
    completion = client.chat.completions.create(model=f"{upstream}/words", messages=[{"role": "user", "content": "Greet me."}])

    usage, choice = completion.usage, completion.choices[0]
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert (choice.message.content, choice.finish_reason, len(completion.choices)) == (WORDS, "stop", 1)
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens, usage.total_tokens) == (
        120,
        100,
        9,
        129,
    )


def test_chat_streams(client: openai.OpenAI, upstream: Upstream) -> None:
    chunks = list(
        client.chat.completions.create(
            model=f"{upstream}/words",
            messages=[{"role": "user", "content": "Greet me."}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    deltas = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert len(deltas) > 3
    assert "".join(deltas) == WORDS
    assert finishes == ["stop"]
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage is not None] == [129]


@pytest.mark.parametrize(
    ("asked", "cities", "answer"), [("weather", ["Paris"], "It is sunny."), ("both", ["Paris", "Rome"], "Paris: sunny. Rome: sunny.")]
)
def test_chat_tools_go_round(client: openai.OpenAI, upstream: Upstream, asked: str, cities: list[str], answer: str) -> None:
    history: list[ChatCompletionMessageParam] = [{"role": "user", "content": f"Tell me the {asked}."}]
    first = client.chat.completions.create(model=f"{upstream}/tools", messages=history, tools=[CHAT_FUNCTION])
    calls = [call for call in first.choices[0].message.tool_calls or [] if call.type == "function"]
    history.append(
        {
            "role": "assistant",
            "tool_calls": [
                {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
                for call in calls
            ],
        }
    )
    for call in calls:
        history.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})

    second = client.chat.completions.create(model=f"{upstream}/tools", messages=history, tools=[CHAT_FUNCTION])

    assert first.choices[0].finish_reason == "tool_calls"
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("get_weather", {"city": city}) for city in cities
    ]
    assert len({call.id for call in calls}) == len(cities)
    assert second.choices[0].message.content == answer


def test_chat_streams_tool_calls(client: openai.OpenAI, upstream: Upstream) -> None:
    with client.chat.completions.stream(
        model=f"{upstream}/tools", messages=[{"role": "user", "content": "Tell me both."}], tools=[CHAT_FUNCTION]
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()

    calls = final.choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    assert final.choices[0].finish_reason == "tool_calls"


def test_chat_is_parsed(client: openai.OpenAI, upstream: Upstream) -> None:
    completion = client.chat.completions.parse(
        model=f"{upstream}/structure", messages=[{"role": "user", "content": "The city, please."}], response_format=Weather
    )

    assert completion.choices[0].message.parsed == Weather(city="Paris", degrees=21)


def test_chat_says_that_a_stream_was_cut(client: openai.OpenAI, upstream: Upstream) -> None:
    texts: list[str] = []

    with pytest.raises(openai.APIError) as caught:
        for chunk in client.chat.completions.create(model=f"{upstream}/cut", messages=[{"role": "user", "content": "Count."}], stream=True):
            texts += [choice.delta.content for choice in chunk.choices if choice.delta.content]

    assert texts
    assert "closed the connection in the middle" in caught.value.message


# ---- errors ----------------------------------------------------------------------------------------------------------------

ERRORS: list[tuple[str, type[openai.APIStatusError], int, str]] = [
    ("limited", openai.RateLimitError, 429, "Rate limit reached"),
    ("overflowing", openai.BadRequestError, 400, "context window"),
    ("keyless", openai.InternalServerError, 502, "key"),
    ("failing", openai.InternalServerError, 502, "had an error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "kind", "status", "sentence"), ERRORS)
def test_errors_of_the_provider_are_told(
    client: openai.OpenAI, upstream: Upstream, model: str, kind: type[openai.APIStatusError], status: int, sentence: str, stream: bool
) -> None:
    asked = f"{upstream}/{model}"

    with pytest.raises(kind) as responses:
        client.responses.create(model=asked, input="Hello.", stream=stream)
    with pytest.raises(kind) as chat:
        client.chat.completions.create(model=asked, messages=[{"role": "user", "content": "Hello."}], stream=stream)

    for caught in (responses.value, chat.value):
        assert caught.status_code == status
        assert sentence in caught.message
        assert PROVIDER_KEY not in caught.message


def test_nobody_answers_for_a_provider(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError, match="refused the connection") as caught:
        client.responses.create(model="gone/x", input="Hello.")

    assert caught.value.status_code == 502


def test_unknown_model_is_told_with_what_was_asked(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="responsez/words") as responses:
        client.responses.create(model="responsez/words", input="Hello.")
    with pytest.raises(openai.NotFoundError, match="responsez/words"):
        client.chat.completions.create(model="responsez/words", messages=[{"role": "user", "content": "Hello."}])

    assert responses.value.code == "model_not_found"


def test_wrong_key_is_refused(client: openai.OpenAI) -> None:
    stranger = client.with_options(api_key="not-a-key-of-ours")

    with pytest.raises(openai.AuthenticationError) as caught:
        stranger.responses.create(model="responses/words", input="Hello.")

    assert "not-a-key-of-ours" not in caught.value.message


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert all(model.object == "model" for model in client.models.list())
