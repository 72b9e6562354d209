"""What is found without a config."""

from __future__ import annotations

import pytest

from dragoman.config.discover import Found, discover
from dragoman.config.routing_schema import ProviderKey
from dragoman.config.schema import Provider
from dragoman.config.secrets import Secret
from dragoman.profiles.registry import kinds, profile


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("OPENAI_API_KEY", "openai"),
        ("OPENROUTER_API_KEY", "openrouter"),
        ("ANTHROPIC_API_KEY", "anthropic"),
        ("GEMINI_API_KEY", "gemini"),
        ("GOOGLE_API_KEY", "gemini"),
        ("GROQ_API_KEY", "groq"),
        ("MISTRAL_API_KEY", "mistral"),
        ("DEEPSEEK_API_KEY", "deepseek"),
        ("XAI_API_KEY", "xai"),
        ("TOGETHER_API_KEY", "together"),
        ("FIREWORKS_API_KEY", "fireworks"),
        ("CEREBRAS_API_KEY", "cerebras"),
    ],
)
def test_a_key_in_the_environment_becomes_a_provider(variable: str, name: str) -> None:
    found = discover({variable: "k-1", "PATH": "/bin"})

    assert found.providers == {name: Provider(kind=name, keys=(ProviderKey(Secret("k-1")),))}
    assert found.found == (Found(name, variable),)
    assert found.warnings == ()


def test_every_kind_with_a_variable_is_found_and_no_other() -> None:
    env = {name: "k" for kind in kinds() for name in profile(kind).env}

    assert set(discover(env).providers) == {kind for kind in kinds() if profile(kind).env}


def test_without_keys_the_builtin_provider_answers() -> None:
    found = discover({"OPENAI_API_KEY": "  ", "PATH": "/bin"})

    assert (list(found.providers), found.found) == (["demo"], (Found("demo", None),))


def test_addresses_of_the_environment_are_not_followed_and_told() -> None:
    found = discover({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost:8080/openai", "ANTHROPIC_BASE_URL": "http://x"})

    assert found.providers["openai"].base_url is None
    assert found.warnings == (
        "`OPENAI_BASE_URL` is set and not followed, as it may point at this gateway: `openai` is asked at https://api.openai.com/v1; "
        "to send it elsewhere write `base_url` into dragoman.yaml",
    )


def test_a_key_that_cannot_be_sent_is_left_out_and_told_without_being_quoted() -> None:
    found = discover({"OPENAI_API_KEY": "sk-a\nb", "GROQ_API_KEY": "k"})

    assert list(found.providers) == ["groq"]
    assert found.warnings == (
        "`OPENAI_API_KEY` is left out: the value of `$OPENAI_API_KEY` has a line break or a letter that no HTTP header takes",
    )
