"""Neutral items to messages on the wire: an assistant's thoughts, words and calls joined into one message, results after their calls.

https://platform.openai.com/docs/api-reference/chat/create (messages)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from dragoman.dialects.chat.parts import Lost, write_content
from dragoman.dialects.chat.proofs import DETAILS, THOUGHTS, proven
from dragoman.dialects.chat.remainder import mark, own
from dragoman.dialects.chat.tools import LEGACY, write_call
from dragoman.dialects.contract import Quirks
from dragoman.dialects.remainder import JsonObject, complete
from dragoman.dialects.turns import answered_at_once
from dragoman.ir.request import Call, Item, Message, OpaqueItem, Part, Reasoning, Result, Text

TURN = "$turn"
"""Mark on the first item of an assistant message: what else that message said."""

LEGACY_ID = "legacy_call_{}"
"""The id of a legacy `function_call`, which has none on the wire."""


def write_messages(items: tuple[Item, ...], quirks: Quirks, lost: Lost) -> list[JsonObject]:
    """The list `messages`."""
    writer = _Writer(quirks, lost)
    for item in items if answered_at_once(items) else _answered_at_once(items):
        writer.feed(item)
    return writer.close()


def write_message(message: Message, lost: Lost) -> JsonObject:
    """A message of anybody but the assistant."""
    written: JsonObject = {"role": message.role, "content": write_content(message.parts, lost)}
    if message.name is not None:
        written["name"] = message.name
    return complete(written, own(message.extra)) if message.extra else written


def write_result(result: Result, lost: Lost) -> JsonObject:
    """A tool's answer."""
    content = write_content(result.parts, lost, "\n")
    if not result.extra:
        return {"role": "tool", "tool_call_id": result.call_id, "content": content}
    if mark(result.extra, LEGACY):
        written: JsonObject = {"role": "function", "name": result.name, "content": content}
    else:
        written = {"role": "tool", "tool_call_id": result.call_id, "content": content}
    return complete(written, own(result.extra))


def write_turn(items: Iterable[Item], lost: Lost, quirks: Quirks | None = None) -> JsonObject:
    """One assistant message of these items. `quirks` say whether thoughts of other origin are sent back; None: they are not."""
    turn = _Turn(quirks, lost, None)
    for item in items:
        turn.add(item)
    return turn.write()


