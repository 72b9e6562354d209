"""The order in which agents tell their conversations, and which every API takes as it is."""

from __future__ import annotations

from dragoman.ir.request import Call, Item, Message, Reasoning, Result


def answered_at_once(items: tuple[Item, ...]) -> bool:
    """Whether the results of the calls of each turn of the assistant follow it at once, in the order of the calls, each call under an id of
    its own: then nothing needs to be moved for any API. Not so where a provider ran a tool itself, of which each API has its own idea.
    """
    made: set[str] = set()
    waiting: list[str] = []
    answered = 0
    for item in items:
        if isinstance(item, Call):
            if answered or item.call_id in made or item.executor == "provider":
                return False
            made.add(item.call_id)
            waiting.append(item.call_id)
        elif isinstance(item, Result):
            if answered == len(waiting) or waiting[answered] != item.call_id or item.executor == "provider":
                return False
            answered += 1
            if answered == len(waiting):
                waiting.clear()
                answered = 0
        elif waiting and (answered or not (isinstance(item, Reasoning) or (isinstance(item, Message) and item.role == "assistant"))):
            return False
    return not waiting
