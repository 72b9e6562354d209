"""Moonshot (Kimi). https://platform.moonshot.ai/docs/api/chat

A thinking model wants the thoughts of its tool turns back.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="moonshot",
    base_url="https://api.moonshot.ai/v1",
    env=("MOONSHOT_API_KEY",),
    dialects={"chat": None},
    families=("kimi-", "moonshot-"),
    quirks=Quirks(max_tokens_field="max_tokens", replay_reasoning=True, store=None),
    capabilities={"chat": {"strict_tools": False, "audio": False}},
    prices="moonshotai",
)
