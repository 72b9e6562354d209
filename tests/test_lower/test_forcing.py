"""A tool that must be called, over models that cannot be forced; searches of the provider's own; how many tokens may come."""

from __future__ import annotations

import pytest

from dragoman.ir.request import FunctionTool, HostedTool, Message, ReasoningWish, Request, Text, ToolChoice
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower

HI = Message("user", (Text("hi"),))
TOOLS = (FunctionTool("f", namespace="n"), FunctionTool("g"))
FREE = Capabilities(forced_tools=False)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (ToolChoice("required"), "a tool"),
        (ToolChoice("one", (("n", "f"),)), "the tool `n__f`"),
        (ToolChoice("some", (("n", "f"), (None, "g")), required=True), "the tool `n__f` or `g`"),
    ],
)
def test_a_model_that_cannot_be_forced_is_asked_in_words(choice: ToolChoice, words: str) -> None:
    lowered = lower(Request("m", (HI,), tools=TOOLS, tool_choice=choice), FREE)

    asked = Message("system", (Text(f"Answer this by calling {words} and in no other way."),))
    assert (lowered.request.tool_choice, lowered.request.items) == (ToolChoice("auto"), (HI, asked))
    assert [field for field, _ in lowered.warnings] == ["tool_choice"]


@pytest.mark.parametrize("choice", [None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("some", ((None, "g"),))])
def test_a_choice_that_forces_nothing_stays(choice: ToolChoice | None) -> None:
    request = Request("m", (HI,), tools=(FunctionTool("g"),), tool_choice=choice)

    assert lower(request, FREE).request is request


@pytest.mark.parametrize(
    ("choice", "wish", "fitted"),
    [
        (ToolChoice("required"), ReasoningWish("high"), ReasoningWish("none")),
        (ToolChoice("required"), None, None),
        (ToolChoice("auto"), ReasoningWish("high"), ReasoningWish("high")),
    ],
)
def test_thoughts_give_way_to_a_forced_tool(choice: ToolChoice, wish: ReasoningWish | None, fitted: ReasoningWish | None) -> None:
    request = Request("m", (HI,), tools=TOOLS, tool_choice=choice, reasoning=wish)

    lowered = lower(request, Capabilities(forced_while_thinking=False))

    assert (lowered.request.reasoning, lowered.request.tool_choice) == (fitted, choice)
    assert bool(lowered.warnings) == (wish != fitted)


@pytest.mark.parametrize(
    ("live", "runs", "kept"),
    [(True, {"web_search"}, True), (False, {"web_search"}, False), (True, set[str](), False)],
)
def test_a_web_search_goes_to_a_target_that_has_its_own(live: bool, runs: set[str], kept: bool) -> None:
    tool = HostedTool("web_search", "responses", {"type": "web_search"}, live=live)
    lowered = lower(Request("m", (HI,), tools=(tool,)), Capabilities(dialect="messages", hosted_tools=frozenset(runs)))

    assert (lowered.request.tools, bool(lowered.warnings)) == (((tool,), False) if kept else ((), True))


def test_a_web_search_without_live_access_is_named_as_such() -> None:
    tool = HostedTool("web_search", "responses", {}, live=False)
    (warning,) = lower(
        Request("m", (HI,), tools=(tool,)), Capabilities(dialect="messages", hosted_tools=frozenset({"web_search"}))
    ).warnings

    assert warning == ("tools", "the client allows `web_search` without live access only, which the target does not have")


@pytest.mark.parametrize(("asked", "told"), [(None, 64_000), (100, 100), (70_000, 64_000)])
def test_a_target_that_wants_a_limit_of_tokens_gets_its_own(asked: int | None, told: int) -> None:
    caps = Capabilities(max_output_tokens=64_000, max_tokens_required=True)

    assert lower(Request("m", (HI,), max_tokens=asked), caps).request.max_tokens == told
