"""Token counts: the `usage` object of a response. https://platform.openai.com/docs/api-reference/responses/object"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.responses.remainder import NAME, JsonObject
from dragoman.ir.usage import Usage

_TOP = frozenset({"input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"})


def read_usage(value: Any) -> Usage | None:
    """The counts, None if the object tells none. The API's totals include their parts, as ours do."""
    if not isinstance(value, dict):
        return None
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    if _count(came, "input_tokens") is None and _count(came, "output_tokens") is None:
        return None
    put_in, put_out = _details(came, "input_tokens_details"), _details(came, "output_tokens_details")
    return Usage(
        input_tokens=_count(came, "input_tokens") or 0,
        output_tokens=_count(came, "output_tokens") or 0,
        cache_read_tokens=_count(put_in, "cached_tokens"),
        cache_write_tokens=_count(put_in, "cache_write_tokens"),
        reasoning_tokens=_count(put_out, "reasoning_tokens"),
        total_tokens=_count(came, "total_tokens"),
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
    rest: JsonObject = {name: value for name, value in came.items() if name not in _TOP}
    more_in = {name: value for name, value in put_in.items() if name not in ("cached_tokens", "cache_write_tokens")}
    more_out = {name: value for name, value in put_out.items() if name != "reasoning_tokens"}
    if more_in:
        rest["input_tokens_details"] = more_in
    if more_out:
        rest["output_tokens_details"] = more_out
    return {NAME: rest} if rest else None


def _details(came: JsonObject, name: str) -> JsonObject:
    value = came.get(name)
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _count(came: JsonObject, name: str) -> int | None:
    value = came.get(name)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
