"""Token counts: `usageMetadata`. Thoughts stand beside the candidates' tokens and tool prompts beside the prompt's; the neutral
counts include them. https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.generate.remainder import NAME
from dragoman.dialects.remainder import JsonObject
from dragoman.ir.usage import Usage

_PROMPT, _OUTPUT, _THOUGHTS = "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"
_TOOLS, _CACHED, _TOTAL = "toolUsePromptTokenCount", "cachedContentTokenCount", "totalTokenCount"
_KNOWN = frozenset({_PROMPT, _OUTPUT, _THOUGHTS, _CACHED, _TOTAL})


def read_usage(value: JsonObject) -> Usage:
    """The neutral counts, in which every total includes its parts."""
    thoughts = _count(value, _THOUGHTS)
    rest = {name: count for name, count in value.items() if name not in _KNOWN}
    return Usage(
        input_tokens=(_count(value, _PROMPT) or 0) + (_count(value, _TOOLS) or 0),
        output_tokens=(_count(value, _OUTPUT) or 0) + (thoughts or 0),
        cache_read_tokens=_count(value, _CACHED),
        reasoning_tokens=thoughts,
        total_tokens=_count(value, _TOTAL),
        extra={NAME: rest} if rest else None,
    )


def write_usage(usage: Usage) -> JsonObject:
    """The counts on the wire. One that is zero is left out where the API does so."""
    rest: Any = (usage.extra or {}).get(NAME) or {}
    thoughts = usage.reasoning_tokens or 0
    counts = {
        _PROMPT: usage.input_tokens - (_count(rest, _TOOLS) or 0),
        _OUTPUT: max(usage.output_tokens - thoughts, 0),
        _CACHED: usage.cache_read_tokens or 0,
        _THOUGHTS: thoughts,
    }
    return {**{name: count for name, count in counts.items() if count}, _TOTAL: usage.total, **rest}


def _count(value: JsonObject, name: str) -> int | None:
    count = value.get(name)
    return int(count) if isinstance(count, (int, float)) and not isinstance(count, bool) else None
