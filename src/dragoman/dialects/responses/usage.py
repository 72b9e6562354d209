"""Token counts: the `usage` object of a response. https://platform.openai.com/docs/api-reference/responses/object"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.responses.remainder import NAME, JsonObject
from dragoman.ir.usage import Usage

_TOP = frozenset({"input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"})
_IN, _OUT = frozenset({"cached_tokens", "cache_write_tokens"}), frozenset({"reasoning_tokens"})
_EMPTY: JsonObject = {}


def read_usage(value: Any) -> Usage | None:
    """The counts, None if the object tells none. The API's totals include their parts, as ours do."""
    if not isinstance(value, dict):
        return None
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    given, made = _count(came.get("input_tokens")), _count(came.get("output_tokens"))
    if given is None and made is None:
        return None
    put_in, put_out = _details(came.get("input_tokens_details")), _details(came.get("output_tokens_details"))
    return Usage(
        input_tokens=given or 0,
        output_tokens=made or 0,
        cache_read_tokens=_count(put_in.get("cached_tokens")),
        cache_write_tokens=_count(put_in.get("cache_write_tokens")),
        reasoning_tokens=_count(put_out.get("reasoning_tokens")),
        total_tokens=_count(came.get("total_tokens")),
        extra=_rest(came, put_in, put_out),
    )


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


def _rest(came: JsonObject, put_in: JsonObject, put_out: JsonObject) -> dict[str, object] | None:
    # Loops, since three comprehensions take three times as long, and this is done for every answer.
    rest: JsonObject = {}
    for name in came:
        if name not in _TOP:
            rest[name] = came[name]
    for name, part, known in (("input_tokens_details", put_in, _IN), ("output_tokens_details", put_out, _OUT)):
        more: JsonObject = {}
        for key in part:
            if key not in known:
                more[key] = part[key]
        if more:
            rest[name] = more
    return {NAME: rest} if rest else None


def _details(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else _EMPTY  # pyright: ignore[reportUnknownVariableType]


def _count(value: Any) -> int | None:
    if type(value) is int:
        return value
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
