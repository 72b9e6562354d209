"""How many tokens a conversation with a model may hold, by family, wherever it is hosted. What is unknown is None, never a guess.

The numbers are the makers' (their model pages are linked in `families`). For the models of OpenAI that take a million tokens it is
272,000: input beyond that costs twice as much, and Codex, who makes them, stops there too.
"""

from __future__ import annotations

from functools import lru_cache

from dragoman.profiles.families import bare, is_of

_K = 1_000

_WINDOWS: dict[str, int] = {
    "gpt-6": 272 * _K,
    "gpt-6.1": 272 * _K,
    "gpt-6.2": 272 * _K,
    "gpt-5": 272 * _K,
    "gpt-5.1": 272 * _K,
    "gpt-5.2": 272 * _K,
    "gpt-5.3": 272 * _K,
    "gpt-5.4": 272 * _K,
    "gpt-5.5": 272 * _K,
    "gpt-5.6": 272 * _K,
    "gpt-5-chat": 128 * _K,
    "gpt-5.1-chat": 128 * _K,
    "gpt-5.2-chat": 128 * _K,
    "gpt-5.3-chat": 128 * _K,
    "gpt-oss": 131_072,
    "gpt-4": 8_192,
    "gpt-4-turbo": 128 * _K,
    "gpt-4.1": 1_047_576,
    "gpt-4.5": 128 * _K,
    "gpt-4o": 128 * _K,
    "chatgpt-4o": 128 * _K,
    "gpt-3.5": 16_385,
    "codex-mini": 200 * _K,
    "o1": 200 * _K,
    "o1-mini": 128 * _K,
    "o3": 200 * _K,
    "o4-mini": 200 * _K,
    "claude-2": 200 * _K,
    "claude-3": 200 * _K,
    "claude-opus-4": 200 * _K,
    "claude-sonnet-4": 200 * _K,
    "claude-haiku-4": 200 * _K,
    "claude-opus-4-6": 1_000 * _K,
    "claude-opus-4-7": 1_000 * _K,
    "claude-opus-4-8": 1_000 * _K,
    "claude-sonnet-4-6": 1_000 * _K,
    "claude-opus-5": 1_000 * _K,
    "claude-sonnet-5": 1_000 * _K,
    "claude-haiku-5": 1_000 * _K,
    "claude-fable-5": 1_000 * _K,
    "claude-mythos-5": 1_000 * _K,
    "gemini-1.5": 1_048_576,
    "gemini-2.0": 1_048_576,
    "gemini-2.5": 1_048_576,
    "gemini-3": 1_048_576,
    "gemini-3.1": 1_048_576,
    "gemini-3.5": 1_048_576,
    "gemini-3.6": 1_048_576,
    "gemini-3.7": 1_048_576,
    "gemini-3.8": 1_048_576,
    "gemini-4": 1_048_576,
    "grok-4-1-fast": 2_000 * _K,
    "grok-4.20": 1_000 * _K,
    "grok-4.3": 1_000 * _K,
    "grok-4.5": 500 * _K,
    "grok-4.6": 500 * _K,
    "grok-4.7": 500 * _K,
    "deepseek-v4": 1_000 * _K,
    "deepseek-v4.1": 1_000 * _K,
    "kimi-k3": 1_048_576,
    "kimi-k3.1": 1_048_576,
    "kimi-k2.6": 262_144,
    "kimi-k2.7": 262_144,
    "glm-5.2": 1_000 * _K,
    "glm-5.3": 1_000 * _K,
    "mistral-large-4": 1_048_576,
    "mistral-medium": 262_144,
    "codestral": 262_144,
    "nova-2-lite": 1_000 * _K,
    "nova-pro": 300 * _K,
    "nova-lite": 300 * _K,
    "nova-micro": 128 * _K,
}
_LONGEST_FIRST = sorted(_WINDOWS, key=len, reverse=True)


@lru_cache(maxsize=4096)
def window(model: str) -> int | None:
    """The tokens that a conversation with `model` may hold, its answer among them; None if that is not known."""
    name = bare(model)
    return next((_WINDOWS[prefix] for prefix in _LONGEST_FIRST if is_of(name, prefix)), None)
