"""Facts about model families, and the spelling of names."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.lower.capabilities import Capabilities
from dragoman.profiles.families import bare, canonical, capabilities, dialect_for, family, known_names, spell
from dragoman.profiles.registry import kinds, profile

OPENAI = profile("openai")
PLAIN = profile("openai-compatible")


@pytest.mark.parametrize(
    ("name", "dashes", "dots"),
    [
        ("claude-sonnet-4.5", "claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("claude-3.5-sonnet-20241022", "claude-3-5-sonnet-20241022", "claude-3.5-sonnet-20241022"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5-20251101", "claude-opus-4.5-20251101"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4-20250514", "claude-sonnet-4-20250514"),
        ("claude-opus-5", "claude-opus-5", "claude-opus-5"),
        ("anthropic/claude-haiku-5.5", "anthropic/claude-haiku-5-5", "anthropic/claude-haiku-5.5"),
        ("gpt-4.1", "gpt-4.1", "gpt-4.1"),
        ("gpt-4-1", "gpt-4-1", "gpt-4-1"),
    ],
)
def test_versions_of_claude_are_spelt_as_the_host_does(name: str, dashes: str, dots: str) -> None:
    assert (canonical(name), spell(name, "-"), spell(name, "."), spell(name, None)) == (dashes, dashes, dots, name)


@given(st.text(max_size=40))
def test_spelling_is_stable(name: str) -> None:
    for mark in ("-", "."):
        assert spell(spell(name, mark), mark) == spell(name, mark)
    assert canonical(spell(name, ".")) == canonical(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("anthropic/claude-sonnet-4.5:free", "claude-sonnet-4-5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001-v1"),
        ("accounts/fireworks/models/DeepSeek-V4-pro", "deepseek-v4-pro"),
        ("gpt-oss:20b", "gpt-oss"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),
    ],
)
def test_a_bare_name_is_without_vendor_region_and_variant(name: str, expected: str) -> None:
    assert bare(name) == expected


@pytest.mark.parametrize(
    ("model", "prefix"),
    [
        ("gpt-5", "gpt-5"),
        ("gpt-5-mini", "gpt-5"),
        ("gpt-5.4-mini", "gpt-5.4"),
        ("gpt-5.9", "gpt-"),
        ("gpt-4o-mini", "gpt-4o"),
        ("gpt-4-0613", "gpt-4"),
        ("openai/gpt-oss-120b", "gpt-oss"),
        ("o3-mini", "o3"),
        ("claude-opus-4.6", "claude-opus-4-6"),
        ("claude-fable-5-2", "claude-fable-5-2"),
        ("claude-novel-7", "claude-"),
        ("claude-3-7-sonnet-latest", "claude-3-7"),
        ("gemini-2.5-pro", "gemini-2.5-pro"),
        ("models/gemini-3.8-flash", "gemini-3.8"),
        ("grok-4-1-fast-reasoning", "grok-4-1"),
        ("o100", ""),
        ("qwen3-coder", ""),
        ("", ""),
    ],
)
def test_the_longest_prefix_decides(model: str, prefix: str) -> None:
    assert family(model).prefix == prefix


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("gpt-4", ()),
        ("gpt-4o", ()),
        ("gpt-5", ("minimal", "low", "medium", "high")),
        ("gpt-5.1", ("none", "low", "medium", "high")),
        ("gpt-5.5", ("none", "low", "medium", "high", "xhigh")),
        ("gpt-6-sol", ("none", "low", "medium", "high", "xhigh", "max")),
        ("gpt-6-astra", ("low", "medium", "high", "xhigh", "max")),
        ("o4-mini", ("low", "medium", "high")),
        ("claude-opus-4-5", ("low", "medium", "high")),
        ("claude-haiku-4-5", ()),
        ("gemini-3.8-flash", ("low", "medium", "high")),
        ("deepseek-v4-flash", ("low", "high", "max")),
        ("glm-5.3", ("low", "high", "max")),
        ("kimi-k2.6", ()),
        ("grok-4.20-reasoning", ()),
        ("never-heard-of", None),
    ],
)
def test_efforts_are_those_of_the_family_wherever_it_is_hosted(model: str, efforts: tuple[str, ...] | None) -> None:
    assert {capabilities(profile(kind), "chat", f"vendor/{model}").efforts for kind in ("openrouter", "openai-compatible")} == {efforts}


def test_tools_with_reasoning_are_refused_on_chat_alone() -> None:
    told = {
        (dialect, model): capabilities(OPENAI, dialect, model).reasoning_with_tools
        for dialect in ("chat", "responses")
        for model in ("gpt-5.1", "gpt-5.4", "gpt-7")
    }

    assert [pair for pair, takes in told.items() if not takes] == [("chat", "gpt-5.4"), ("chat", "gpt-7")]


def test_openai_takes_everything_of_its_own_dialect() -> None:
    told = capabilities(OPENAI, "responses", "gpt-5.5")

    switches = (
        "freeform_tools",
        "namespaces",
        "tool_search",
        "tools_added",
        "images_in_results",
        "developer_role",
        "cache_key",
        "verbosity",
    )
    assert [name for name in switches if not getattr(told, name)] == []
    assert "web_search" in told.hosted_tools
    assert told.proofs == frozenset({"responses"})


def test_an_unknown_model_on_an_unknown_server_gets_the_defaults() -> None:
    assert capabilities(PLAIN, "chat", "some-model") == Capabilities()


def test_config_has_the_last_word() -> None:
    told = capabilities(OPENAI, "chat", "gpt-5.4", {"reasoning_with_tools": True, "efforts": ("high",)})

    assert (told.reasoning_with_tools, told.efforts) == (True, ("high",))


def test_every_family_has_fields_that_there_are() -> None:
    fields = {field.name for field in msgspec.structs.fields(Capabilities)}

    for name in known_names():
        known = family(name)
        assert set(known.facts) | {field for facts in known.in_dialect.values() for field in facts} <= fields


@pytest.mark.parametrize(
    ("kind", "model", "chosen", "dialect"),
    [
        ("openai", "gpt-5.5", None, "responses"),
        ("openai", "gpt-4", None, "responses"),
        ("openai", "gpt-audio-2", None, "chat"),
        ("openai", "gpt-5.5", "chat", "chat"),
        ("anthropic", "claude-opus-5", None, "messages"),
        ("anthropic", "claude-opus-5", "chat", "chat"),
        ("groq", "openai/gpt-oss-120b", None, "chat"),
        ("openai-compatible", "qwen3", None, "chat"),
        ("openai-compatible", "qwen3", "responses", "responses"),
    ],
)
def test_the_dialect_is_the_chosen_one_or_the_best(kind: str, model: str, chosen: str | None, dialect: str) -> None:
    assert dialect_for(profile(kind), model, chosen) == dialect


@given(st.text(max_size=60))
def test_any_name_has_capabilities_everywhere(model: str) -> None:
    for kind in kinds():
        facts = profile(kind)
        assert isinstance(capabilities(facts, dialect_for(facts, model), model), Capabilities)


@pytest.mark.parametrize(
    ("kind", "model", "wanted", "dialect"),
    [
        ("openai", "gpt-4o", "chat", "chat"),
        ("openai", "gpt-5.5", "chat", "chat"),
        ("openai", "gpt-6-sol", "chat", "responses"),
        ("openai", "gpt-9", "chat", "responses"),
        ("openai", "gpt-audio", "responses", "chat"),
        ("openrouter", "openai/gpt-6-sol", "responses", "chat"),
        ("openai-compatible", "qwen3", "responses", "chat"),
        ("groq", "qwen3", "responses", "chat"),
        ("demo", "anything", "chat", "chat"),
    ],
)
def test_a_client_is_answered_in_its_own_dialect_where_provider_and_model_take_it(kind: str, model: str, wanted: str, dialect: str) -> None:
    assert dialect_for(profile(kind), model, None, wanted) == dialect
