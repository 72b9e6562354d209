"""What kinds of input a model takes besides text, by family, wherever it is hosted. What is unknown is None, never a guess.

The makers' model pages are linked in `families`.
"""

from __future__ import annotations

from dragoman.profiles.families import bare, is_of

_TEXT = ("text",)
_IMAGE = ("text", "image")
_FILE = ("text", "image", "file")
_ALL = ("text", "image", "file", "audio")

_MODALITIES: dict[str, tuple[str, ...]] = {
    "gpt-": _FILE,
    "gpt-3.5": _TEXT,
    "gpt-4": _TEXT,
    "gpt-4-turbo": _IMAGE,
    "gpt-4.1": _FILE,
    "gpt-4.5": _FILE,
    "gpt-4o": _FILE,
    "gpt-4o-audio": ("text", "audio"),
    "gpt-audio": ("text", "audio"),
    "gpt-oss": _TEXT,
    "chatgpt-4o": _FILE,
    "codex-mini": _IMAGE,
    "o1": _FILE,
    "o1-mini": _TEXT,
    "o3": _FILE,
    "o3-mini": _TEXT,
    "o4-mini": _FILE,
    "claude-": _FILE,
    "claude-2": _TEXT,
    "gemini-": _ALL,
    "gemma-3": _IMAGE,
    "grok-3": _TEXT,
    "grok-4": _IMAGE,
    "grok-code": _TEXT,
    "deepseek-": _TEXT,
    "kimi-k2": _TEXT,
    "kimi-k2.5": _IMAGE,
    "kimi-k3": _IMAGE,
    "glm-4.5": _TEXT,
    "glm-4.5v": _IMAGE,
    "glm-5": _TEXT,
    "codestral": _TEXT,
    "devstral": _TEXT,
    "mistral-medium": _IMAGE,
    "mistral-large-4": _IMAGE,
    "llama-3": _TEXT,
    "llama-4": _IMAGE,
    "qwen3-coder": _TEXT,
    "nova-micro": _TEXT,
    "nova-lite": _FILE,
    "nova-pro": _FILE,
}
_LONGEST_FIRST = sorted(_MODALITIES, key=len, reverse=True)


def modalities(model: str) -> tuple[str, ...] | None:
    """The kinds of input that `model` takes (`text`, `image`, `file`, `audio`); None if that is not known."""
    name = bare(model)
    return next((_MODALITIES[prefix] for prefix in _LONGEST_FIRST if is_of(name, prefix)), None)
