"""What is told of models, and from where; what is not known is told as unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dragoman.app.facts import Facts
from dragoman.app.listing import Lists
from dragoman.config.load import load
from dragoman.policy.book import PriceBook
from dragoman.profiles.listing import ModelTold

CONFIG = """
providers:
  openai: {kind: openai, keys: [$K]}
  claude: {kind: anthropic, keys: [$K], list: false}
  lab: {kind: vllm, base_url: "http://127.0.0.1:1/v1", models: [homemade], capabilities: {images: false, efforts: [low, high]}}
models:
  coder: {targets: [openai/gpt-5.5, small], description: for code, fallbacks: [claude/claude-opus-5-5]}
  small: lab/qwen3-coder
  "any-*": lab/*
prices:
  lab/*: {input: 0.1, output: 0.2}
"""


class Told(Lists):
    """Lists that were told already."""

    def __init__(self, models: dict[tuple[str, str], ModelTold]) -> None:
        self._models = models

    def model(self, provider: str, model: str) -> ModelTold | None:
        return self._models.get((provider, model))

    def told(self, provider: str) -> Any:
        return None

    def state(self) -> dict[str, dict[str, object]]:
        return {}


@pytest.fixture
def config(tmp_path: Path) -> Any:
    file = tmp_path / "dragoman.yaml"
    file.write_text(CONFIG)
    return load(str(file), {"K": "k" * 20}).config


@pytest.fixture
def facts(config: Any) -> Facts:
    return Facts(config, PriceBook.compile(config), clock=lambda: 1_795_000_000.0)


def told(facts: Facts, name: str, **asked: Any) -> dict[str, Any]:
    return next(model for model in facts.body(**asked)["models"] if model["name"] == name)


def test_known_model_is_told_with_its_sources(facts: Facts) -> None:
    assert told(facts, "openai/gpt-5.5") == {
        "name": "openai/gpt-5.5",
        "provider": "openai",
        "model": "gpt-5.5",
        "window": 272_000,
        "max_output_tokens": 128_000,
        "modalities": ("text", "image", "file"),
        "tools": True,
        "reasoning": {"style": "effort", "efforts": ["none", "low", "medium", "high", "xhigh"]},
        "price": {
            "input": 5.0,
            "cache_read": 0.5,
            "cache_write": 5.0,
            "output": 30.0,
            "web_search": 0.01,
            "long": [{"over": 272_000, "input": 10.0, "cache_read": 1.0, "cache_write": 10.0, "output": 45.0, "web_search": 0.01}],
        },
        "sources": {
            "window": "family",
            "max_output_tokens": "family",
            "modalities": "family",
            "tools": "family",
            "reasoning": "family",
            "price": "price list",
        },
    }


def test_unknown_is_null_and_config_speaks_for_itself(facts: Facts) -> None:
    assert told(facts, "lab/homemade") == {
        "name": "lab/homemade",
        "provider": "lab",
        "model": "homemade",
        "window": None,
        "max_output_tokens": None,
        "modalities": ("text",),
        "tools": None,
        "reasoning": {"style": "effort", "efforts": ["low", "high"]},
        "price": {"input": 0.1, "cache_read": 0.1, "cache_write": 0.1, "output": 0.2},
        "sources": {"modalities": "config", "reasoning": "config", "price": "config"},
    }


def test_virtual_models_tell_all_that_may_answer(facts: Facts) -> None:
    virtual = {entry["name"]: entry for entry in facts.body()["virtual"]}

    assert virtual["coder"] == {
        "name": "coder",
        "description": "for code",
        "targets": ["openai/gpt-5.5", "lab/qwen3-coder", "claude/claude-opus-5-5"],
        "window": None,
    }


def test_fallbacks_of_fallbacks_and_judges_answer_nothing(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.yaml"
    file.write_text("""
providers: {claude: {kind: anthropic, keys: [$K]}, lab: {kind: vllm}}
models:
  one: {targets: [claude/claude-opus-5-5], fallbacks: [two]}
  two: {targets: [claude/claude-sonnet-5], fallbacks: [one, lab/tiny], context_window: 1000}
  both:
    strategy: tiered
    tiers: {order: [small, large], classifier: {model: lab/judge}}
    targets: [{model: one, tier: large}, {model: claude/claude-haiku-4-5, tier: small}]
  claude/claude-opus-5-5: {targets: [lab/tiny], fallbacks: [claude/claude-opus-5-5]}
""")
    loaded = load(str(file), {"K": "k" * 20}).config
    body = Facts(loaded, PriceBook.compile(loaded)).body()

    assert {entry["name"]: entry["targets"] for entry in body["virtual"]} == {
        "one": ["lab/tiny", "claude/claude-opus-5-5", "claude/claude-sonnet-5"],
        "two": ["claude/claude-sonnet-5", "lab/tiny"],
        "both": ["lab/tiny", "claude/claude-opus-5-5", "claude/claude-sonnet-5", "claude/claude-haiku-4-5"],
        "claude/claude-opus-5-5": ["lab/tiny", "claude/claude-opus-5-5"],
    }
    assert {"lab/judge", "lab/tiny"} <= {model["name"] for model in body["models"]}


def test_what_config_names_and_makers_are_known_for_is_listed(facts: Facts) -> None:
    names = [model["name"] for model in facts.body()["models"]]

    assert names[:2] == ["openai/gpt-5.5", "claude/claude-opus-5-5"]
    assert {"lab/homemade", "lab/qwen3-coder", "claude/claude-haiku-4-5"} <= set(names)
    assert len(names) == len(set(names))


def test_search_looks_through_the_price_lists_too(facts: Facts) -> None:
    names = [model["name"] for model in facts.body(search="GPT-4o-mini")["models"]]

    assert "openai/gpt-4o-mini" in names
    assert all("gpt-4o-mini" in name for name in names)


def test_provider_narrows_to_it_and_leaves_virtual_models_out(facts: Facts) -> None:
    body = facts.body(provider="claude")

    assert body["virtual"] == []
    assert {model["provider"] for model in body["models"]} == {"claude"}


@pytest.mark.parametrize(("host", "expected"), [(32_768, (32_768, "provider's list")), (2_000_000, (272_000, "family"))])
def test_host_may_have_less_of_a_window_than_the_maker_never_more(config: Any, host: int, expected: tuple[int, str]) -> None:
    lists = Told({("openai", "gpt-5.5"): ModelTold("gpt-5.5", window=host)})
    found = Facts(config, PriceBook.compile(config), lists).of("openai", "gpt-5.5").window

    assert (found.value, found.source) == expected


def test_what_the_provider_lists_fills_what_nobody_else_knows(config: Any) -> None:
    lists = Told({("lab", "homemade"): ModelTold("homemade", window=8192, output=1024, tools=True, modalities=("text", "image"))})
    found = Facts(config, PriceBook.compile(config), lists).of("lab", "homemade")

    assert (found.window.value, found.output.value, found.tools.value) == (8192, 1024, True)
    assert found.modalities.value == ("text",)


def test_thinking_by_budget_is_told_with_its_efforts(facts: Facts) -> None:
    assert told(facts, "claude/claude-haiku-4-5")["reasoning"] == {"style": "budget", "efforts": ["none", "low", "medium", "high"]}
