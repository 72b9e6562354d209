"""DeepSeek. https://api-docs.deepseek.com

Demands that the thoughts of a tool turn come back as `reasoning_content` with its results.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import Profile

PROFILE = Profile(
    kind="deepseek",
    base_url="https://api.deepseek.com",
    env=("DEEPSEEK_API_KEY",),
    dialects={"chat": None},
    families=("deepseek-",),
    quirks=Quirks(max_tokens_field="max_tokens", replay_reasoning=True, store=None),
    capabilities={
        "chat": {"schema_output": False, "strict_tools": False, "images": False, "files": False, "audio": False, "choices": False}
    },
    prices="deepseek",
)
