"""Google's Gemini API (AI Studio), through its OpenAI layer. https://ai.google.dev/gemini-api/docs/openai

That layer answers 400 `Unknown name "store"` to fields that it does not know, so nothing unusual is sent.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    dialects={"chat": None},
    families=("gemini-", "models/gemini-", "gemma-", "nano-banana", "text-embedding-00"),
    quirks=Quirks(max_tokens_field="max_tokens", store=None),
    capabilities={"chat": {"strict_tools": False, "parallel_tools": False}},
    base_url_env=("GOOGLE_GEMINI_BASE_URL", "GEMINI_BASE_URL"),
    prices="google",
)
