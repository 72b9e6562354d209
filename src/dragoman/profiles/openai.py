"""OpenAI's own API. https://developers.openai.com/api/reference"""

from dragoman.profiles.contract import EVERYTHING, Profile

RESPONSES: dict[str, object] = {
    "freeform_tools": True,
    "namespaces": True,
    "tool_search": True,
    "tools_added": True,
    "agent_messages": True,
    "hosted_tools": frozenset(
        {
            "web_search",
            "code_execution",
            "file_search",
            "image_generation",
            "mcp",
            "computer",
            "shell",
            "local_shell",
            "apply_patch",
            "programmatic_tool_calling",
        }
    ),
    "images_in_results": True,
    "developer_role": True,
    "reasoning_summary": True,
    "verbosity": True,
    "metadata": True,
    "cache_key": True,
    "service_tier": True,
    "tool_name_chars": 128,
    "proofs": frozenset({"responses"}),
    "compaction": True,
}
"""The Responses API as OpenAI documents it."""

CHAT: dict[str, object] = {
    "freeform_tools": True,
    "developer_role": True,
    "verbosity": True,
    "metadata": True,
    "cache_key": True,
    "service_tier": True,
}
"""Chat Completions as OpenAI documents it: custom tools, but no namespaces and no images in tool results."""

PROFILE = Profile(
    kind="openai",
    base_url="https://api.openai.com/v1",
    env=("OPENAI_API_KEY",),
    # Responses first: from gpt-5.4 on Chat refuses function tools together with reasoning.
    dialects={"responses": None, "chat": None},
    families=(
        "gpt-3",
        "gpt-4",
        "gpt-5",
        "gpt-6",
        "gpt-7",
        "gpt-8",
        "gpt-9",
        "gpt-audio",
        "gpt-daybreak",
        "gpt-image",
        "gpt-live",
        "gpt-realtime",
        "gpt-rosalind",
        "chatgpt-",
        "codex-",
        "computer-use",
        "davinci",
        "ft:gpt-",
        "o1",
        "o3",
        "o4",
        "omni-moderation",
        "text-embedding-3",
        "text-embedding-ada",
    ),
    relay=EVERYTHING,
    capabilities={"responses": RESPONSES, "chat": CHAT},
    metadata=True,
    base_url_env=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    prices="openai",
)
