"""Cohere, through its compatibility API. https://docs.cohere.com/docs/compatibility-api"""

from dragoman.profiles.contract import Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="cohere",
    base_url="https://api.cohere.ai/compatibility/v1",
    env=("COHERE_API_KEY", "CO_API_KEY"),
    dialects={"chat": None},
    families=("command-", "c4ai-"),
    quirks=COMMON,
    capabilities={"chat": {"choices": False, "audio": False, "files": False}},
    prices="cohere",
)
