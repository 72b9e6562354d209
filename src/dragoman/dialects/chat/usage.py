"""Token counts: `usage` as OpenAI documents it and as the compatible servers vary it.

https://platform.openai.com/docs/api-reference/chat/object (usage)
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.counts import count, total_of
from dragoman.dialects.remainder import JsonObject, object_or_empty
from dragoman.ir.usage import Usage

_INPUT = "prompt_tokens_details"
_OUTPUT = "completion_tokens_details"
_REASONING = "reasoning_tokens"

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
    total = count(take("total_tokens", None))
    prompt, completion = _both(count(take("prompt_tokens", None)), count(take("completion_tokens", None)), total)
    reasoning = count(outputs.pop(_REASONING, None))
    if reasoning is None and _REASONING in rest:
        reasoning = count(rest[_REASONING])  # Together tells it beside the others
    told, written = inputs.pop("cached_tokens", None), count(inputs.pop("cache_write_tokens", None))
    cached = count(told)
    if cached is None:
        cached = _first(value, _CACHE_READ)
    elif cached > prompt:
        # xAI tells more than the whole for short prompts; its own clients get that as it came.
        inputs["cached_tokens"] = told
    if cached is not None and cached > prompt:
        cached = prompt
    missing = 0 if total is None or not prompt else total - prompt - completion
    if missing > 0 and (missing == reasoning or (reasoning is None and cached is None)):
        # xAI leaves the reasoning out of completion_tokens; Gemini's compatible API leaves it out of everything but the total.
        completion += missing
        reasoning = missing
    elif reasoning is not None and reasoning > completion:
        # Vercel's gateway leaves the reasoning out of both for some providers.
        completion += reasoning
    if inputs:
        rest[_INPUT] = inputs
    if outputs:
        rest[_OUTPUT] = outputs
    if written is None:
        written = count(rest.get(_CACHE_WRITE))
    return Usage(prompt, completion, cached, written, reasoning, total_of(total, prompt + completion), {NAME: rest} if rest else None)


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
    for name, counts in ((_INPUT, inputs), (_OUTPUT, {_REASONING: usage.reasoning_tokens})):
        told = {key: count for key, count in counts.items() if count is not None}
        if told:
            body[name] = {**told, **rest.get(name, {})}
    return body


def _part(value: Any) -> JsonObject:
    return value.copy() if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _both(prompt: int | None, completion: int | None, total: int | None) -> tuple[int, int]:
    """Input and output; one that is not told is what the other leaves of the total."""
    if prompt is None and completion is not None and total is not None:
        prompt = max(total - completion, 0)
    elif completion is None and prompt is not None and total is not None:
        completion = max(total - prompt, 0)
    return prompt or 0, completion or 0


def _first(value: JsonObject, names: tuple[str, ...]) -> int | None:
    return next((found for name in names if name in value and (found := count(value[name])) is not None), None)
