"""Perplexity. https://docs.perplexity.ai/guides/chat-completions-guide

Its sonar models take no tools and want user and assistant in turns.
"""

from dragoman.profiles.contract import Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="perplexity",
    base_url="https://api.perplexity.ai",
    env=("PERPLEXITY_API_KEY",),
    dialects={"chat": None},
    families=("sonar",),
    quirks=COMMON,
    capabilities={"chat": {"tools": False, "late_system": False, "choices": False, "audio": False}},
    models_path=None,
)
