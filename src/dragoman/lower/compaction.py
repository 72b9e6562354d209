"""Compaction over any target: a conversation that a client wants as one sealed item becomes a summary that the target writes.

`compaction_trigger` becomes a request for a handover; its answer comes back as exactly one compaction item, whose seal holds the
handover itself. Any gateway can open it again, and any model read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import GATEWAY, Compaction, CompactionTrigger, Item, Message, Proof, Request, Text, ToolChoice
from dragoman.lower.fitting import Fitting
from dragoman.lower.restore import Restore
from dragoman.lower.thoughts import takes

replace = msgspec.structs.replace

_ASK = """\
Stop working on the task now and write a handover. The conversation above has become too long; it will be replaced by what you \
write. Whoever goes on will see the user's own messages and your handover, but none of the tool calls, their results or your \
earlier answers. Call no tool and do not go on with the task itself.

Write down, as exactly as you know it:

1. Task: what the user wants, with every constraint, preference and correction they gave.
2. Done so far: files created, changed or deleted (full paths, and what changed in each), commands that were run and how they ended.
3. Findings: whatever would cost effort to find again: paths, names, signatures, line numbers, values, versions, error messages.
4. Decisions: what was decided and why, and what was tried and failed.
5. Where it stands: what is half done, what runs in the background (with ids), what is known to be broken.
6. Next: the remaining steps in their order, the first one so concrete that it can be taken at once.

Quote text where its exact form matters. Begin with the handover itself, without any introduction."""

_TOLD = """\
The conversation up to this point was compacted. What follows is the handover that the assistant wrote about its work so far. The \
tool calls and results before it are gone, but what they did (changed files, running processes) still stands. Go on from here, \
and do not repeat what is done.

<handover>
{}
</handover>"""

_CUT = "\n\n[The handover was cut off here by the limit of its length.]"
_SIGN_EVERY = 64
"""Pieces of the summary for each sign of life."""


def expand(request: Request, fitting: Fitting) -> Request:
    """Tell summaries of ours in words. Raises GatewayError for a sealed conversation that the target cannot read: going on
    without it would lose the history in silence."""
    if not fitting.census.has(Compaction):
        return request
    return replace(request, items=tuple(_told(item, fitting) for item in request.items))


def summarise(request: Request, fitting: Fitting) -> Request:
    """Ask for a handover where the target cannot compact by itself. The tools stay as they are, for the provider's prompt cache
    and since calls of the past may need them; none may be called."""
    if fitting.caps.compaction or not fitting.census.has(CompactionTrigger):
        return request
    fitting.summarises = True
    kept = (item for item in request.items if not isinstance(item, CompactionTrigger))
    items = (*kept, Message("user", (Text(_ASK),)))
    return replace(request, items=items, tool_choice=ToolChoice("none"), output=None)


class Summing(Restore):
    """Makes one sealed compaction of an answer that is a summary. Nothing else of it reaches the client but its usage."""

    def __init__(self) -> None:
        super().__init__({})
        self.active = True
        self._texts: list[str] = []
        self._words: set[int] = set()
        self._pieces = 0

    def feed(self, event: ev.Event) -> Iterable[ev.Event]:
        """The events that the client shall get for this one."""
        handler = self._SUMMING.get(type(event))
        return handler(self, event) if handler is not None else self._swallow(event)

    def _pass(self, event: ev.Event) -> Iterable[ev.Event]:
        return (event,)

    def _swallow(self, event: ev.Event) -> Iterable[ev.Event]:
        # Silence would make the client think that the answer has stopped.
        self._pieces += 1
        return () if self._pieces % _SIGN_EVERY else (ev.Pinged(),)

    def _begin(self, event: ev.TextStarted) -> Iterable[ev.Event]:
        if event.choice == 0 and not event.refusal:
            self._words.add(event.part)
        return ()

    def _text(self, event: ev.TextDelta) -> Iterable[ev.Event]:
        if event.part in self._words:
            self._texts.append(event.text)
        return self._swallow(event)

    def _finished(self, event: ev.Finished) -> Iterable[ev.Event]:
        if event.choice:
            return ()
        summary = "".join(self._texts).strip()
        if not summary:
            why = f"the model wrote no summary of the conversation (it ended with `{event.detail or event.reason}`)"
            return (ev.Failed(GatewayError(Kind.SERVER_ERROR, f"{why}; try again", source="upstream")),)
        warned: tuple[ev.Event, ...] = ()
        if event.reason in ("length", "context_window"):
            summary += _CUT
            warned = (ev.Warned("compaction", "the summary was cut off by the limit of output tokens"),)
        given = ev.ItemGiven(0, Compaction(Proof(GATEWAY, summary, "summary")))
        return (*warned, given, ev.Finished("stop"))

    _SUMMING: ClassVar[dict[type, Callable[[Any, Any], Iterable[ev.Event]]]] = {
        ev.Started: _pass,
        ev.TextStarted: _begin,
        ev.TextDelta: _text,
        ev.UsageReported: _pass,
        ev.Warned: _pass,
        ev.Pinged: _pass,
        ev.Finished: _finished,
        ev.Ended: _pass,
        ev.Failed: _pass,
    }


def _told(item: Item, fitting: Fitting) -> Item:
    if not isinstance(item, Compaction):
        return item
    if item.proof.maker == GATEWAY:
        return Message("user", (Text(_TOLD.format(item.proof.data)),))
    if takes(item.proof, fitting):
        return item
    maker = f"`{item.proof.origin}`" if item.proof.origin is not None else "its own provider"
    raise GatewayError(
        Kind.UNSUPPORTED,
        f"the conversation was compacted into a sealed item that only {maker} can read; go on with that model, or start a new conversation",
        param="input",
    )
