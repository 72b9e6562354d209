"""The kinds of providers under the names that other gateways give them, and how their addresses differ from ours."""

from __future__ import annotations

from dragoman.profiles.registry import kinds, profile

_KINDS: dict[str, str] = {
    "azure": "azure-openai",
    "azure_openai": "azure-openai",
    "azure-openai": "azure-openai",
    "azure_ai": "azure-openai",
    "azure-foundry": "azure-openai",
    "google-gemini": "gemini",
    "google": "gemini",
    "x-ai": "xai",
    "together_ai": "together",
    "together-ai": "together",
    "togetherai": "together",
    "fireworks_ai": "fireworks",
    "fireworks-ai": "fireworks",
    "cohere_chat": "cohere",
    "hosted_vllm": "vllm",
    "sgl": "openai-compatible",
    "ollama_chat": "ollama",
    "lm_studio": "lm-studio",
    "llamafile": "openai-compatible",
    "nvidia_nim": "nvidia",
    "nim": "nvidia",
    "moonshot": "moonshot",
    "vercel_ai_gateway": "vercel",
    "text-completion-openai": "openai",
    "custom_openai": "openai-compatible",
    "openai_like": "openai-compatible",
    "self-hosted-model": "openai-compatible",
    "groq": "groq",
    "mistralai": "mistral",
    "mistral-ai": "mistral",
    "parasail": "openai-compatible",
    "huggingface": "huggingface",
    "perplexity-ai": "perplexity",
    "deepinfra": "openai-compatible",
}
_ELSEWHERE = {"openai": "openai-compatible"}
_NO_KEYS = frozenset({"", "none", "null", "empty", "dummy", "fake", "fake-key", "anything", "not-needed", "no-key", "sk-xxx", "local"})
UNSPOKEN = {
    "bedrock": "AWS Bedrock",
    "aws-bedrock": "AWS Bedrock",
    "sagemaker": "AWS SageMaker",
    "aws-sagemaker": "AWS SageMaker",
    "vertex": "Google Vertex AI",
    "vertex_ai": "Google Vertex AI",
    "google-vertex": "Google Vertex AI",
    "databricks": "Databricks",
    "replicate": "Replicate",
    "elevenlabs": "ElevenLabs",
}
"""What is not spoken yet: these sign their requests in a way of their own, or have another API."""


def kind_of(name: str) -> str | None:
    """Our kind of what another gateway calls so; None if there is none."""
    plain = name.lower()
    found = _KINDS.get(plain, plain.replace("_", "-"))
    return found if found in kinds() else None


def kind_of_model(model: str) -> str | None:
    """The kind of the provider that makes a model; None if that is not known."""
    makers = (kind for kind in kinds() if profile(kind).base_url is not None)
    return next((kind for kind in makers if any(model.startswith(prefix) for prefix in profile(kind).families)), None)


def needs_address(kind: str) -> bool:
    """Whether config must say where it is."""
    return profile(kind).base_url is None and not profile(kind).builtin


def elsewhere(kind: str) -> str:
    """The kind of a server at an address of the user's own that is called by the name of a maker whose API it speaks."""
    return _ELSEWHERE.get(kind, kind)


def is_no_key(kind: str, text: str) -> bool:
    """Whether a key is only there because a client library demands one, for a server that asks for none."""
    return profile(kind).key_optional and text.strip().lower() in _NO_KEYS


def variable_of(kind: str) -> str | None:
    """The environment variable that usually holds the key of this kind."""
    return next(iter(profile(kind).env), None)


_TAILS: dict[str, str] = {"azure-openai": "/openai/v1", "gemini": "/v1beta", "cohere": "/compatibility/v1"}
_ROOTS = frozenset({"azure-openai", "anthropic", "gemini", "ollama", "cohere"})
"""Kinds whose address other gateways write without the path of the API."""
_VERSIONS = ("/v1", "/v1beta", "/v2", "/v3", "/v4")


def address(kind: str, given: str, *, adds: bool) -> str:
    """A base URL as ours are written, with the version of the API at its end. `adds`: the other gateway puts it there itself; else it
    is meant as it stands, but for a bare host."""
    plain = given.rstrip("/")
    if plain.endswith(_VERSIONS):
        return plain
    _, scheme, place = plain.partition("://")
    bare = bool(scheme) and "/" not in place
    return plain + _TAILS.get(kind, "/v1") if adds or bare or kind in _ROOTS else plain
