"""xAI. https://docs.x.ai/docs/api-reference

Chat is its legacy API; on Responses its models seal their thoughts as OpenAI's do.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import EVERYTHING, Profile

PROFILE = Profile(
    kind="xai",
    convention="x_ai",
    base_url="https://api.x.ai/v1",
    env=("XAI_API_KEY",),
    dialects={"responses": None, "chat": None},
    families=("grok-",),
    relay=EVERYTHING,
    quirks=Quirks(store=False),
    capabilities={"responses": {"reasoning_summary": True, "hosted_tools": frozenset({"web_search"}), "proofs": frozenset({"responses"})}},
    prices="x-ai",
)
