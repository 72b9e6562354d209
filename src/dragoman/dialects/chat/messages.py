"""Messages from the wire to neutral items. An assistant message becomes several: thoughts, words, calls; `turns` joins them again.

https://platform.openai.com/docs/api-reference/chat/create (messages)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.dialects.chat.parts import read_content
from dragoman.dialects.chat.proofs import THOUGHTS
from dragoman.dialects.chat.remainder import NAME, keep
from dragoman.dialects.chat.tools import LEGACY, read_call
from dragoman.dialects.chat.turns import LEGACY_ID, TURN, write_message, write_result, write_turn
from dragoman.dialects.remainder import JsonObject, difference, each, list_at, object_at, text_at, text_or_none, wrong
from dragoman.ir.errors import GatewayError
from dragoman.ir.request import Call, Item, Message, Part, Reasoning, Result, Text


def read_messages(value: Any) -> tuple[Item, ...]:
    """The list `messages` as flat items."""
    entries, reader = list_at(value, "messages"), _Reader()
    try:
        for entry in entries:
            reader.read(entry, "messages")
    except GatewayError:
        # Where it stands is told only once one is wrong: spelling it out for each would cost as much as reading them.
        reader = _Reader()
        for index, entry in enumerate(entries):
            reader.read(entry, f"messages[{index}]")
    return tuple(reader.items)


class _Reader:
    """The items so far, and what later messages need to know of earlier calls."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._calls: dict[str, Call] = {}
        self._legacy = 0

    def read(self, value: Any, path: str) -> None:
        """Take one message."""
        came = object_at(value, path)
        role = text_at(came, "role", path)
        read = self.TABLE.get(role)
        if read is None:
            raise wrong(f"{path}.role", f"is `{role}`; known are {', '.join(self.TABLE)}")
        read(self, came, path)

    def _message(self, came: JsonObject, path: str) -> None:
        message = Message(
            came["role"],
            read_content(came.get("content"), f"{path}.content"),
            name=text_or_none(came, "name"),
        )
        self._add(message, keep(came, write_message(message, [])))

    def _tool(self, came: JsonObject, path: str) -> None:
        call_id = text_or_none(came, "tool_call_id") or self._unanswered(came, path)
        content = came.get("content")
        call = self._calls.get(call_id)
        kind = call.kind if call is not None else "function"
        if isinstance(content, str) and len(came) == 3 and came.get("tool_call_id") == call_id:
            self.items.append(Result(call_id, (Text(content),), kind))  # nothing is left over of it
            return
        result = Result(call_id, read_content(content, f"{path}.content"), kind, plain=not isinstance(content, list))
        self._add(result, keep(came, write_result(result, [])))

    def _unanswered(self, came: JsonObject, path: str) -> str:
        """The id of the call that a result without one answers (Z.ai takes such): the first of that name, if it names one, that waits."""
        answered = {item.call_id for item in self.items if isinstance(item, Result)}
        name = text_or_none(came, "name")
        waiting = (call.call_id for call in self._calls.values() if call.call_id not in answered and name in (None, call.name))
        return next(waiting, None) or text_at(came, "tool_call_id", path)

    def _function(self, came: JsonObject, path: str) -> None:
        # The legacy answer to the latest `function_call`: these have no ids, so they answer each other in order.
        result = Result(
            LEGACY_ID.format(self._legacy - 1),
            read_content(came.get("content"), f"{path}.content"),
            name=text_at(came, "name", path),
            extra={NAME: {LEGACY: True}},
        )
        rest = difference(came, write_result(result, []))
        self._add(result, {NAME: {LEGACY: True, **rest}})

    def _assistant(self, came: JsonObject, path: str) -> None:
        items = [*_thoughts(came), *self._words(came, path), *self._called(came, path)] or [Message("assistant", ())]
        first = items[0]
        # The mark is where `turns` starts another message.
        rest = {} if _is_in_the_letter(came, items) else difference(came, write_turn(items, []))
        items[0] = msgspec.structs.replace(first, extra={NAME: {**(first.extra or {}).get(NAME, {}), TURN: rest}})
        self.items += items

    def _words(self, came: JsonObject, path: str) -> list[Message]:
        content, refusal = came.get("content"), text_or_none(came, "refusal")
        parts: tuple[Part, ...] = read_content(content, f"{path}.content")
        if content == "" and (refusal or came.get("tool_calls") or came.get("function_call")):
            parts = ()
        if refusal is not None:
            parts = (*parts, Text(refusal, refusal=True))
        return [Message("assistant", parts)] if parts else []

    def _called(self, came: JsonObject, path: str) -> list[Call]:
        entries = came.get("tool_calls")
        calls: list[Call] = []
        if entries is not None:
            calls = each(read_call, list_at(entries, f"{path}.tool_calls"), f"{path}.tool_calls")
        if came.get("function_call") is not None:
            calls.append(self._legacy_call(object_at(came["function_call"], f"{path}.function_call"), path))
        for call in calls:
            self._calls[call.call_id] = call
        return calls

    def _legacy_call(self, value: JsonObject, path: str) -> Call:
        call_id = LEGACY_ID.format(self._legacy)
        self._legacy += 1
        arguments = text_or_none(value, "arguments") or ""
        return Call(call_id, text_at(value, "name", f"{path}.function_call"), arguments, extra={NAME: {LEGACY: True}})

    def _add(self, item: Message | Result, extra: dict[str, JsonObject] | None) -> None:
        self.items.append(msgspec.structs.replace(item, extra=extra) if extra else item)

    TABLE: dict[str, Callable[[_Reader, JsonObject, str], None]] = {
        "system": _message,
        "developer": _message,
        "user": _message,
        "assistant": _assistant,
        "tool": _tool,
        "function": _function,
    }


def _is_in_the_letter(came: JsonObject, items: list[Any]) -> bool:
    """Whether an assistant's message is words, calls or both, as `write_turn` writes them: nothing is left over of it."""
    content, called = came.get("content", ""), "tool_calls" in came
    if len(came) != 2 + called or not (content is None or isinstance(content, str)) or content == "":
        return False
    calls = items[content is not None :]
    return bool(calls) is called and all(call.extra is None for call in calls)


def _thoughts(came: JsonObject) -> list[Reasoning]:
    if came.keys().isdisjoint(THOUGHTS):
        return []
    fields = {name: came[name] for name in THOUGHTS if came.get(name)}
    if not fields:
        return []
    texts = [value for value in fields.values() if isinstance(value, str)]
    return [Reasoning(content=tuple(texts[:1]), extra={NAME: fields})]
