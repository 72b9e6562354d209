"""The windows of model families, wherever they are hosted."""

from __future__ import annotations

import pytest

from dragoman.profiles.windows import window


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-sonnet-4-5", 200_000),
        ("anthropic/claude-sonnet-4.5:beta", 200_000),
        ("us.anthropic.claude-opus-4-6-v1:0", 1_000_000),
        ("claude-sonnet-4-20250514", 200_000),
        ("gpt-4", 8_192),
        ("gpt-4-0613", 8_192),
        ("gpt-4o-mini", 128_000),
        ("openai/gpt-5.5", 272_000),
        ("gemini-2.5-pro", 1_048_576),
        ("gpt-40", None),
        ("some-model-of-mine", None),
        ("", None),
    ],
)
def test_window_is_that_of_the_family(model: str, tokens: int | None) -> None:
    assert window(model) == tokens
