"""Fireworks. https://docs.fireworks.ai/tools-sdks/openai-compatibility

Answers 400 `Extra inputs are not permitted` to fields that it does not know; its models are `accounts/fireworks/models/...`.
"""

from dragoman.profiles.contract import Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="fireworks",
    base_url="https://api.fireworks.ai/inference/v1",
    env=("FIREWORKS_API_KEY",),
    dialects={"chat": None},
    families=("accounts/fireworks/",),
    quirks=COMMON,
    prices="fireworks",
)
