"""What Gemini models take and do, by family: facts of the provider's model pages, kept apart from the gateway's own tables.

Source: https://ai.google.dev/gemini-api/docs/thinking and https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

SENTINEL = "skip_thought_signature_validator"


class Gemini(msgspec.Struct, frozen=True):
    """One family of models."""

    levels: tuple[str, ...] = ()
    """Legal values of `thinkingLevel`; none: the model knows only budgets."""
    budget: tuple[int, int] | None = None
    """The range of `thinkingBudget`; None: the model does not think, or knows only levels."""
    may_rest: bool = True
    """Whether a budget of 0 switches thinking off."""
    thinks: bool = True
    """Whether it thinks where the request says nothing."""
    demands_signatures: bool = False
    """Whether calls of the current turn must come back with their signature."""
    mixes_tools: bool = False
    """Whether functions may stand beside built-in tools."""
    names_calls: bool = False
    """Whether calls have ids."""
    cache_minimum: int = 2048
    """Tokens below which nothing is cached."""


_LEVELS = ("LOW", "MEDIUM", "HIGH")
_MINIMAL = ("MINIMAL", *_LEVELS)
_THIRD = Gemini(_MINIMAL, demands_signatures=True, mixes_tools=True, names_calls=True)
_FAMILIES: tuple[tuple[str, Gemini], ...] = (
    ("gemini-1*", Gemini(thinks=False, cache_minimum=4096)),
    ("gemini-2.0*", Gemini(thinks=False, cache_minimum=4096)),
    ("gemini-2.5-pro*", Gemini(budget=(128, 32768), may_rest=False)),
    ("gemini-2.5-flash-lite*", Gemini(budget=(512, 24576), thinks=False, cache_minimum=1024)),
    ("gemini-2.5*", Gemini(budget=(1, 24576), cache_minimum=1024)),
    ("gemini-3*pro*", msgspec.structs.replace(_THIRD, levels=_LEVELS)),
    ("gemini-3.8*", msgspec.structs.replace(_THIRD, levels=_LEVELS)),
    ("gemini-4*", msgspec.structs.replace(_THIRD, levels=_LEVELS, cache_minimum=6144)),
    ("gemini-*", _THIRD),
)


def gemini(model: str) -> Gemini:
    """The family of a model; a name that is none of Gemini's is taken for one of the newest."""
    name = model.rpartition("/")[2]
    return next((family for glob, family in _FAMILIES if fnmatchcase(name, glob)), _THIRD)
