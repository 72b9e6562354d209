"""Together. https://docs.together.ai/docs/openai-api-compatibility"""

from dragoman.profiles.contract import EVERYTHING, Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="together",
    base_url="https://api.together.xyz/v1",
    env=("TOGETHER_API_KEY",),
    dialects={"chat": None},
    relay=EVERYTHING,
    quirks=COMMON,
    prices="together",
)
