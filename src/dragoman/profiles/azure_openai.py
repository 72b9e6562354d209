"""OpenAI's models on Azure; config says the resource: `https://NAME.openai.azure.com/openai/v1`.

https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
"""

from dragoman.profiles.contract import EVERYTHING, Profile
from dragoman.profiles.openai import CHAT, RESPONSES

PROFILE = Profile(
    kind="azure-openai",
    convention="azure.ai.openai",
    auth="api-key",
    dialects={"responses": None, "chat": None},
    families=("gpt-4", "gpt-5", "gpt-6", "o1", "o3", "o4"),
    relay=EVERYTHING,
    capabilities={"responses": RESPONSES, "chat": CHAT},
    prices="azure",
    models_path=None,
)
