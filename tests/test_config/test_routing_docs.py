"""The page about routing: its examples load without a warning, and what it shows is what is decided."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dragoman.config.load import parse
from dragoman.routing.ask import Told
from dragoman.routing.board import Board
from dragoman.routing.decision import explain
from dragoman.routing.resolve import Resolver
from dragoman.routing.route import Router

PAGE = (Path(__file__).parents[2] / "docs" / "routing.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
NAMES = ("TEAM", "SPARE", "EAST", "WEST", "OPENAI_API", "ANTHROPIC_API", "ADA", "CI")
ENV = {f"{name}_KEY": f"the-value-of-the-{name.lower()}-key" for name in NAMES}


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_load_without_a_warning(text: str) -> None:
    loaded = parse(text.encode(), ENV)

    assert loaded.warnings == ()
    Resolver.compile(loaded.config)


def test_the_block_that_is_shown_is_what_is_told() -> None:
    (shown,) = re.findall(r"```text\n(coder.*?)\n```", PAGE, re.DOTALL)
    text = next(text for text in EXAMPLES if "name: night" in text and "tiered" in text)
    resolver = Resolver.compile(parse(text.encode(), ENV).config)
    noon = 1_767_700_800.0
    ask = Told(
        model="coder",
        tokens=14_000,
        tools=12,
        effort="medium",
        kinds=("turn",),
        wall=noon,
        session="s-2",
        session_from="the agent's session",
    )

    decision = Router().route(resolver.resolve("coder"), ask, Board(), 0.0, 0.3)

    assert explain(decision) == shown
