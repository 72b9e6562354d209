"""Token counts: `usage` as OpenAI documents it and as the compatible servers vary it.

https://platform.openai.com/docs/api-reference/chat/object (usage)
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.chat.remainder import NAME, JsonObject
from dragoman.ir.usage import Usage

_INPUT = "prompt_tokens_details"
_OUTPUT = "completion_tokens_details"

# Where servers put the count of input tokens that came from a cache, besides prompt_tokens_details.cached_tokens:
# DeepSeek, Mistral, Moonshot, routers in front of Anthropic.
_CACHE_READ = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens", "cache_read_input_tokens")
_CACHE_WRITE = ("cache_creation_input_tokens",)

_KNOWN = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", _INPUT, _OUTPUT})
_KNOWN_INPUT = frozenset({"cached_tokens", "cache_write_tokens"})
_KNOWN_OUTPUT = frozenset({"reasoning_tokens"})


def read_usage(value: JsonObject) -> Usage:
    """The neutral counts, in which every total includes its parts."""
    inputs, outputs = _part(value, _INPUT), _part(value, _OUTPUT)
    prompt, completion = _count(value, "prompt_tokens") or 0, _count(value, "completion_tokens") or 0
    total, reasoning = _count(value, "total_tokens"), _count(outputs, "reasoning_tokens")
    cached = _first(inputs, ("cached_tokens",))
    cached = _first(value, _CACHE_READ) if cached is None else cached
    written = _first(inputs, ("cache_write_tokens",))
    missing = (total or 0) - prompt - completion
    if missing > 0 and (missing == reasoning or (reasoning is None and cached is None)):
        # xAI leaves the reasoning out of completion_tokens; Gemini's compatible API leaves it out of everything but the total.
        completion += missing
        reasoning = missing
    elif reasoning is not None and reasoning > completion:
        # Vercel's gateway leaves the reasoning out of both for some providers.
        completion += reasoning
        total = None
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cache_read_tokens=cached,
        cache_write_tokens=_first(value, _CACHE_WRITE) if written is None else written,
        reasoning_tokens=reasoning,
        total_tokens=total,
        extra=_rest(value, inputs, outputs),
    )


def write_usage(usage: Usage) -> JsonObject:
    """The counts on the wire."""
    rest: Any = (usage.extra or {}).get(NAME) or {}
    body: JsonObject = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total,
        **rest,
    }
    inputs = {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens}
    for name, counts in ((_INPUT, inputs), (_OUTPUT, {"reasoning_tokens": usage.reasoning_tokens})):
        told = {key: count for key, count in counts.items() if count is not None}
        if told:
            body[name] = {**told, **rest.get(name, {})}
    return body


def _rest(value: JsonObject, inputs: JsonObject, outputs: JsonObject) -> dict[str, object] | None:
    rest = {name: count for name, count in value.items() if name not in _KNOWN}
    for name, part, known in ((_INPUT, inputs, _KNOWN_INPUT), (_OUTPUT, outputs, _KNOWN_OUTPUT)):
        more = {key: count for key, count in part.items() if key not in known}
        if more:
            rest[name] = more
    return {NAME: rest} if rest else None


def _part(value: JsonObject, name: str) -> JsonObject:
    part = value.get(name)
    return part if isinstance(part, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _count(value: JsonObject, name: str) -> int | None:
    count = value.get(name)
    return int(count) if isinstance(count, (int, float)) else None


def _first(value: JsonObject, names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := _count(value, name)) is not None), None)
