"""OpenRouter: many makers' models as `vendor/model`. https://openrouter.ai/docs/api-reference/overview"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import EVERYTHING, Profile

PROFILE = Profile(
    kind="openrouter",
    base_url="https://openrouter.ai/api/v1",
    env=("OPENROUTER_API_KEY",),
    dialects={"chat": None},
    when_chosen=("responses",),
    relay=EVERYTHING,
    # Some of its hosts give no finish reason (Novita's Kimi). Answers that break off end in an error here, so `[DONE]` is an end:
    # https://openrouter.ai/docs/api-reference/errors (mid-stream errors).
    quirks=Quirks(max_tokens_field="max_tokens", reasoning_field="reasoning", store=None, done_is_enough=True),
    capabilities={"chat": {"cache_marks": True}, "responses": {"reasoning_summary": True, "proofs": frozenset({"responses"})}},
    vendors=(
        ("gpt-", "openai"),
        ("chatgpt-", "openai"),
        ("codex-", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("claude-", "anthropic"),
        ("gemini-", "google"),
        ("gemma-", "google"),
        ("grok-", "x-ai"),
        ("deepseek-", "deepseek"),
        ("mistral-", "mistralai"),
        ("ministral-", "mistralai"),
        ("magistral-", "mistralai"),
        ("codestral-", "mistralai"),
        ("devstral", "mistralai"),
        ("kimi-", "moonshotai"),
        ("glm-", "z-ai"),
        ("qwen", "qwen"),
        ("llama-", "meta-llama"),
        ("minimax-", "minimax"),
        ("nova-", "amazon"),
        ("command-", "cohere"),
        ("sonar", "perplexity"),
        ("nemotron-", "nvidia"),
    ),
    version_mark=".",
    prices="openrouter",
)
