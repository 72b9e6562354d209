"""vLLM. https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html

Tools need `--enable-auto-tool-choice` and a `--tool-call-parser`, thoughts a `--reasoning-parser`.
"""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import EVERYTHING, Profile

PROFILE = Profile(
    kind="vllm",
    base_url="http://localhost:8000/v1",
    dialects={"chat": None},
    when_chosen=("responses",),
    relay=EVERYTHING,
    quirks=Quirks(max_tokens_field="max_tokens", reasoning_field="reasoning", store=None),
    key_optional=True,
)
