"""Anthropic, through its OpenAI-compatible Chat endpoint. https://platform.claude.com/docs/en/api/openai-sdk

That endpoint hoists system messages, ignores `response_format`, `strict` and `reasoning_effort`, and takes one choice only.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="anthropic",
    base_url="https://api.anthropic.com/v1",
    env=("ANTHROPIC_API_KEY",),
    dialects={"chat": None},
    families=("claude-",),
    quirks=Quirks(max_tokens_field="max_tokens", store=None),
    capabilities={
        "chat": {
            "late_system": False,
            "audio": False,
            "schema_output": False,
            "json_output": False,
            "strict_tools": False,
            "choices": False,
        }
    },
    base_url_env=("ANTHROPIC_BASE_URL",),
    version_mark="-",
    prices="anthropic",
)
