"""A longer conversation begins, to the byte, with the shorter one: what providers keep in their prompt caches stays good.

Holds for what grows as an agent's conversation does, by whole requests, over every API with the real writers.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.registry import dialect
from dragoman.ir.request import (
    GATEWAY,
    Call,
    CustomTool,
    FunctionTool,
    Image,
    Inline,
    Item,
    Message,
    Proof,
    Reasoning,
    ReasoningWish,
    Request,
    Result,
    SearchTool,
    Text,
    Tool,
    ToolsAdded,
)
from dragoman.lower.lower import lower
from dragoman.profiles.families import capabilities, quirks_of
from dragoman.profiles.registry import profile

TARGETS = [
    ("chat", "openai-compatible", "glm-5.3"),
    ("chat", "deepseek", "deepseek-v4-pro"),
    ("responses", "openai-compatible", "qwen3-coder"),
    ("messages", "anthropic", "claude-opus-4-8"),
    ("messages", "anthropic", "claude-sonnet-4-5"),
    ("generate", "gemini", "gemini-3.1-pro-preview"),
    ("generate", "gemini", "gemini-2.5-flash"),
]
HEAD: tuple[Tool, ...] = (FunctionTool("look", "Looks.", {"type": "object", "properties": {}}), CustomTool("patch", "Edits."), SearchTool())
PICTURE = Image(Inline("image/png", "aaaa"))
WORDS = st.sampled_from(["Yes.", "It is done.", "x\ny"])
ORIGINS = [
    ("responses", "encrypted_content", "openai/gpt-5.5"),
    ("messages", "signature", "anthropic/claude-opus-4-8"),
    ("messages", "signature", "anthropic/claude-sonnet-4-5"),
    ("generate", "thought_signature", "gemini/gemini-3.1-pro-preview"),
    ("chat", "reasoning_content", "deepseek/deepseek-v4-pro"),
    (GATEWAY, "words", None),
]
PROOFS = st.sampled_from([Proof(maker, "c2lnbmVk", kind, origin) for maker, kind, origin in ORIGINS])
THOUGHTS = st.lists(st.builds(Reasoning, content=st.just(("hm",)), proof=PROOFS), max_size=1)
RESULTS = st.sampled_from([(Text("found"),), (Text("see"), PICTURE), ()])
FOUND = st.lists(st.sampled_from(["far", "wide", "look"]), max_size=2, unique=True)


@st.composite
def rounds(draw: st.DrawFn, number: int) -> list[Item]:
    """One answer of a model and the results of its calls."""
    calls: list[Call] = []
    results: list[Item] = []
    for index in range(draw(st.integers(1, 2))):
        call_id, kind = f"call_{number}_{index}", draw(st.sampled_from(["function", "custom", "search"]))
        proof = draw(st.none() | PROOFS)
        if kind == "custom":
            calls.append(Call(call_id, "patch", "raw {", "custom", proof=proof))
            results.append(Result(call_id, draw(RESULTS), "custom"))
        elif kind == "search":
            calls.append(Call(call_id, "tool_search", '{"query":"q"}', "search", proof=proof))
            tools = tuple(FunctionTool(name, "F.", {"type": "object"}, namespace="found") for name in draw(FOUND))
            results.append(Result(call_id, (), "search", tools=tools))
        else:
            calls.append(Call(call_id, "look", "{}", namespace=draw(st.sampled_from([None, "found"])), proof=proof))
            results.append(Result(call_id, draw(RESULTS)))
    words: list[Item] = [Message("assistant", (Text(draw(WORDS)),))] if draw(st.booleans()) else []
    return [*draw(THOUGHTS), *words, *calls, *results]


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[Item, ...]]:
    """The items of each request of one conversation."""
    items: list[Item] = [Message("developer", (Text("You are an agent."),)), Message("developer", (Text("Be brief."),))]
    if draw(st.booleans()):
        items.insert(0, ToolsAdded((CustomTool("exec", "Runs.", namespace="functions"),)))
    requests: list[tuple[Item, ...]] = []
    for turn in range(draw(st.integers(1, 3))):
        if turn and draw(st.booleans()):
            items.append(Message("developer", (Text("The model has changed."),)))
        items.append(Message("user", (Text("Do it."), PICTURE) if draw(st.booleans()) else (Text("Do it."),)))
        requests.append(tuple(items))
        for number in range(draw(st.integers(0, 3))):
            items += draw(rounds(10 * turn + number))
            requests.append(tuple(items))
        items += [*draw(THOUGHTS), Message("assistant", (Text(draw(WORDS)),))]
    return requests


def written(items: tuple[Item, ...], target: tuple[str, str, str]) -> dict[str, Any]:
    name, kind, model = target
    host = profile(kind)
    request = Request(model, items, tools=HEAD, reasoning=ReasoningWish("high"))
    lowered = lower(request, capabilities(host, name, model), f"{kind}/{model}")
    call, _ = dialect(name).write_request(lowered.request, quirks_of(host, model))
    return json.loads(call.body)


def without_cache_marks(value: Any) -> Any:
    """Breakpoints of a cache move with its end; they are no part of the prompt."""
    if isinstance(value, dict):
        return {name: without_cache_marks(inner) for name, inner in value.items() if name != "cache_control"}  # pyright: ignore[reportUnknownVariableType]
    return [without_cache_marks(inner) for inner in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def prompt(body: dict[str, Any]) -> tuple[list[str], str, list[str]]:
    """Tools, instructions and what was said, each as JSON."""
    tools: list[Any] = []
    for tool in body.get("tools", ()):
        tools += tool.get("functionDeclarations", [tool])
    said = [pieces(turn) for turn in body.get("messages") or body.get("contents") or body["input"]]
    texts = [[json.dumps(piece) for piece in without_cache_marks(list(each))] for each in (tools, [p for turn in said for p in turn])]
    return texts[0], json.dumps(without_cache_marks(body.get("system") or body.get("systemInstruction"))), texts[1]


def pieces(turn: dict[str, Any]) -> list[Any]:
    """A message piece by piece: a further one may join it as the conversation goes on."""
    for name in ("content", "parts"):
        if isinstance(turn.get(name), list):
            return [{"role": turn.get("role")}, *turn[name]] if turn.get("role") != "tool" else [turn]
    return [turn]


# Thinking up a conversation takes longer than writing it: each is written for every target.
@given(requests=conversations())
def test_the_prompt_of_a_conversation_only_grows(requests: list[tuple[Item, ...]]) -> None:
    for target in TARGETS:
        prompts = [prompt(written(items, target)) for items in requests]

        for (tools, system, said), (more_tools, same_system, more) in pairwise(prompts):
            assert more_tools[: len(tools)] == tools, target
            assert same_system == system, target
            assert more[: len(said)] == said, target
