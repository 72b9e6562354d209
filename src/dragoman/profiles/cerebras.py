"""Cerebras. https://inference-docs.cerebras.ai/resources/openai"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="cerebras",
    base_url="https://api.cerebras.ai/v1",
    env=("CEREBRAS_API_KEY",),
    dialects={"chat": None},
    quirks=Quirks(reasoning_field="reasoning", store=None),
    capabilities={"chat": {"choices": False, "images": False, "files": False, "audio": False}},
    prices="cerebras",
)
