"""Google's Gemini API (AI Studio). https://ai.google.dev/api/generate-content

Its OpenAI layer (https://ai.google.dev/gemini-api/docs/openai) is spoken where config chooses `dialect: chat`; it takes the same key,
and answers 400 `Unknown name "store"` to fields that it does not know, so nothing unusual is sent there.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="gemini",
    convention="gcp.gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    auth="x-goog-api-key",
    env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    dialects={"generate": None, "chat": "/openai/chat/completions"},
    families=("gemini-", "models/gemini-", "gemma-", "nano-banana", "text-embedding-00"),
    quirks=Quirks(max_tokens_field="max_tokens", store=None),
    capabilities={"chat": {"strict_tools": False, "parallel_tools": False}},
    base_url_env=("GOOGLE_GEMINI_BASE_URL", "GEMINI_BASE_URL"),
    prices="google",
    models_path="/models?pageSize=1000",
)
