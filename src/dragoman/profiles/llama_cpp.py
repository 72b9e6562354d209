"""llama.cpp's server. https://github.com/ggml-org/llama.cpp/tree/master/tools/server

Tools need `--jinja`. Its own port is 8080, which is the gateway's too: one of them must move.
"""

from dragoman.profiles.contract import EVERYTHING, Profile
from dragoman.profiles.openai_compatible import COMMON

PROFILE = Profile(
    kind="llama-cpp",
    base_url="http://localhost:8080/v1",
    dialects={"chat": None},
    when_chosen=("responses",),
    relay=EVERYTHING,
    quirks=COMMON,
    key_optional=True,
)
