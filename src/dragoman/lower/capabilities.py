"""What a deployment can take, as facts. Put together from profile, model family and config when the runtime is built."""

from __future__ import annotations

import msgspec


class Capabilities(msgspec.Struct, frozen=True):
    """Facts about one deployment in one dialect; `lower` rewrites a request until it needs no more than this.

    The defaults describe a plain OpenAI-compatible Chat server.
    """

    dialect: str = "chat"
    """The dialect that these facts hold in. Default: chat."""
    freeform_tools: bool = False
    """Takes custom tools with raw text. Default: false; they become functions with one string."""
    namespaces: bool = False
    """Takes namespace tools. Default: false; names are flattened."""
    tool_search: bool = False
    """Takes a client-run tool_search. Default: false; it becomes a function."""
    tools_added: bool = False
    """Takes `additional_tools` items. Default: false; their tools move to the head."""
    agent_messages: bool = False
    """Takes `agent_message` items, in which Codex's agents talk with each other. Default: false; they become user messages."""
    hosted_tools: frozenset[str] = frozenset()
    """Kinds of hosted tools that it runs itself in this dialect's form. Default: none; others are left out with a warning."""
    tools: bool = True
    """Takes tools at all. Default: true."""
    images: bool = True
    """Takes pictures. Default: true."""
    images_in_results: bool = False
    """Takes images inside tool results. Default: false; they follow in a user message."""
    media_speakers: frozenset[str] = frozenset({"user"})
    """Whose messages may hold pictures, documents and sound. Default: the user's; those of others follow in a user message."""
    files: bool = True
    """Takes documents. Default: true."""
    audio: bool = True
    """Takes sound. Default: true."""
    developer_role: bool = False
    """Knows the role developer. Default: false; such messages become system messages."""
    late_system: bool = True
    """Takes system (developer) messages after the first user message. Default: true."""
    efforts: tuple[str, ...] | None = None
    """Reasoning efforts it takes, weakest first; () = refuses every reasoning control; null = unknown, sent as asked."""
    reasoning_summary: bool = False
    """Takes a wish for a summary of its thoughts. Default: false."""
    reasoning_with_tools: bool = True
    """Takes an effort together with function tools. Default: true (false for gpt-5.4 and later on Chat)."""
    sampling: bool = True
    """Takes temperature and top_p. Default: true."""
    schema_output: bool = True
    """Takes a JSON schema for its answer. Default: true."""
    json_output: bool = True
    """Takes a wish for any JSON object as its answer. Default: true."""
    schema_with_tools: bool = True
    """Takes a schema or JSON mode while functions are offered. Default: true; else it is asked for JSON in words then."""
    parallel_tools: bool = True
    """Knows the parallel_tool_calls switch. Default: true."""
    strict_tools: bool = True
    """Knows the switch `strict` of tools. Default: true."""
    verbosity: bool = False
    """Takes a verbosity. Default: false."""
    metadata: bool = False
    """May be told client metadata, cache keys and end-user ids. Default: false."""
    cache_key: bool = False
    """Takes a prompt cache key. Default: false."""
    cache_marks: bool = False
    """Takes `cache_control` on content and tools in Chat, as OpenRouter and LiteLLM do. Default: false; Messages takes it in any case."""
    service_tier: bool = False
    """Takes a service tier. Default: false."""
    choices: bool = True
    """Takes a number of choices above one. Default: true."""
    max_output_tokens: int | None = None
    """The most tokens that it gives out. Default: null, unknown."""
    max_tokens_required: bool = False
    """Refuses a request that does not say how many tokens it may give out. Default: false."""
    forced_tools: bool = True
    """Takes a choice that forces a tool. Default: true; else it is asked in words."""
    forced_while_thinking: bool = True
    """Takes a choice that forces a tool while it thinks. Default: true; else it does not think then."""
    tool_name_chars: int = 64
    """The longest name of a tool. Default: 64."""
    proofs: frozenset[str] = frozenset()
    """Makers whose proofs it takes back (dialect names). Default: none."""
    proofs_of_key: bool = False
    """Takes back only what the same provider key proved. Default: false, but true in Responses; false is right there too where all keys
    are of one account."""
    proofs_of_model: bool = False
    """Takes back only what the very same model proved. Default: false; any model of the same provider."""
    thought_first: bool = False
    """While it thinks, an unfinished tool turn must begin with a proven thought. Default: false."""
    compaction: bool = False
    """Compacts a conversation into a sealed item of its own. Default: false; the gateway asks it for a summary and seals that."""
    prefill: bool = False
    """Goes on from the last word of an assistant's message that stands at the end, unless it thinks. Default: false."""
