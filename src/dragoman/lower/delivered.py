"""What a client has of an answer that is still under way, and what it means where the rest does not come."""

from __future__ import annotations

from typing import Literal

from dragoman.ir import events as ev
from dragoman.ir.fold import Fold
from dragoman.ir.request import Call, Item, Message, Reasoning, Request, Result, Text

Salvage = Literal["anew", "go_on", "end", "lost"]
"""anew: nothing but thoughts was said, so the same is asked again; go_on: what was said goes along; end: only the mark of the end is
missing; lost: nobody can go on from here (half a tool call, a tool call that waits for its result, several choices, half a
document that must fit a schema)."""

_Start = ev.TextStarted | ev.ReasoningStarted | ev.CallStarted


class Delivered:
    """The answer to `asked` as far as its client has it. Feed it every event that the client gets."""

    def __init__(self, asked: Request) -> None:
        self.started = False
        self.next = 0
        """The first number of a part that is free."""
        self.open: dict[int, _Start] = {}
        self._asked = asked
        self._fold = Fold()
        self._texts: dict[int, list[str]] = {}
        self._said: list[tuple[int, Item]] = []
        self._finished: set[int] = set()
        self._choices: set[int] = set()

    def feed(self, event: ev.Event) -> None:
        """Take note of one event."""
        if isinstance(event, ev.TextDelta):
            self._texts.setdefault(event.part, []).append(event.text)
        elif isinstance(event, _Start | ev.ItemGiven):
            self.next = max(self.next, event.part + 1)
            self._choices.add(event.choice)
            if not isinstance(event, ev.ItemGiven):
                self.open[event.part] = event
        elif isinstance(event, ev.PartEnded):
            self.open.pop(event.part, None)
            self._texts.pop(event.part, None)
        elif isinstance(event, ev.Finished):
            self._choices.add(event.choice)
            self._finished.add(event.choice)
        elif isinstance(event, ev.Started):
            self.started = True
        item = self._fold.feed(event)
        if item is not None and isinstance(event, ev.PartEnded | ev.ItemGiven):
            self._said.append((event.part, item))

    @property
    def salvage(self) -> Salvage:
        """What can be done where the stream broke here."""
        if self._finished and self._finished >= self._choices and not self.open:
            return "end"
        if self._waits_for_tools():
            return "lost"
        if not self._choices:
            return "anew"
        if self._asked.choices > 1 or max(self._choices) > 0:
            return "lost"
        if not self.spoken():
            return "anew"
        return "lost" if self._asked.output is not None and self._asked.output.kind != "text" else "go_on"

    def spoken(self) -> list[Item]:
        """What was said so far, as items of the conversation, in order. Thoughts count only where they are proven and something
        follows them."""
        said = [(part, item) for part, item in self._said if not _is_empty(item)]
        for part, start in self.open.items():
            text = "".join(self._texts.get(part, ()))
            if isinstance(start, ev.TextStarted) and text:
                said.append((part, Message("assistant", (Text(text, refusal=start.refusal),), phase=start.phase)))
        items = _without_unanswered([item for _, item in sorted(said, key=lambda pair: pair[0])])
        while items and isinstance(items[-1], Reasoning):
            items.pop()
        return [item for item in items if not isinstance(item, Reasoning) or item.proof is not None]

    def characters(self) -> int:
        """How much text that is."""
        return sum(len(text_of(item)) for item in self.spoken())

    def _waits_for_tools(self) -> bool:
        calls = (item for _, item in self._said if isinstance(item, Call))
        return any(call.executor == "client" for call in calls) or any(isinstance(start, ev.CallStarted) for start in self.open.values())


def text_of(item: Item) -> str:
    """The words of a message, nothing of other items."""
    return "".join(part.text for part in item.parts if isinstance(part, Text)) if isinstance(item, Message) else ""


def _without_unanswered(items: list[Item]) -> list[Item]:
    """Without the calls that the provider ran itself and whose results are missing: they come apart, or in the call's own `extra`."""
    answered = {item.call_id for item in items if isinstance(item, Result)}
    return [item for item in items if not isinstance(item, Call) or item.call_id in answered or item.extra]


def _is_empty(item: Item) -> bool:
    return isinstance(item, Message) and not text_of(item)
