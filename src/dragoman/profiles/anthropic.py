"""Anthropic. https://platform.claude.com/docs/en/api/messages

Its OpenAI-compatible Chat endpoint is spoken only where config chooses it: it hoists system messages, ignores `response_format`,
`strict` and `reasoning_effort`, takes one choice only, and shows no thoughts. https://platform.claude.com/docs/en/api/openai-sdk
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import EVERYTHING, Profile

PROFILE = Profile(
    kind="anthropic",
    base_url="https://api.anthropic.com/v1",
    auth="x-api-key",
    env=("ANTHROPIC_API_KEY",),
    dialects={"messages": None},
    when_chosen=("chat",),
    families=("claude-",),
    relay=EVERYTHING,
    quirks=Quirks(max_tokens_field="max_tokens", store=None),
    capabilities={
        "messages": {
            "hosted_tools": frozenset({"web_search", "web_fetch", "code_execution", "mcp", "computer"}),
            "metadata": True,
            "service_tier": True,
        },
        "chat": {
            "late_system": False,
            "audio": False,
            "schema_output": False,
            "json_output": False,
            "strict_tools": False,
            "choices": False,
        },
    },
    # The version under which sampling still exists (for the models that take it); a client of this API sends its own.
    headers=(("anthropic-version", "2023-06-01"),),
    base_url_env=("ANTHROPIC_BASE_URL",),
    version_mark="-",
    prices="anthropic",
    models_path="/models?limit=1000",
)
