"""The built-in stand-in: answers every model name by a script, offline, so that all can be tried without any key."""

from dragoman.profiles.contract import EVERYTHING, Profile
from dragoman.profiles.openai import CHAT, RESPONSES

PROFILE = Profile(
    kind="demo",
    auth="none",
    dialects={"responses": None, "chat": None},
    relay=EVERYTHING,
    capabilities={"responses": RESPONSES, "chat": CHAT},
    key_optional=True,
    builtin=True,
    models_path=None,
)
