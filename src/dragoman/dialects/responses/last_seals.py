"""Leaves out what stands behind the last words of an answer and says nothing, where the client did not ask for seals.

Gemini signs its words, and does without that when it reads them again; here such a signature is a thought of its own, behind the message.
Programs take the last item for the answer: this API never ends with a thought. Before a call or further words it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from dragoman.dialects.responses.remainder import NAME
from dragoman.ir import events as ev
from dragoman.ir.request import Item, Message, Proof, Reasoning


def without_last_seals(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items of a whole answer without them."""
    end = len(items)
    while end and _is_seal_alone(items[end - 1]):
        end -= 1
    return items[:end] if any(isinstance(item, Message) for item in items[:end]) else items


class LastSeals:
    """The events of an answer without them: each thought behind words waits until it says something, or anything follows it."""

    def __init__(self) -> None:
        self._spoke = False
        self._waiting: dict[int, list[ev.Event]] = {}

    def feed(self, event: ev.Event) -> Iterable[ev.Event]:
        """The events to be told now, in order."""
        handler = self._TABLE.get(type(event))
        return (event,) if handler is None else handler(self, event)

    def _on_words(self, event: ev.TextStarted) -> Iterable[ev.Event]:
        self._spoke = True
        return self._on_more(event)

    def _on_more(self, event: ev.Event) -> Iterable[ev.Event]:
        if not self._waiting:
            return (event,)
        waiting, self._waiting = self._waiting, {}
        return [*(each for thought in waiting.values() for each in thought), event]

    def _on_thought(self, event: ev.ReasoningStarted) -> Iterable[ev.Event]:
        if not self._spoke:
            return (event,)
        self._waiting[event.part] = [event]
        return ()

    def _on_thinking(self, event: ev.ReasoningDelta) -> Iterable[ev.Event]:
        return self._on_more(event) if event.part in self._waiting else (event,)

    def _on_end(self, event: ev.PartEnded) -> Iterable[ev.Event]:
        waiting = self._waiting.get(event.part)
        if waiting is None:
            return (event,)
        if not _is_of_another(event.proof):
            return self._on_more(event)
        waiting.append(event)
        return ()

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Iterable[ev.Event]]]] = {
        ev.TextStarted: _on_words,
        ev.CallStarted: _on_more,
        ev.ItemGiven: _on_more,
        ev.ReasoningStarted: _on_thought,
        ev.ReasoningDelta: _on_thinking,
        ev.PartEnded: _on_end,
    }


def _is_seal_alone(item: Item) -> bool:
    return isinstance(item, Reasoning) and not item.summary and not item.content and _is_of_another(item.proof)


def _is_of_another(proof: Proof | None) -> bool:
    return proof is not None and proof.maker != NAME
