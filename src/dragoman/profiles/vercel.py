"""Vercel's AI Gateway: many makers' models as `vendor/model`. https://vercel.com/docs/ai-gateway/openai-compat"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="vercel",
    base_url="https://ai-gateway.vercel.sh/v1",
    env=("AI_GATEWAY_API_KEY",),
    dialects={"chat": None},
    quirks=Quirks(max_tokens_field="max_tokens", reasoning_field="reasoning", store=None),
    vendors=(
        ("gpt-", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("claude-", "anthropic"),
        ("gemini-", "google"),
        ("grok-", "xai"),
        ("deepseek-", "deepseek"),
        ("mistral-", "mistral"),
        ("kimi-", "moonshotai"),
        ("glm-", "zai"),
    ),
    version_mark=".",
)
