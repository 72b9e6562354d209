"""Ollama on this machine. https://docs.ollama.com/openai"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import EVERYTHING, Profile

PROFILE = Profile(
    kind="ollama",
    base_url="http://localhost:11434/v1",
    dialects={"chat": None},
    when_chosen=("responses",),
    relay=EVERYTHING,
    quirks=Quirks(max_tokens_field="max_tokens", reasoning_field="reasoning", store=None),
    capabilities={"chat": {"choices": False, "files": False, "audio": False, "strict_tools": False}},
    key_optional=True,
)
