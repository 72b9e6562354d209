"""NVIDIA NIM. https://docs.api.nvidia.com/nim/reference/llm-apis"""

from dragoman.profiles.contract import Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="nvidia",
    base_url="https://integrate.api.nvidia.com/v1",
    env=("NVIDIA_API_KEY",),
    dialects={"chat": None},
    families=("nvidia/",),
    quirks=COMMON,
)
