"""Fits a request to what a target can do: a row of passes, each with one idea, and what brings the answer back."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dragoman.ir.request import Message, Request
from dragoman.lower import breakpoints, compaction, effort, forcing, foreign, media, roles, settings, thoughts, tools
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.census import Census
from dragoman.lower.fitting import Fitting, Trust
from dragoman.lower.names import Names
from dragoman.lower.restore import Restore


class Lowered(msgspec.Struct, frozen=True):
    """What came of it: the request that the target takes (the very same one if nothing was to be changed), what maps its answer
    back, and (field, why) for what could not be carried."""

    request: Request
    restore: Restore
    warnings: list[tuple[str, str]]


# In this order: what is sealed is opened or handed back and what is foreign goes first, tools are complete before they are renamed,
# and are known before effort is judged.
_PASSES: tuple[Callable[[Request, Fitting], Request], ...] = (
    compaction.expand,
    compaction.summarise,
    thoughts.hand_back,
    foreign.drop_fields,
    breakpoints.carry,
    foreign.drop_items,
    tools.gather,
    foreign.drop_tool_fields,
    tools.tell_as_text,
    tools.drop_hosted,
    tools.choose,
    tools.rewrite,
    forcing.ask,
    media.remove,
    media.move,
    settings.shape,
    roles.speak,
    effort.fit,
    thoughts.rest,
    forcing.think_less,
    settings.switch_off,
    settings.sample,
    settings.bound,
)


def lower(request: Request, caps: Capabilities, here: str | None = None, trust: Trust = "all") -> Lowered:
    """Rewrite `request` until it needs no more than `caps`. `here` is the target as `thoughts.origin` spells it: only what it proved
    itself is sent back to it (None: what its API proved, whoever runs it). `trust`: which proofs may be its own; less than `all` where
    a session moved here from another target, or where this one refused them. Raises GatewayError(unsupported) where that would
    change what was asked."""
    names = Names(request, caps)
    fitting = Fitting(caps, names, Census(request.items), here, trust)
    for fit in _PASSES:
        request = fit(request, fitting)
    if request.continues and not _ends_with_words(request):
        request = msgspec.structs.replace(request, continues=False)
    restore = compaction.Summing() if fitting.summarises else Restore(names.changed(), names.taken())
    return Lowered(request, restore, fitting.warnings)


def _ends_with_words(request: Request) -> bool:
    """Whether the assistant's words still stand last, so that the answer can go on from them."""
    last = request.items[-1] if request.items else None
    return isinstance(last, Message) and last.role == "assistant"
