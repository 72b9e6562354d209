"""Every profile: found by itself, and sound."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.dialects.registry import names as dialects
from dragoman.lower.capabilities import Capabilities
from dragoman.profiles.registry import kinds, profile


def test_all_kinds_of_the_facts_are_there() -> None:
    wanted = {"openai", "anthropic", "gemini", "openrouter", "openai-compatible", "demo", "groq", "mistral", "deepseek", "xai", "together"}
    wanted |= {"fireworks", "cerebras", "ollama", "vllm", "llama-cpp", "lm-studio", "moonshot", "zai", "nvidia"}

    assert wanted <= set(kinds())


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        profile("nobody")


@pytest.mark.parametrize("kind", kinds())
def test_profiles_are_sound(kind: str) -> None:
    facts = profile(kind)
    fields = {field.name for field in msgspec.structs.fields(Capabilities)} - {"dialect"}

    assert facts.kind == kind
    assert facts.dialects and set(facts.dialects) <= set(dialects())
    assert set(facts.capabilities) <= {*facts.dialects, *facts.when_chosen}
    assert set(facts.when_chosen) <= set(dialects()) - set(facts.dialects)
    assert [name for told in facts.capabilities.values() for name in told if name not in fields] == []
    assert facts.base_url is None or (facts.base_url.startswith("http") and not facts.base_url.endswith("/"))
    assert facts.key_optional or facts.auth == "none" or facts.env or kind in {"huggingface", "azure-openai"}


def test_no_variable_belongs_to_two_kinds() -> None:
    variables = [name for kind in kinds() for name in profile(kind).env]

    assert len(variables) == len(set(variables))


def test_only_one_kind_may_get_metadata() -> None:
    assert [kind for kind in kinds() if profile(kind).metadata] == ["openai"]
