"""The models that a maker is best known for, by kind of provider: what is offered where config lists none. Best first."""

from __future__ import annotations

_MODELS: dict[str, tuple[str, ...]] = {
    "anthropic": ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5"),
    "deepseek": ("deepseek-v4-pro", "deepseek-v4-flash"),
    "demo": ("coder",),
    "gemini": ("gemini-4-argon", "gemini-3.8-flash", "gemini-3.1-pro-preview", "gemini-2.5-pro", "gemini-2.5-flash"),
    "mistral": ("mistral-large-4", "mistral-medium-3-5", "codestral-2508"),
    "moonshot": ("kimi-k3.1-pro", "kimi-k3"),
    "xai": ("grok-4.7", "grok-4.5"),
    "zai": ("glm-5.3", "glm-5.2"),
}


def wellknown(kind: str) -> tuple[str, ...]:
    """The names; none for a kind that hosts other makers' models, or whose clients know its models themselves."""
    return _MODELS.get(kind, ())
