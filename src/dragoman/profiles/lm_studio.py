"""LM Studio. https://lmstudio.ai/docs/developer/openai-compat"""

from dragoman.profiles.contract import EVERYTHING, Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="lm-studio",
    base_url="http://localhost:1234/v1",
    dialects={"chat": None},
    relay=EVERYTHING,
    quirks=COMMON,
    # It refuses json_object and takes json_schema only.
    capabilities={"chat": {"json_output": False}},
    key_optional=True,
)
