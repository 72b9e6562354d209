"""Works out, from what a deployment can take, what a body may not hold if it is to be relayed there."""

from __future__ import annotations

import re

from dragoman.core.foreign import Foreign
from dragoman.dialects.contract import Quirks
from dragoman.ir.seal import MARK
from dragoman.lower.capabilities import Capabilities

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TALK: tuple[str, ...] = ("input", "messages", "contents")
"""The fields that hold the conversation, in whichever dialect."""
_KEYS: dict[str, tuple[str, ...]] = {
    "sampling": ("temperature", "top_p", "top_k"),
    "parallel_tools": ("parallel_tool_calls",),
    "verbosity": ("verbosity",),
    "cache_key": ("prompt_cache_key",),
    "service_tier": ("service_tier",),
    "reasoning_with_tools": ("reasoning_effort",),
}
"""Capability -> top-level fields that need it."""
_WITHIN: dict[str, dict[str, tuple[str, ...]]] = {
    "freeform_tools": {"tools": ("custom",), "input": ("custom_tool_call", "custom"), "messages": ("custom",)},
    "namespaces": {"tools": ("namespace",), "input": ("namespace",)},
    "tool_search": {"tools": ("tool_search",), "input": ("tool_search", "tool_search_call")},
    "tools_added": {"input": ("additional_tools",)},
    "agent_messages": {"input": ("agent_message",)},
    "developer_role": dict.fromkeys(_TALK, ("developer",)),
    "images_in_results": {"input": ("input_image",)},
    "schema_output": {"text": ("json_schema",), "response_format": ("json_schema",)},
    "json_output": {"text": ("json_object",), "response_format": ("json_object",)},
    "verbosity": {"text": ("verbosity",)},
    "compaction": {"input": ("compaction_trigger", "compaction")},
}
"""Capability -> field -> words of the wire that need it there, in their quotes."""


def foreign_to(capabilities: Capabilities, quirks: Quirks) -> Foreign:
    """What this target does not take: fields, words within them, and seals of ours, which it could not open."""
    lacking = {name for name in (*_KEYS, *_WITHIN) if not getattr(capabilities, name)}
    keys = {key for name in lacking & _KEYS.keys() for key in _KEYS[name]}
    if quirks.max_tokens_field == "max_tokens":
        keys.add("max_completion_tokens")
    words: dict[str, list[str]] = {}
    for name in sorted(lacking & _WITHIN.keys()):
        for field, tags in _WITHIN[name].items():
            words.setdefault(field, []).extend(f'{re.escape(tag)}"' for tag in tags)
    if "web_search" not in capabilities.hosted_tools:
        words.setdefault("tools", []).append('web_search"')
    if capabilities.agent_messages:
        # Plain words where ciphertext belongs, which the API would refuse: see dialects.responses.agent_message.
        words.setdefault("input", []).append(r'encrypted_content"\s*:\s*"(?![\w+/=.-]{64})')
    patterns = {field: re.compile(('"(?:' + "|".join(found) + ")").encode()) for field, found in words.items()}
    _add_efforts(capabilities.efforts, keys, patterns)
    # Stands in a seal, and in the id of a thought whose seal was left out.
    return Foreign(frozenset(keys), MARK.encode(), patterns)


def _add_efforts(efforts: tuple[str, ...] | None, keys: set[str], patterns: dict[str, re.Pattern[bytes]]) -> None:
    if efforts is None:
        return
    if not efforts:
        keys |= {"reasoning", "reasoning_effort"}
    refused = "|".join(effort for effort in _EFFORTS if effort not in efforts)
    if efforts and refused:
        patterns["reasoning"] = re.compile(rf'"effort"\s*:\s*"(?:{refused})"'.encode())
        patterns["reasoning_effort"] = re.compile(f'"(?:{refused})"'.encode())
