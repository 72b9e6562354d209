"""Token counts: `usage` as OpenAI documents it and as the compatible servers vary it.

https://platform.openai.com/docs/api-reference/chat/object (usage)
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.remainder import JsonObject, object_or_empty
from dragoman.ir.usage import Usage

_INPUT = "prompt_tokens_details"
_OUTPUT = "completion_tokens_details"

# Where servers put the count of input tokens that came from a cache, besides prompt_tokens_details.cached_tokens:
# DeepSeek, Mistral, Moonshot, routers in front of Anthropic.
_CACHE_READ = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens", "cache_read_input_tokens")
_CACHE_WRITE = "cache_creation_input_tokens"


def told_usage(chunk: JsonObject) -> JsonObject | None:
    """The counts that a completion or a chunk tells, wherever its server puts them; Groq streams them in a field of its own."""
    told: Any = chunk.get("usage") or (object_or_empty(chunk["x_groq"]).get("usage") if "x_groq" in chunk else None)
    return told if isinstance(told, dict) and told else None  # pyright: ignore[reportUnknownVariableType]


def read_usage(value: JsonObject) -> Usage:
    """The neutral counts, in which every total includes its parts."""
    # What is known is taken out of copies: then they hold the rest. This is done for every answer.
    rest = value.copy()
    take = rest.pop
    inputs, outputs = _part(take(_INPUT, None)), _part(take(_OUTPUT, None))
    prompt, completion, total = take("prompt_tokens", 0), take("completion_tokens", 0), take("total_tokens", None)
    reasoning = outputs.pop("reasoning_tokens", None)
    cached, written = inputs.pop("cached_tokens", None), inputs.pop("cache_write_tokens", None)
    if not (type(prompt) is type(completion) is type(total) is int):
        prompt, completion, total = _count(prompt) or 0, _count(completion) or 0, _count(total)
    if reasoning is not None and type(reasoning) is not int:
        reasoning = _count(reasoning)
    if type(cached) is not int:
        cached = _count(cached)
        cached = _first(value, _CACHE_READ) if cached is None else cached
    elif cached > prompt >= 0:
        # xAI tells more than the whole for short prompts; its own clients get that as it came.
        inputs["cached_tokens"] = cached
    if cached is not None and cached > prompt:
        cached = prompt
    missing = (total or 0) - prompt - completion
    if missing > 0 and (missing == reasoning or (reasoning is None and cached is None)):
        # xAI leaves the reasoning out of completion_tokens; Gemini's compatible API leaves it out of everything but the total.
        completion += missing
        reasoning = missing
    elif reasoning is not None and reasoning > completion:
        # Vercel's gateway leaves the reasoning out of both for some providers.
        completion += reasoning
        total = None
    if inputs:
        rest[_INPUT] = inputs
    if outputs:
        rest[_OUTPUT] = outputs
    if type(written) is not int:
        written = _count(rest.get(_CACHE_WRITE) if written is None else written)
    return Usage(prompt, completion, cached, written, reasoning, total, {NAME: rest} if rest else None)


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


def _part(value: Any) -> JsonObject:
    return value.copy() if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _count(count: Any) -> int | None:
    return count if type(count) is int else int(count) if isinstance(count, (int, float)) else None


def _first(value: JsonObject, names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in value and (count := _count(value[name])) is not None:
            return count
    return None
