"""Neutral items to turns: what the assistant said, thought and called in one, results first in the turn right after.

The API's rules, each a 400: user and assistant alternate and a user begins; every call is answered in the very next turn, results
first; text is never empty; a system message follows a user turn and is followed by the assistant or by nothing.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use,
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dragoman.dialects.messages.blocks import Lost, Pen, text_block, write_parts
from dragoman.dialects.messages.items import write_call, write_compaction, write_result, write_thought
from dragoman.dialects.messages.order import arranged
from dragoman.dialects.messages.remainder import NAME, mark, own
from dragoman.dialects.remainder import JsonObject, complete, object_or_empty
from dragoman.dialects.turns import answered_at_once
from dragoman.ir.request import Call, Compaction, Extra, Item, Message, OpaqueItem, Reasoning, Result

TURN = "$turn"
"""Mark on the first item of a message: what else that message said."""
PLAIN = "$plain"
"""Mark within that one: the content was a string."""
SYSTEM = "$system"
"""Mark on the message that came as the top-level `system`."""

_GO_ON = "Continue."
_BEGIN = "(The conversation begins here.)"


class Turn:
    """One message of the wire under way."""

    __slots__ = ("blocks", "rest", "role")

    def __init__(self, role: str, rest: JsonObject | None = None) -> None:
        self.role = role
        self.rest = rest
        self.blocks: list[JsonObject] = []

    def write(self) -> JsonObject:
        """The message on the wire."""
        content: Any = plain_text(self.blocks) if self.rest and self.rest.get(PLAIN) else self.blocks
        written: JsonObject = {"role": self.role, "content": content}
        return complete(written, self.rest)


def write_conversation(items: tuple[Item, ...], pen: Pen, *, continues: bool = False) -> tuple[Any, list[JsonObject]]:
    """The top-level `system` (None where there is none) and the list `messages`. `continues`: the answer goes on from the last item."""
    head = 0
    while head < len(items) and _is_head(items[head]):
        head += 1
    system = _write_system(items[:head], pen)
    turns = Turns(pen)
    for item in items[head:] if pen.native or answered_at_once(items) else arranged(items[head:], pen.lost):
        turns.feed(item)
    written = turns.written
    if pen.native:
        return system, [turn.write() for turn in written]
    return _repaired(system, [turn for turn in written if turn.blocks], pen.lost, continues=continues)


def plain_text(blocks: list[JsonObject]) -> Any:
    """The content as a string where it is one text block and nothing more."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks or ""


def _is_head(item: Item) -> bool:
    return isinstance(item, Message) and item.role in ("system", "developer") and mark(item.extra, TURN) is None


def _write_system(items: tuple[Item, ...], pen: Pen) -> Any:
    blocks: list[JsonObject] = []
    for item in items:
        if isinstance(item, Message):
            blocks += write_parts(item.parts, pen)
    if any(object_or_empty(mark(getattr(item, "extra", None), SYSTEM)).get(PLAIN) for item in items):
        return plain_text(blocks)
    return blocks or None


def _repaired(system: Any, turns: list[Turn], lost: Lost, *, continues: bool) -> tuple[Any, list[JsonObject]]:
    """The turns with what the API demands of their ends. A conversation of instructions only has the last of them as its question."""
    messages = [turn.write() for turn in _joined(turns, lost)]
    if not messages and system:
        lost.append(("messages", "the conversation is instructions only; the last of them is told as the user's question"))
        messages, system = [{"role": "user", "content": [system[-1]]}], system[:-1] or None
    if not messages or messages[0]["role"] == "assistant":
        messages.insert(0, {"role": "user", "content": [text_block(_BEGIN)]})
    if messages[-1]["role"] == "assistant" and not continues:
        # It would be taken for the beginning of the answer, which newer models refuse.
        messages.append({"role": "user", "content": [text_block(_GO_ON)]})
    return system, messages


def _joined(turns: list[Turn], lost: Lost) -> list[Turn]:
    """Neighbours of one role as one turn; system turns moved behind the user turn that they stand before."""
    joined: list[Turn] = []
    waiting: list[JsonObject] = []

    def place_waiting() -> None:
        if not waiting:
            return
        if joined and joined[-1].role == "user":
            joined.append(Turn("system"))
            joined[-1].blocks += waiting
            waiting.clear()

    for turn in turns:
        if turn.role == "user" and waiting:
            lost.append(("messages", "a system message before words of the user is told after them, as the API demands"))
        if turn.role == "system":
            waiting += turn.blocks
        elif joined and joined[-1].role == turn.role:
            joined[-1].blocks += turn.blocks
        else:
            if turn.role == "assistant":
                place_waiting()
            joined.append(turn)
    place_waiting()
    if waiting:
        # No user turn to follow: told as words of the user's side, marked so that they are not taken for the user's own.
        joined.append(Turn("user"))
        joined[-1].blocks += [text_block("<system_message>"), *waiting, text_block("</system_message>")]
    return joined


class Turns:
    """The turns so far; a change of role, or a mark that a message began here, starts another."""

    def __init__(self, pen: Pen) -> None:
        self.written: list[Turn] = []
        self._pen = pen

    def feed(self, item: Item) -> None:
        """Take the next item."""
        write = self._TABLE.get(type(item), Turns._on_other)
        write(self, item)

    def _turn(self, role: str, extra: Extra | None) -> Turn:
        rest: JsonObject | None = mark(extra, TURN) if extra else None
        if rest is not None or not self.written or self.written[-1].role != role:
            self.written.append(Turn(role, rest))
        return self.written[-1]

    def _add(self, role: str, extra: Extra | None, block: JsonObject | None) -> None:
        turn = self._turn(role, extra)
        if block is not None:
            turn.blocks.append(complete(block, own(extra)) if extra else block)

    def _on_message(self, item: Message) -> None:
        role = "system" if item.role == "developer" else item.role
        turn = self._turn(role, item.extra)
        turn.blocks += write_parts(item.parts, self._pen)

    def _on_thought(self, item: Reasoning) -> None:
        if self._pen.native or (item.proof is not None and item.proof.maker == NAME):
            self._add("assistant", item.extra, write_thought(item))

    def _on_call(self, item: Call) -> None:
        self._add("assistant", item.extra, write_call(item))

    def _on_result(self, item: Result) -> None:
        self._add("assistant" if item.executor == "provider" else "user", item.extra, write_result(item, self._pen))

    def _on_compaction(self, item: Compaction) -> None:
        block = write_compaction(item)
        if block is None:
            self._pen.lost.append(("messages", "a compaction of another API is not readable here"))
        else:
            self._add("assistant", item.extra, block)

    def _on_other(self, item: Item) -> None:
        if isinstance(item, OpaqueItem) and item.dialect == NAME:
            self._add("assistant", None, item.value)
            return
        kind = item.kind if isinstance(item, OpaqueItem) else type(item).__name__.lower()
        self._pen.lost.append(("messages", f"messages has no form for the item `{kind}`"))

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        Message: _on_message,
        Reasoning: _on_thought,
        Call: _on_call,
        Result: _on_result,
        Compaction: _on_compaction,
    }