class _Turn:
    """An assistant message that is being put together. `rest`: what else it said when it came."""

    def __init__(self, quirks: Quirks | None, lost: Lost, rest: JsonObject | None) -> None:
        self.rest = rest
        self._quirks = quirks
        self._lost = lost
        self._thoughts: JsonObject = {}
        self._parts: list[Part] = []
        self._refusals: list[str] = []
        self._calls: list[JsonObject] = []
        self._legacy: JsonObject | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it ends in a refusal, which has its place behind all words: what is said next is another message."""
        return bool(self._refusals) and not self._calls

    def add(self, item: Item) -> None:
        """Take one item of the assistant."""
        self._TABLE[type(item)](self, item)

    def write(self) -> JsonObject:
        """The message on the wire."""
        written: JsonObject = {"role": "assistant", "content": self._content(), **self._thoughts}
        if self._refusals:
            written["refusal"] = "".join(self._refusals)
        if self._calls:
            written["tool_calls"] = self._calls
        if self._legacy is not None:
            written["function_call"] = self._legacy
        if self._quirks is not None and self._quirks.replay_reasoning and self._calls and not self._thoughts:
            # A server that demands thoughts with tool turns refuses a turn without, also where another model made the calls. A space
            # and not nothing: an empty one may count as missing.
            written[self._quirks.reasoning_field] = " "
        return complete(written, self.rest)

    def _content(self) -> Any:
        return write_content(tuple(self._parts), self._lost) if self._parts else None

    def _on_message(self, item: Message) -> None:
        for part in item.parts:
            if isinstance(part, Text) and part.refusal and not part.extra:
                self._refusals.append(part.text)
            else:
                self._parts.append(part)

    def _on_call(self, item: Call) -> None:
        if item.executor == "provider":
            self._lost.append(("messages.tool_calls", f"chat has no form for the provider's own call of `{item.name}`"))
        elif item.extra and mark(item.extra, LEGACY):
            self._legacy = {"name": item.name, "arguments": item.arguments}
        else:
            self._calls.append(write_call(item))

    def _on_reasoning(self, item: Reasoning) -> None:
        for name, value in self._said(item).items():
            known = self._thoughts.get(name)
            # Strings and lists of one turn go on where the earlier ones ended.
            self._thoughts[name] = value if known is None else known + value

    def _said(self, item: Reasoning) -> JsonObject:
        came = own(item.extra)
        if came is not None:
            return {name: came[name] for name in THOUGHTS if name in came}
        if details := proven(item.proof, DETAILS):
            return details
        if self._quirks is None or not self._quirks.replay_reasoning:
            return {}
        text = "\n\n".join(item.content or item.summary)
        return {self._quirks.reasoning_field: text} if text else {}

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], None]]] = {Message: _on_message, Call: _on_call, Reasoning: _on_reasoning}


class _Writer:
    """The messages so far and the assistant message under way."""

    def __init__(self, quirks: Quirks, lost: Lost) -> None:
        self._quirks = quirks
        self._lost = lost
        self._written: list[JsonObject] = []
        self._turn: _Turn | None = None

    def feed(self, item: Item) -> None:
        """Take the next item."""
        if isinstance(item, _SPOKEN) or (isinstance(item, Message) and item.role == "assistant"):
            self._assistant(item)
            return
        self._end_turn()
        self._TABLE.get(type(item), _Writer._on_other)(self, item)

    def close(self) -> list[JsonObject]:
        """All messages."""
        self._end_turn()
        return self._written

    def _assistant(self, item: Call | Reasoning | Message) -> None:
        rest: JsonObject | None = mark(item.extra, TURN) if item.extra else None
        if rest is not None or (isinstance(item, Message) and self._turn is not None and self._turn.is_refused):
            self._end_turn()
        if self._turn is None:
            self._turn = _Turn(self._quirks, self._lost, rest)
        self._turn.add(item)

    def _end_turn(self) -> None:
        if self._turn is None:
            return
        written = self._turn.write()
        # Thoughts alone that are not sent back leave nothing to say.
        if self._turn.rest is not None or len(written) > 2 or written["content"] is not None:
            self._written.append(written)
        self._turn = None

    def _on_message(self, item: Message) -> None:
        self._written.append(write_message(item, self._lost))

    def _on_result(self, item: Result) -> None:
        if item.executor == "client":
            self._written.append(write_result(item, self._lost))

    def _on_other(self, item: Item) -> None:
        kind = item.kind if isinstance(item, OpaqueItem) else type(item).__name__.lower()
        self._lost.append(("messages", f"chat has no form for the item `{kind}`"))

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], None]]] = {Message: _on_message, Result: _on_result}


_SPOKEN = (Call, Reasoning)


def _answered_at_once(items: tuple[Item, ...]) -> list[Item]:
    """The items with every result right after its call's turn: Chat refuses anything in between, other dialects don't."""
    last_result = {item.call_id: index for index, item in enumerate(items) if isinstance(item, Result)}
    waiting: set[str] = set()
    held: list[Item] = []
    ordered: list[Item] = []
    for index, item in enumerate(items):
        if isinstance(item, Result):
            waiting.discard(item.call_id)
            ordered.append(item)
        elif isinstance(item, _SPOKEN) or (isinstance(item, Message) and item.role == "assistant"):
            ordered += held
            held.clear()
            if isinstance(item, Call) and last_result.get(item.call_id, -1) > index:
                waiting.add(item.call_id)
            ordered.append(item)
        elif waiting:
            held.append(item)
        else:
            ordered.append(item)
        if held and not waiting:
            ordered += held
            held.clear()
    return ordered + held
