"""What a deployment can take, as facts. Put together from profile, model family and config when the runtime is built."""

from __future__ import annotations

import msgspec


class Capabilities(msgspec.Struct, frozen=True):
    """Facts about one deployment in one dialect; `lower` rewrites a request until it needs no more than this.

    The defaults describe a plain OpenAI-compatible Chat server.
    """

    dialect: str = "chat"
    freeform_tools: bool = False
    """Takes custom tools with raw text. Default: false; they become functions with one string."""
    namespaces: bool = False
    """Takes namespace tools. Default: false; names are flattened."""
    tool_search: bool = False
    """Takes a client-run tool_search. Default: false; it becomes a function."""
    tools_added: bool = False
    """Takes `additional_tools` items. Default: false; their tools move to the head."""
    hosted_tools: frozenset[str] = frozenset()
    """Kinds of hosted tools that it runs itself in this dialect's form. Default: none; others are left out with a warning."""
    tools: bool = True
    images: bool = True
    images_in_results: bool = False
    """Takes images inside tool results. Default: false; they follow in a user message."""
    files: bool = True
    audio: bool = True
    developer_role: bool = False
    """Knows the role developer. Default: false; such messages become system messages."""
    late_system: bool = True
    """Takes system (developer) messages after the first user message. Default: true."""
    efforts: tuple[str, ...] | None = None
    """Reasoning efforts it takes, weakest first; () = refuses every reasoning control; null = unknown, sent as asked."""
    reasoning_summary: bool = False
    reasoning_with_tools: bool = True
    """Takes an effort together with function tools. Default: true (false for gpt-5.4 and later on Chat)."""
    sampling: bool = True
    """Takes temperature and top_p. Default: true."""
    schema_output: bool = True
    json_output: bool = True
    parallel_tools: bool = True
    """Knows the parallel_tool_calls switch. Default: true."""
    strict_tools: bool = True
    verbosity: bool = False
    metadata: bool = False
    """May be told client metadata, cache keys and end-user ids. Default: false."""
    cache_key: bool = False
    service_tier: bool = False
    choices: bool = True
    max_output_tokens: int | None = None
    tool_name_chars: int = 64
    proofs: frozenset[str] = frozenset()
    """Makers whose proofs it takes back (dialect names). Default: none."""
