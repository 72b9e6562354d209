"""Neutral items to contents on the wire: what the model said in one, what it was answered in the next.

The API knows two roles, and the answers to a content's calls must be the next content, as many as there were calls.
https://ai.google.dev/gemini-api/docs/function-calling, https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeGuard

from dragoman.dialects.contract import Quirks
from dragoman.dialects.generate.calls import SIGNATURE, signature, write_call, write_provider_run, write_result
from dragoman.dialects.generate.contents import ON
from dragoman.dialects.generate.parts import Lost, words, write_parts
from dragoman.dialects.generate.remainder import NAME, complete, field, mark, own
from dragoman.dialects.remainder import JsonObject
from dragoman.dialects.turns import answered_at_once
from dragoman.ir.request import Call, Extra, Item, Message, OpaqueItem, Reasoning, Result

NO_SIGNATURE = "skip_thought_signature_validator"
"""What the API takes for a signature on calls that another model made.
https://ai.google.dev/gemini-api/docs/thought-signatures (FAQs)"""

_TURN = "$turn"


def write_system(messages: Iterable[Message], lost: Lost) -> JsonObject | None:
    """`systemInstruction` of the messages that open a conversation."""
    parts: list[JsonObject] = []
    rest: JsonObject | None = None
    for message in messages:
        parts += write_parts(message.parts, lost)
        rest = rest or own(message.extra)
    return complete({"parts": parts}, rest) if parts or rest is not None else None


def opening(items: tuple[Item, ...]) -> tuple[tuple[Message, ...], tuple[Item, ...]]:
    """The system messages that stand first, and the rest."""
    count = 0
    while count < len(items) and _instructs(items[count]):
        count += 1
    return items[:count], items[count:]  # pyright: ignore[reportReturnType]


def write_contents(items: tuple[Item, ...], quirks: Quirks, lost: Lost) -> list[JsonObject]:
    """The list `contents`."""
    writer = _Writer(items, lost)
    native = any(mark(extra, _TURN) is not None for item in items if (extra := getattr(item, "extra", None)))
    for item in items if native or answered_at_once(items) else _answered_at_once(items):
        writer.feed(item)
    contents = writer.close()
    if quirks.sign_calls:
        _sign(contents)
    return contents


def thought_part(item: Reasoning) -> list[JsonObject]:
    """The part of a thought: its words, or nothing but its signature."""
    sign = signature(item.proof)
    if not (item.summary or item.content or sign):
        return []
    rest = {name: value for name, value in (own(item.extra) or {}).items() if name != ON}
    told = (*item.summary, *item.content)
    return [complete({"text": "\n\n".join(told), "thought": True, **sign} if told else {"text": "", **sign}, rest)]


def model_parts(items: tuple[Item, ...]) -> list[JsonObject]:
    """The parts of what a model said, as in a reply."""
    writer = _Writer(items, [], replies=True)
    for item in items:
        writer.feed(item)
    return [part for content in writer.close() for part in content["parts"]]


