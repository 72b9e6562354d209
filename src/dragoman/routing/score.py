"""How hard a request looks, from 0 to 1, as a sum that anybody can follow: size, tools, effort, kind of turn, pictures."""

from __future__ import annotations

from bisect import bisect_right
from math import log2

import msgspec

from dragoman.routing.ask import Ask

_SIZE = 0.35
"""What the longest requests get; from _SMALL tokens on, each doubling gets a sixth of it."""
_SMALL = 1000
_DOUBLINGS = 6
_TOOLS = 0.15
"""What _MANY_TOOLS or more get."""
_MANY_TOOLS = 10
_MEDIA = 0.1
_EFFORTS = {"none": 0.0, "minimal": 0.0, "low": 0.05, "medium": 0.15, "high": 0.35, "xhigh": 0.45, "max": 0.45}
_EFFORT_UNSAID = 0.1
_KINDS = {"title": -1.0, "compaction": -0.2, "subagent": -0.1, "review": 0.25}
SIDE_KINDS = frozenset({"title", "compaction"})
"""Requests beside the conversation: they are scored by themselves, whatever the session has come to."""


class Score(msgspec.Struct, frozen=True):
    """total: between 0 and 1. parts: what it is the sum of, before it was held within these bounds."""

    total: float
    parts: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        parts = " ".join(f"{name} {value:+.2f}" for name, value in self.parts)
        return f"{self.total:.2f} = {parts}" if parts else f"{self.total:.2f}"


def score(ask: Ask) -> Score:
    """How hard this request looks."""
    parts = (
        ("size", _of_size(ask.tokens)),
        ("tools", _TOOLS * min(1.0, ask.tools / _MANY_TOOLS)),
        ("effort", _EFFORT_UNSAID if ask.effort is None else _EFFORTS.get(ask.effort, _EFFORT_UNSAID)),
        ("kind", next((_KINDS[kind] for kind in ask.kinds if kind in _KINDS), 0.0)),
        ("media", _MEDIA if ask.modalities - {"text"} else 0.0),
    )
    total = sum(value for _, value in parts)
    return Score(round(min(1.0, max(0.0, total)), 4), tuple((name, round(value, 4)) for name, value in parts if value))


def tier_of(total: float, order: tuple[str, ...], thresholds: tuple[float, ...]) -> str:
    """The tier that a score leads to."""
    return order[bisect_right(thresholds, total)]


def even_thresholds(count: int) -> tuple[float, ...]:
    """The scores that share the range out evenly among so many tiers."""
    return tuple(step / count for step in range(1, count))


def _of_size(tokens: int) -> float:
    if tokens <= _SMALL:
        return 0.0
    return _SIZE * min(1.0, log2(tokens / _SMALL) / _DOUBLINGS)
