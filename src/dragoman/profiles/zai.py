"""Z.ai (GLM). https://docs.z.ai/api-reference/llm/chat-completion

A thinking model wants the thoughts of its tool turns back.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="zai",
    base_url="https://api.z.ai/api/paas/v4",
    env=("ZAI_API_KEY", "ZHIPUAI_API_KEY"),
    dialects={"chat": None},
    families=("glm-",),
    quirks=Quirks(max_tokens_field="max_tokens", replay_reasoning=True, store=None),
    capabilities={"chat": {"strict_tools": False, "schema_output": False, "audio": False, "choices": False}},
    prices="zai",
)
