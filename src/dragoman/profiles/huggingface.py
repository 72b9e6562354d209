"""Hugging Face's router: `model` or `model:provider`. https://huggingface.co/docs/inference-providers

Its token is not looked for in the environment: `HF_TOKEN` is there on many machines for downloads alone.
"""

from dragoman.profiles.contract import Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="huggingface",
    base_url="https://router.huggingface.co/v1",
    dialects={"chat": None},
    quirks=COMMON,
)
