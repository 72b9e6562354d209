"""How hard to think, as far as the target can be told."""

from __future__ import annotations

import msgspec

from dragoman.ir.request import CustomTool, FunctionTool, ReasoningWish, Request
from dragoman.lower.fitting import Fitting

replace = msgspec.structs.replace

_WORDS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_RANK = {word: rank for rank, word in enumerate(_WORDS)}


def fit(request: Request, fitting: Fitting) -> Request:
    """The wish that the target takes, or none."""
    wish = request.reasoning
    if wish is None or wish.apart != fitting.caps.dialect:
        wish = _wish(wish, fitting)
    if not fitting.caps.reasoning_with_tools and any(isinstance(tool, FunctionTool | CustomTool) for tool in request.tools):
        wish = _beside_tools(wish, fitting)
    return request if wish is request.reasoning or wish == request.reasoning else replace(request, reasoning=wish)


def _wish(wish: ReasoningWish | None, fitting: Fitting) -> ReasoningWish | None:
    caps = fitting.caps
    if wish is None:
        return None
    if wish.summary is not None and not caps.reasoning_summary:
        fitting.warn("reasoning.summary", "the target gives no summary of its thoughts on request")
        wish = replace(wish, summary=None)
    if caps.efforts == ():
        if wish.effort not in (None, "none"):
            fitting.warn("reasoning.effort", "the target takes no effort")
        return None if wish.budget_tokens is None else replace(wish, effort=None)
    if wish.effort is not None and caps.efforts is not None:
        wish = _nearest(wish, wish.effort, caps.efforts, fitting)
    return wish if wish.effort or wish.summary or wish.budget_tokens is not None or wish.extra else None


def _nearest(wish: ReasoningWish, effort: str, allowed: tuple[str, ...], fitting: Fitting) -> ReasoningWish:
    if effort in allowed:
        return wish
    found = nearest(effort, allowed)
    if found is None:
        fitting.warn("reasoning.effort", f"the target does not know `{effort}`")
    else:
        fitting.warn("reasoning.effort", f"the target does not know `{effort}`; it is asked for `{found}`")
    return replace(wish, effort=found)


def nearest(effort: str, allowed: tuple[str, ...]) -> str | None:
    """The allowed effort that is nearest, the higher of two. Only who asks for `none` or `minimal` may get `none`."""
    rank = _RANK.get(effort)
    if rank is None:
        return None
    known = [word for word in allowed if word in _RANK and (word != "none" or effort in ("none", "minimal"))]
    return min(known, key=lambda word: (abs(_RANK[word] - rank), -_RANK[word]), default=None)


def _beside_tools(wish: ReasoningWish | None, fitting: Fitting) -> ReasoningWish | None:
    # gpt-5.4 and later on Chat: "Function tools with reasoning_effort are not supported", and the default is an effort too.
    asked = wish.effort if wish is not None else None
    if asked == "none":
        return wish
    if asked is not None or (wish is not None and wish.budget_tokens is not None):
        fitting.warn("reasoning.effort", "the target does not think where tools are offered in this API")
    if "none" in (fitting.caps.efforts or ()):
        return replace(wish, effort="none", apart=None) if wish is not None else ReasoningWish("none")
    return replace(wish, effort=None, apart=None) if wish is not None and (wish.summary or wish.budget_tokens) else None
