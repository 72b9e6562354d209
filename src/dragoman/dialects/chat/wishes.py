"""How hard to think: `reasoning_effort`, and the fields that servers of this API have in its place.

`thinking: {type}` (https://docs.z.ai/guides/capabilities/thinking-mode, https://api-docs.deepseek.com/guides/thinking_mode),
`enable_thinking`, `thinking_budget` (https://www.alibabacloud.com/help/en/model-studio/deep-thinking), the same in `chat_template_kwargs`
(https://docs.vllm.ai/en/latest/features/reasoning_outputs.html), `reasoning` (https://openrouter.ai/docs/use-cases/reasoning-tokens).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.dialects.chat.parts import Lost
from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.remainder import JsonObject, object_or_empty, text_or_none, whole_or_none, wrong
from dragoman.ir.request import ReasoningWish, Request

_ON = "medium"
"""What "think" means where nothing is said of how hard."""


class _Said(msgspec.Struct, frozen=True):
    """What one field says. `on`: whether to think at all, None where it does not say so."""

    on: bool | None = None
    effort: str | None = None
    budget_tokens: int | None = None


def read_wish(came: JsonObject) -> ReasoningWish | None:
    """What the fields of a body ask for. Raises GatewayError(invalid_request) for an effort that is no string."""
    effort = came.get("reasoning_effort")
    if effort is not None and not isinstance(effort, str):
        raise wrong("reasoning_effort", "must be a string")
    said = [read(came[name]) for name, read in _FIELDS.items() if came.get(name) is not None]
    on = {each.on for each in said} - {None}
    # What a client says in two ways goes on in both.
    apart = NAME if on or (effort is not None and any(each != _Said() for each in said)) else None
    if False in on:
        return ReasoningWish("none", apart=apart)
    effort = effort or next((each.effort for each in said if each.effort is not None), None)
    budget = next((each.budget_tokens for each in said if each.budget_tokens is not None), None)
    if on and (effort == "none" or (effort is None and budget is None)):
        effort = _ON
    return ReasoningWish(effort, budget_tokens=budget, apart=apart) if effort is not None or budget is not None else None


def understood(came: JsonObject) -> list[str]:
    """The fields whose whole meaning is in the wish."""
    told = [name for name, keys in _KEYS.items() if _is_understood(came.get(name), keys)]
    return [*told, "reasoning_effort"] if told and "reasoning_effort" in came else told


def write_wish(wish: ReasoningWish, body: JsonObject, lost: Lost) -> None:
    """Put the wish into a body. What a client of this API said in another field goes on in that one."""
    effort = wish.effort
    if effort is None and wish.budget_tokens is not None:
        effort = "low" if wish.budget_tokens < 4096 else "medium" if wish.budget_tokens < 16384 else "high"
    if effort is not None and wish.apart != NAME:
        body["reasoning_effort"] = effort
    if wish.summary is not None:
        lost.append(("reasoning.summary", "chat has no such setting"))


def holds(name: str, rest: JsonObject, request: Request) -> bool:
    """Whether what was said in the field `name` is still what the request means."""
    said, wish = _FIELDS[name](rest[name]), request.reasoning
    if wish is not None and wish.apart == NAME:
        return True
    if said.on is not None and wish is not None and (wish.effort == "none") is said.on:
        return False
    if said.effort is None and said.budget_tokens is None:
        return True
    if wish is None or wish.budget_tokens != said.budget_tokens:
        return False
    return said.effort is None or wish.effort == said.effort


def _switch(value: Any) -> _Said:
    return _Said(value) if isinstance(value, bool) else _Said()


def _thinking(value: Any) -> _Said:
    came = object_or_empty(value)
    return _Said({"enabled": True, "disabled": False}.get(str(came.get("type"))), budget_tokens=whole_or_none(came, "budget_tokens"))


def _template(value: Any) -> _Said:
    came = object_or_empty(value)
    return _switch(came.get("enable_thinking", came.get("thinking")))


def _reasoning(value: Any) -> _Said:
    came = object_or_empty(value)
    return _Said(_switch(came.get("enabled")).on, text_or_none(came, "effort"), whole_or_none(came, "max_tokens"))


def _budget(value: Any) -> _Said:
    return _Said(budget_tokens=value if type(value) is int else None)


_FIELDS: dict[str, Callable[[Any], _Said]] = {
    "thinking": _thinking,
    "enable_thinking": _switch,
    "chat_template_kwargs": _template,
    "reasoning": _reasoning,
    "thinking_budget": _budget,
}
SPELLINGS = tuple(_FIELDS)
"""The fields that say so, besides `reasoning_effort`."""
_KEYS: dict[str, frozenset[str]] = {
    "thinking": frozenset({"type", "budget_tokens"}),
    "enable_thinking": frozenset(),
    "chat_template_kwargs": frozenset({"enable_thinking", "thinking"}),
    "reasoning": frozenset({"effort", "max_tokens", "enabled"}),
    "thinking_budget": frozenset(),
}


def _is_understood(value: Any, keys: frozenset[str]) -> bool:
    came = object_or_empty(value)
    return came.keys() <= keys if came else type(value) in (bool, int)