class _Writer:
    """The contents so far and the one under way."""

    def __init__(self, items: tuple[Item, ...], lost: Lost, *, replies: bool = False) -> None:
        self._lost = lost
        self._replies = replies
        """Whether this is a reply for a client, which is told all thoughts."""
        self._contents: list[JsonObject] = []
        self._role = ""
        self._parts: list[JsonObject] = []
        self._rest: JsonObject | None = None
        self._calls = {item.call_id: item for item in items if isinstance(item, Call)}

    def feed(self, item: Item) -> None:
        """Take the next item."""
        extra: Extra | None = getattr(item, "extra", None)
        turn = mark(extra, _TURN) if extra else None
        role = "model" if _is_model(item) else "user"
        parts = self._TABLE.get(type(item), _Writer._on_other)(self, item)
        if turn is not None or (parts and role != self._role):
            self.close()
            self._role, self._rest = role, turn
        self._parts += parts
        if isinstance(item, Reasoning) and not parts and not (item.summary or item.content):
            self._attach(item)

    def close(self) -> list[JsonObject]:
        """All contents."""
        if self._role and (self._parts or self._rest is not None):
            self._contents.append(complete({"role": self._role, "parts": self._parts}, self._rest))
        self._role, self._parts, self._rest = "", [], None
        return self._contents

    def _attach(self, item: Reasoning) -> None:
        """A signature without words goes on the words before it, where it was."""
        sign = signature(item.proof)
        last = self._parts[-1] if self._parts and self._role == "model" else None
        if sign and last is not None:
            rest = own(item.extra) or {}
            last.update(complete(sign, {name: value for name, value in rest.items() if name in ("$as", "$spelled")}))

    def _on_message(self, item: Message) -> list[JsonObject]:
        return write_parts(item.parts, self._lost)

    def _is_told(self, item: Reasoning) -> bool:
        """Whether a thought goes back as a part. Thoughts of others are no use to the model, and without a signature neither are its
        own; a signature that stood on words goes back there."""
        rest = own(item.extra)
        if item.summary or item.content:
            return self._replies or rest is not None or bool(signature(item.proof))
        return rest is None or rest.get(ON) != "text" or not self._ends_with_words()

    def _on_reasoning(self, item: Reasoning) -> list[JsonObject]:
        return thought_part(item) if self._is_told(item) else []

    def _ends_with_words(self) -> bool:
        last = self._parts[-1] if self._parts and self._role == "model" else {}
        return "text" in last and not last.get("thought") and field(last, SIGNATURE) is None

    def _on_call(self, item: Call) -> list[JsonObject]:
        return _some(write_provider_run(item, self._lost)) if item.executor == "provider" else [write_call(item, self._lost)]

    def _on_result(self, item: Result) -> list[JsonObject]:
        if item.executor == "provider":
            return _some(write_provider_run(item, self._lost))
        call = self._calls.get(item.call_id)
        if call is None and not own(item.extra):
            # The API refuses an answer without its call.
            self._lost.append(("contents", f"the result of `{item.call_id}` has no call before it; it is told as text"))
            return [{"text": f"[answer to {item.name or item.call_id}]\n{words(item.parts)}"}]
        return [write_result(item, call.name if call is not None else item.call_id, self._lost)]

    def _on_opaque(self, item: OpaqueItem) -> list[JsonObject]:
        return [item.value] if item.dialect == NAME else self._on_other(item)

    def _on_other(self, item: Item) -> list[JsonObject]:
        kind = item.kind if isinstance(item, OpaqueItem) else type(item).__name__.lower()
        self._lost.append(("contents", f"generate has no form for the item `{kind}`"))
        return []

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], list[JsonObject]]]] = {
        Message: _on_message,
        Reasoning: _on_reasoning,
        Call: _on_call,
        Result: _on_result,
        OpaqueItem: _on_opaque,
    }


def _some(part: JsonObject | None) -> list[JsonObject]:
    return [] if part is None else [part]


def _instructs(item: Item) -> bool:
    return isinstance(item, Message) and item.role in ("system", "developer")


def _is_model(item: Item) -> bool:
    if isinstance(item, Message):
        return item.role == "assistant"
    return isinstance(item, _SAID) or (isinstance(item, Result) and item.executor == "provider")


_SAID = (Call, Reasoning, OpaqueItem)


def _answered_at_once(items: tuple[Item, ...]) -> Iterable[Item]:
    """The items with the results of a turn's calls right after it and in the order of the calls, for those without an id are
    matched by order; what stood in between comes after."""
    last_result = {item.call_id: index for index, item in enumerate(items) if _is_answer(item)}
    order: dict[str, None] = {}
    results: dict[str, Item] = {}
    held: list[Item] = []
    for index, item in enumerate(items):
        if isinstance(item, Result) and item.call_id in order and item.executor == "client":
            results[item.call_id] = item
        elif isinstance(item, Call) and item.executor == "client" and last_result.get(item.call_id, -1) > index:
            if results:
                yield from _flush(order, results, held)
            order[item.call_id] = None
            yield item
        elif order and (results or not _is_model(item)):
            held.append(item)
        else:
            yield item
        if order and len(results) == len(order):
            yield from _flush(order, results, held)
    yield from _flush(order, results, held)


def _is_answer(item: Item) -> TypeGuard[Result]:
    return isinstance(item, Result) and item.executor == "client"


def _flush(order: dict[str, None], results: dict[str, Item], held: list[Item]) -> list[Item]:
    out = [*(results.pop(call_id) for call_id in order if call_id in results), *held]
    order.clear()
    held.clear()
    return out


def _sign(contents: list[JsonObject]) -> None:
    """The first call of a step needs a signature while its turn lasts. Afterwards nobody looks, but what was sent once is sent the
    same again: the provider's cache goes by the bytes."""
    for content in contents:
        first = next((part for part in content.get("parts") or () if field(part, "functionCall") is not None), None)
        if content.get("role") == "model" and first is not None and field(first, SIGNATURE) is None:
            first[SIGNATURE] = NO_SIGNATURE
