"""Any server that speaks Chat Completions as most do: config says where it is, and can override every line here."""

from dragoman.dialects.contract import Quirks
from dragoman.profiles.contract import EVERYTHING, Profile

COMMON = Quirks(max_tokens_field="max_tokens", store=None)
"""What compatible servers share: they know `max_tokens`, and many refuse the field `store`."""

PROFILE = Profile(
    kind="openai-compatible",
    dialects={"chat": None},
    when_chosen=("responses",),
    relay=EVERYTHING,
    quirks=COMMON,
    key_optional=True,
)
