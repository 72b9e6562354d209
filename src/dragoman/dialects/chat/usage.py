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
_EMPTY: JsonObject = {}


def read_usage(value: JsonObject) -> Usage:
    """The neutral counts, in which every total includes its parts."""
    get = value.get
    inputs, outputs = _part(get(_INPUT)), _part(get(_OUTPUT))
    prompt, completion, total = _count(get("prompt_tokens")) or 0, _count(get("completion_tokens")) or 0, _count(get("total_tokens"))
    reasoning = _count(outputs.get("reasoning_tokens"))
    cached, written = _count(inputs.get("cached_tokens")), _count(inputs.get("cache_write_tokens"))
    if cached is None:
        cached = _first(value, _CACHE_READ)
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
    # Loops, since three comprehensions take three times as long, and this is done for every answer.
    rest: JsonObject = {}
    for name in value:
        if name not in _KNOWN:
            rest[name] = value[name]
    for name, part, known in ((_INPUT, inputs, _KNOWN_INPUT), (_OUTPUT, outputs, _KNOWN_OUTPUT)):
        more: JsonObject = {}
        for key in part:
            if key not in known:
                more[key] = part[key]
        if more:
            rest[name] = more
    return {NAME: rest} if rest else None


def _part(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else _EMPTY  # pyright: ignore[reportUnknownVariableType]


def _count(count: Any) -> int | None:
    return count if type(count) is int else int(count) if isinstance(count, (int, float)) else None


def _first(value: JsonObject, names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in value and (count := _count(value[name])) is not None:
            return count
    return None
