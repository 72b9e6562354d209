"""The order that the API demands of calls and results: every call answered in the turn right after its own, by its own id."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from dragoman.dialects.messages.blocks import Lost
from dragoman.dialects.messages.ids import Ids
from dragoman.dialects.messages.remainder import NAME
from dragoman.ir.request import Call, Compaction, Item, Message, OpaqueItem, Reasoning, Result, Text

replace = msgspec.structs.replace

_NO_RESULT = "[no result: the call was not carried out]"


def arranged(items: tuple[Item, ...], lost: Lost) -> Iterable[Item]:
    """The items with every result right after its call's turn, in the order of the calls, under ids that are unique.

    A call that was never answered gets an answer that says so; a result whose call is gone is told as words.
    """
    order = _Order(*_paired(items), lost)
    for item in items:
        order.feed(item)
    return order.close()


def _paired(items: tuple[Item, ...]) -> tuple[dict[int, Call], dict[int, Result]]:
    """The calls with their new ids by identity of the item, and the results by identity of the call's item."""
    ids = Ids()
    waiting: defaultdict[str, deque[Call]] = defaultdict(deque)
    calls: dict[int, Call] = {}
    results: dict[int, Result] = {}
    for item in items:
        if isinstance(item, Call):
            if item.executor == "client":
                calls[id(item)] = _named(item, ids.call(item.call_id))
                waiting[item.call_id].append(item)
        elif isinstance(item, Result) and item.executor == "client" and (asked := waiting.get(item.call_id)):
            results[id(asked.popleft())] = item
    return calls, results


_Named = TypeVar("_Named", Call, Result)


def _named(item: _Named, call_id: str) -> _Named:
    return item if item.call_id == call_id else replace(item, call_id=call_id)


class _Order:
    """The items so far, the calls of the turn under way, and what has to wait until they are answered."""

    def __init__(self, calls: dict[int, Call], results: dict[int, Result], lost: Lost) -> None:
        self._calls = calls
        self._results = results
        self._paired = {id(result) for result in results.values()}
        self._lost = lost
        self._out: list[Item] = []
        self._open: list[Call] = []
        self._held: list[Item] = []
        self._turn_over = False

    def feed(self, item: Item) -> None:
        """Take the next item."""
        if id(item) in self._paired:
            self._turn_over = True
        elif isinstance(item, Call) or _is_assistant(item):
            self._assistant(item)
        else:
            self._turn_over = True
            (self._held if self._open else self._out).append(self._told(item) if isinstance(item, Result) else item)

    def close(self) -> list[Item]:
        """All items."""
        self._answer()
        return self._out

    def _assistant(self, item: Item) -> None:
        if self._turn_over:
            self._answer()
        if isinstance(item, Call) and item.executor == "client":
            self._open.append(item)
            self._out.append(self._calls[id(item)])
        else:
            self._out.append(item)

    def _answer(self) -> None:
        for call in self._open:
            named = self._calls[id(call)].call_id
            result = self._results.get(id(call))
            if result is None:
                self._lost.append(("messages", f"the call `{call.call_id}` has no result; it is told as not carried out"))
                result = Result(named, (Text(_NO_RESULT),), is_error=True)
            self._out.append(_named(result, named))
        self._out += self._held
        self._open.clear()
        self._held.clear()
        self._turn_over = False

    def _told(self, item: Result) -> Message:
        self._lost.append(("messages", f"the result of `{item.call_id}` has no call; it is told as words"))
        return Message("user", (Text(f"[result of {item.call_id}]"), *item.parts))


_SPOKEN = (Call, Reasoning, Compaction)


def _is_assistant(item: Item) -> bool:
    if isinstance(item, Message):
        return item.role == "assistant"
    if isinstance(item, Result):
        return item.executor == "provider"
    return isinstance(item, _SPOKEN) or (isinstance(item, OpaqueItem) and item.dialect == NAME)
