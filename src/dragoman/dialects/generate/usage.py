"""Token counts: `usageMetadata`. Thoughts stand beside the candidates' tokens and tool prompts beside the prompt's; the neutral
counts include them. https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.counts import count, total_of
from dragoman.dialects.generate.remainder import NAME
from dragoman.dialects.generate.searches import SEARCHES
from dragoman.dialects.remainder import JsonObject
from dragoman.ir.usage import Usage

_PROMPT, _OUTPUT, _THOUGHTS = "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"
_TOOLS, _CACHED, _TOTAL = "toolUsePromptTokenCount", "cachedContentTokenCount", "totalTokenCount"
_KNOWN = frozenset({_PROMPT, _OUTPUT, _THOUGHTS, _CACHED, _TOTAL})
_TELLING = (_PROMPT, _OUTPUT, _THOUGHTS, _TOTAL)


def tells_counts(value: Any) -> bool:
    """Whether a `usageMetadata` tells how many tokens there were: some chunks have one that says other things, or nothing."""
    return isinstance(value, dict) and any(count(value.get(name)) is not None for name in _TELLING)  # pyright: ignore[reportUnknownMemberType]


def read_usage(value: JsonObject) -> Usage:
    """The neutral counts, in which every total includes its parts."""
    thoughts, cached = count(value.get(_THOUGHTS)), count(value.get(_CACHED))
    given = (count(value.get(_PROMPT)) or 0) + (count(value.get(_TOOLS)) or 0)
    made = (count(value.get(_OUTPUT)) or 0) + (thoughts or 0)
    rest = {name: told for name, told in value.items() if name not in _KNOWN}
    if cached is not None and cached > given:
        rest[_CACHED], cached = cached, given
    return Usage(
        input_tokens=given,
        output_tokens=made,
        cache_read_tokens=cached,
        reasoning_tokens=thoughts,
        total_tokens=total_of(value.get(_TOTAL), given + made),
        extra={NAME: rest} if rest else None,
    )


def write_usage(usage: Usage) -> JsonObject:
    """The counts on the wire. One that is zero is left out where the API does so."""
    told: Any = (usage.extra or {}).get(NAME) or {}
    rest = {name: value for name, value in told.items() if name != SEARCHES}
    thoughts = usage.reasoning_tokens or 0
    counts = {
        _PROMPT: usage.input_tokens - (count(rest.get(_TOOLS)) or 0),
        _OUTPUT: max(usage.output_tokens - thoughts, 0),
        _CACHED: usage.cache_read_tokens or 0,
        _THOUGHTS: thoughts,
    }
    return {**{name: told for name, told in counts.items() if told}, _TOTAL: usage.total, **rest}
