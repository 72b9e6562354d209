"""Token counts: the `usage` object of a response, and the searches that are billed beside it (`tool_usage`).

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.counts import count, total_of
from dragoman.dialects.remainder import JsonObject
from dragoman.dialects.responses.remainder import NAME
from dragoman.ir.usage import Usage

_TOP = frozenset({"input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details", "tool_usage"})


def read_usage(value: Any, tools: Any = None) -> Usage | None:
    """The counts, None if the object tells none. The API's totals include their parts, as ours do. tools: what the response says of its
    own tools' work, of which searches are billed; it stands beside the object and goes into no other."""
    if not isinstance(value, dict):
        return None
    # What is known is taken out of copies: then they hold the rest. This is done for every answer.
    rest: JsonObject = value.copy()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    take = rest.pop
    given, made = count(take("input_tokens", None)), count(take("output_tokens", None))
    total = count(take("total_tokens", None))
    if given is None and made is None:
        return None
    given, made = given or 0, made or 0
    put_in, put_out = _details(take("input_tokens_details", None)), _details(take("output_tokens_details", None))
    told, written = put_in.pop("cached_tokens", None), count(put_in.pop("cache_write_tokens", None))
    cached, reasoning = count(told), count(put_out.pop("reasoning_tokens", None))
    if cached is not None and cached > given:
        # xAI tells more than the whole for short prompts; its own clients get that as it came.
        put_in["cached_tokens"], cached = told, given
    if reasoning is not None and reasoning > made:
        made += reasoning  # left out of its whole, as some servers do in the API of chats
    if put_in:
        rest["input_tokens_details"] = put_in
    if put_out:
        rest["output_tokens_details"] = put_out
    if tools and _searched(tools):
        rest["tool_usage"] = tools
    return Usage(given, made, cached, written, reasoning, total_of(total, given + made), {NAME: rest} if rest else None)


def _searched(tools: Any) -> bool:
    searches = tools.get("web_search") if isinstance(tools, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return isinstance(searches, dict) and bool(count(searches.get("num_requests")))  # pyright: ignore[reportUnknownMemberType]


def write_usage(usage: Usage) -> JsonObject:
    """The `usage` object, always complete: clients refuse details without their counts."""
    kept: Any = (usage.extra or {}).get(NAME)
    rest: JsonObject = kept if isinstance(kept, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
            **rest.get("input_tokens_details", {}),
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0, **rest.get("output_tokens_details", {})},
        "total_tokens": usage.total,
        **{name: value for name, value in rest.items() if name not in _TOP},
    }


def _details(value: Any) -> JsonObject:
    return value.copy() if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
