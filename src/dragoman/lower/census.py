"""What there is in a conversation, found in one walk, so that the passes which have nothing to do need not walk it themselves."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from dragoman.ir.request import Call, Item, Message, OpaqueItem, Result, Text


class Census:
    """The kinds of `items` and `parts` that there are, and whether there are calls or results of tools that a provider ran (`hosted`),
    proofs of calls (`proven`), words with citations (`cited`), tools that a search brought (`brought`), and speakers by name (`named`).

    Passes take things away or tell them in words: nothing but words comes in later, so this stays the most that there can be.
    """

    __slots__ = ("brought", "cited", "hosted", "items", "named", "parts", "proven")

    def __init__(self, items: tuple[Item, ...]) -> None:
        groups: defaultdict[type, list[Any]] = defaultdict(list)
        for item in items:
            groups[type(item)].append(item)
        calls: list[Call] = groups.get(Call, [])
        results: list[Result] = groups.get(Result, [])
        instead: list[Message | None] = [item.instead for item in groups.get(OpaqueItem, ())]
        told: list[Message] = [*groups.get(Message, ()), *(message for message in instead if message is not None)]
        parts = [part for item in told for part in item.parts] + [part for item in results for part in item.parts]
        self.items = groups.keys()
        self.parts: set[type] = set(map(type, parts))
        self.cited = any(part.citations for part in parts if isinstance(part, Text))
        self.named = any(message.name is not None for message in told)
        self.proven = any(call.proof is not None for call in calls)
        self.brought = any(result.tools for result in results)
        self.hosted = any(call.executor == "provider" for call in calls) or any(result.executor == "provider" for result in results)

    def has(self, *kinds: type) -> bool:
        """Whether there is an item of one of these kinds."""
        return not self.items.isdisjoint(kinds)

    def shows(self, *kinds: type) -> bool:
        """Whether there is a part of one of these kinds."""
        return not self.parts.isdisjoint(kinds)
