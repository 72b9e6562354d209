"""Groq. https://console.groq.com/docs/openai"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="groq",
    base_url="https://api.groq.com/openai/v1",
    env=("GROQ_API_KEY",),
    dialects={"chat": None},
    quirks=Quirks(reasoning_field="reasoning", store=None),
    # n other than 1 is a 400, logprobs and logit_bias too.
    capabilities={"chat": {"choices": False, "audio": False, "files": False}},
    prices="groq",
)
