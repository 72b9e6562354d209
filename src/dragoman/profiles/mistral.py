"""Mistral. https://docs.mistral.ai/api

Refuses fields that it does not know with 422, and tells usage on the last content chunk without being asked.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="mistral",
    convention="mistral_ai",
    base_url="https://api.mistral.ai/v1",
    env=("MISTRAL_API_KEY",),
    dialects={"chat": None},
    families=("mistral-", "ministral-", "magistral-", "codestral-", "devstral", "pixtral-", "open-mistral-", "open-mixtral-"),
    quirks=Quirks(max_tokens_field="max_tokens", stream_usage=False, store=None),
    capabilities={"chat": {"strict_tools": False}},
    prices="mistral",
)
