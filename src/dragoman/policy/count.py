"""What of a reply is billed, counted by unit: the neutral usage, and what only one API tells beside it (sound, pictures, searches).

https://platform.claude.com/docs/en/api/messages (usage), https://platform.openai.com/docs/api-reference/chat/object (usage),
https://platform.openai.com/docs/api-reference/responses/object (usage, tool_usage),
https://ai.google.dev/api/generate-content#UsageMetadata, https://openrouter.ai/docs/use-cases/usage-accounting,
https://docs.x.ai/docs/guides/cost-tracking
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from dragoman.dialects.generate.searches import SEARCHES
from dragoman.ir.usage import Usage
from dragoman.policy.rates import Terms, Unit

_TICK = Decimal("1e-10")
"""Dollars in the ticks of `cost_in_usd_ticks`."""
_Path = tuple[str, ...]
_BESIDE: tuple[tuple[Unit, _Path], ...] = (
    (Unit.CACHE_WRITE_1H, ("cache_creation", "ephemeral_1h_input_tokens")),
    (Unit.WEB_SEARCH, ("server_tool_use", "web_search_requests")),
    (Unit.WEB_SEARCH, ("tool_usage", "web_search", "num_requests")),
    (Unit.WEB_SEARCH, (SEARCHES, "web")),
    (Unit.SEARCHED_REQUEST, (SEARCHES, "requests")),
    (Unit.MAPS, (SEARCHES, "maps")),
    (Unit.INPUT_AUDIO, ("prompt_tokens_details", "audio_tokens")),
    (Unit.INPUT_AUDIO, ("input_tokens_details", "audio_tokens")),
    (Unit.INPUT_IMAGE, ("prompt_tokens_details", "image_tokens")),
    (Unit.INPUT_IMAGE, ("input_tokens_details", "image_tokens")),
    (Unit.OUTPUT_AUDIO, ("completion_tokens_details", "audio_tokens")),
    (Unit.OUTPUT_AUDIO, ("output_tokens_details", "audio_tokens")),
    (Unit.OUTPUT_IMAGE, ("completion_tokens_details", "image_tokens")),
    (Unit.OUTPUT_IMAGE, ("output_tokens_details", "image_tokens")),
    (Unit.INPUT_AUDIO, ("promptTokensDetails", "AUDIO")),
    (Unit.INPUT_IMAGE, ("promptTokensDetails", "IMAGE")),
    (Unit.CACHE_READ_AUDIO, ("cacheTokensDetails", "AUDIO")),
    (Unit.OUTPUT_AUDIO, ("candidatesTokensDetails", "AUDIO")),
    (Unit.OUTPUT_IMAGE, ("candidatesTokensDetails", "IMAGE")),
)
"""Where the usage objects of the dialects tell what the neutral counts do not. A list of `{modality, tokenCount}` is read as a mapping."""
_TERMS = ("service_tier", "serviceTier", "speed")
_OUTSIDE = frozenset({Unit.INPUT_AUDIO, Unit.INPUT_IMAGE})
"""Told of the whole input, cached or not."""


_USUAL = ("default", "standard", "auto", None)
"""Words of `_TERMS` under which the usual price holds."""
_BILLED = {name: tuple(path[1] for _, path in _BESIDE if path[0] == name) for name in dict.fromkeys(path[0] for _, path in _BESIDE)}
"""By the name of an object, the parts of it that are billed apart, or hold what is."""
_COSTS = frozenset({"cost", "cost_in_usd_ticks"})


class Counts(msgspec.Struct, frozen=True):
    """units: how many of each; a total includes its parts (`rates.PART_OF`), but sound and pictures of the input are those that were
    not read from a cache. terms: how it was processed. told_usd: what the provider itself says that it costs."""

    units: dict[Unit, int]
    terms: dict[str, str] = {}
    told_usd: Decimal | None = None


def counts(usage: Usage, terms: Terms | None = None) -> Counts:
    """What a reply is billed by. `terms` add to those that the usage itself tells."""
    told = _object(usage.extra and next(iter(usage.extra.values()), None))
    units: dict[Unit, int] = {
        Unit.REQUEST: 1,
        Unit.INPUT: usage.input_tokens,
        Unit.CACHE_READ: usage.cache_read_tokens or 0,
        Unit.CACHE_WRITE: usage.cache_write_tokens or 0,
        Unit.OUTPUT: usage.output_tokens,
        Unit.REASONING: usage.reasoning_tokens or 0,
    }
    if told:
        units |= {unit: count for unit, path in _BESIDE if (count := _found(told, path))}
        _leave_out_cached(units)
    return Counts({unit: count for unit, count in units.items() if count}, {**_terms(told), **(terms or {})}, _told_usd(told))


def is_plain(usage: Usage, tier: str | None = None) -> bool:
    """Whether nothing bills it but the tokens that the neutral counts tell, at the usual price. tier: how else it was told to be
    processed. A microsecond; `counts` takes 20."""
    if tier not in _USUAL:
        return False
    if not usage.extra:
        return True
    for name, value in _object(next(iter(usage.extra.values()))).items():
        if name in _BILLED:
            parts = _object(value)  # pyright: ignore[reportUnknownArgumentType]
            if value and parts is not value:
                return False
            for part in _BILLED[name]:
                if parts.get(part):
                    return False
        elif (name in _COSTS and value is not None) or (name in _TERMS and value not in _USUAL):
            return False
    return True


def _leave_out_cached(units: dict[Unit, int]) -> None:
    """Of the sound of a prompt that part which no cache held, as far as it is told."""
    if Unit.INPUT_AUDIO in units:
        units[Unit.INPUT_AUDIO] = max(0, units[Unit.INPUT_AUDIO] - units.get(Unit.CACHE_READ_AUDIO, 0))
    room = units[Unit.INPUT] - units[Unit.CACHE_READ] - units[Unit.CACHE_WRITE]
    for unit in _OUTSIDE & units.keys():
        units[unit] = max(0, min(units[unit], room))
        room -= units[unit]


def _terms(told: Mapping[str, Any]) -> dict[str, str]:
    found = {("speed" if name == "speed" else "service_tier"): told[name] for name in _TERMS if isinstance(told.get(name), str)}
    if found.get("service_tier") == "batch":
        found["processing"] = "batch"
    return found


def _told_usd(told: Mapping[str, Any]) -> Decimal | None:
    ticks = told.get("cost_in_usd_ticks")
    if isinstance(ticks, int):
        return ticks * _TICK
    cost = told.get("cost")
    if isinstance(cost, dict):
        cost = _object(cost).get("total_cost")  # pyright: ignore[reportUnknownArgumentType]
    own = _dollars(cost)
    if own is None or told.get("is_byok") is not True:
        return own
    # With a key of the customer's own the router tells its fee, and beside it what the provider behind takes.
    behind = _dollars(_object(told.get("cost_details")).get("upstream_inference_cost"))
    return None if behind is None else own + behind


def _dollars(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def _found(told: Mapping[str, Any], path: _Path) -> int:
    *steps, last = path
    inner: Any = told
    for step in steps:
        inner = _object(inner).get(step)
    value = _by_modality(inner).get(last) if isinstance(inner, list) else _object(inner).get(last)  # pyright: ignore[reportUnknownArgumentType]
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _by_modality(entries: list[Any]) -> dict[str, Any]:
    return {_object(entry).get("modality", ""): _object(entry).get("tokenCount") for entry in entries}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]
