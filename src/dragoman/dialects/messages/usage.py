"""Token counts. Anthropic's `input_tokens` leaves out what was read from and written to the cache; ours includes it.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.counts import count
from dragoman.dialects.messages.remainder import NAME
from dragoman.dialects.remainder import JsonObject, object_or_empty
from dragoman.ir.usage import Usage

_READ, _WRITTEN, _DETAILS = "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens_details"
_KNOWN = frozenset({"input_tokens", "output_tokens", _READ, _WRITTEN})


def read_usage(value: JsonObject) -> Usage:
    """The neutral counts of a (merged) `usage` object."""
    read, written = count(value.get(_READ)), count(value.get(_WRITTEN))
    made, thought = count(value.get("output_tokens")) or 0, count(object_or_empty(value.get(_DETAILS)).get("thinking_tokens"))
    rest = {name: said for name, said in value.items() if name not in _KNOWN}
    return Usage(
        input_tokens=(count(value.get("input_tokens")) or 0) + (read or 0) + (written or 0),
        output_tokens=made,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=None if thought is None else min(thought, made),
        extra={NAME: rest} if rest else None,
    )


def merged(before: JsonObject, now: Any) -> JsonObject:
    """Counts so far: a later one replaces an earlier one (they are cumulative), what is not told again stays."""
    told = object_or_empty(now)
    return {**before, **{name: value for name, value in told.items() if name not in before or _says(name, value)}}


def write_usage(usage: Usage | None) -> JsonObject:
    """The `usage` object."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    if read + written > usage.input_tokens:
        written = 0  # written and read at once (OpenRouter's Gemini): here the three counts make up the whole
    rest = object_or_empty((usage.extra or {}).get(NAME))
    said: JsonObject = {
        "input_tokens": max(0, usage.input_tokens - read - written),
        _WRITTEN: written,
        _READ: read,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens is not None and _DETAILS not in rest:
        said[_DETAILS] = {"thinking_tokens": usage.reasoning_tokens}
    return {**said, **rest}


def _says(name: str, value: Any) -> bool:
    return value is not None and (name not in _KNOWN or count(value) is not None)
