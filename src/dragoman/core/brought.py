"""What a request brings that was not in the one before it: the results of tools, and the user's next words.

An agent sends its whole conversation each time. What is new stands behind the model's last words, so only the end of the body is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from dragoman.ir.record import ToolResult

_NEAR_BYTES = 256 * 1024
"""How much of a body's end is looked at: a conversation may be longer, what came with its last step hardly ever is."""
_FIRST_BYTES = 8192
_TOKEN_BYTES = 4
_MOST = 256
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\]]', re.DOTALL)
_EXIT = re.compile(r'(?:"exit_code"\s*:\s*|[Ee]xit code:?\s+|exited with code\s+)(-?\d+)')
_EXIT_WITHIN = 400
_OPENING = re.compile(rb"\s*:\s*\[")
_TRIES = 20
_MARK_BYTES = 64
"""As long as a mark may be, before the word in it ends."""


class Brought(msgspec.Struct, frozen=True, gc=False):
    """results: of tools; words: what tells the user's words from others, within this process; None: there are none."""

    results: tuple[ToolResult, ...] = ()
    words: int | None = None


Item = dict[str, msgspec.Raw]


class _Marks(msgspec.Struct, frozen=True):
    """field: of the body, with the conversation. model: what the model's own items bear (words: one of these, in any case); results: what
    those with results of tools bear. read: an item's results."""

    field: bytes
    words: tuple[bytes, ...]
    model: re.Pattern[bytes]
    results: re.Pattern[bytes]
    read: Callable[[Item], Iterator[ToolResult]]


def brought(dialect: str, body: bytes) -> Brought:
    """What is new in this request's body."""
    marks = _DIALECTS.get(dialect)
    found = None if marks is None else _place(marks, body)
    if marks is None or found is None:
        return Brought()
    place, is_beside = found
    if marks.results.search(body, place) is None:
        # Nearly every first request of a turn. Nothing needs to be told from anything then.
        return Brought(words=hash(body[place:])) if _USER.search(body, place) is not None else Brought()
    results: list[ToolResult] = []
    words = None
    for item in _objects(body, place, is_beside):
        if marks.results.search(item) is not None:
            results += marks.read(_decoded(item, Item) or {})
        elif _USER.search(item) is not None:
            words = hash(item)
    return Brought(tuple(results[:_MOST]), words)


def _place(marks: _Marks, body: bytes) -> tuple[int, bool] | None:
    """Where what is new begins: within the model's last item; if it has said nothing, (that is the second) where the conversation does."""
    first = max(0, len(body) - _NEAR_BYTES)
    begin, size = len(body), _FIRST_BYTES
    while begin > first:
        # From the back, in steps that grow: the model's last words are near the end of almost every request.
        begin = max(first, len(body) - size)
        found = _last_mark(marks, body, begin)
        if found is not None:
            return found, False
        size *= 8
    if first:
        return None
    at = 0
    for _ in range(_TRIES):
        at = body.find(marks.field, at)
        if at < 0:
            return None
        opening = _OPENING.match(body, at + len(marks.field))
        if opening is not None:
            return opening.end(), True
        at += len(marks.field)
    return None


def _last_mark(marks: _Marks, body: bytes, begin: int) -> int | None:
    """Where the last mark of the model's ends, from there on. Looked for is a word of it, which goes ten times as fast as a pattern."""
    stop = len(body)
    for _ in range(_TRIES):
        at = end = -1
        for word in marks.words:
            found = body.rfind(word, max(begin, at), stop)
            if found >= 0:
                at, end = found, found + len(word)
        if at < 0:
            return None
        last = _last(marks.model.finditer(body, max(begin, at - _MARK_BYTES), end))
        if last is not None:
            return last
        stop = at
    return _last(marks.model.finditer(body, begin, stop))


def _last(found: Iterator[re.Match[bytes]]) -> int | None:
    end = None
    for match in found:
        end = match.end()
    return end


def _objects(body: bytes, place: int, is_beside: bool) -> Iterator[bytes]:
    """The items from a place on. It is beside them, or else within one, which is passed over."""
    depth = start = 0
    for token in _TOKEN.finditer(body, place):
        mark = token[0]
        if mark == b"{":
            start = token.start() if depth == 0 else start
            depth += 1
        elif mark == b"}":
            depth -= 1
            if depth == 0 and is_beside:
                yield body[start : token.end()]
            elif depth < 0:
                depth, is_beside = 0, True
        elif depth == 0 and is_beside and mark == b"]":
            return


def _decoded(raw: bytes | msgspec.Raw | None, kind: Any) -> Any:
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


# ---- the dialects --------------------------------------------------------------------------------------------------------


def _of(*ids: str, said: str) -> Callable[[Item], Iterator[ToolResult]]:
    """An item that is the result of one call."""

    def read(item: Item) -> Iterator[ToolResult]:
        call_id = next((value for name in ids if isinstance(value := _decoded(item.get(name), Any), str)), None)
        if call_id is not None:
            output = bytes(item.get(said, b""))
            size = len(output) - 2 if output[:1] == b'"' else len(output)
            yield ToolResult(call_id, size, _failed(item, output), size // _TOKEN_BYTES)

    return read


def _within(field: str, inner: Callable[[Item], Iterator[ToolResult]], at: str | None = None) -> Callable[[Item], Iterator[ToolResult]]:
    """An item that holds several of them in a field; at: below this name there."""

    def read(item: Item) -> Iterator[ToolResult]:
        parts: list[Item] = _decoded(item.get(field), list[Item]) or []
        for part in parts:
            found: Item | None = part if at is None else _decoded(part.get(at), Item)
            if found:
                yield from inner(found)

    return read


def _failed(item: Item, output: bytes) -> bool:
    if _decoded(item.get("is_error"), Any) is True:
        return True
    code = _EXIT.search(output[:_EXIT_WITHIN].replace(b'\\"', b'"').decode("utf-8", "replace"))
    return code is not None and int(code[1]) != 0


def _role(word: bytes) -> re.Pattern[bytes]:
    """Inside a text the quotes would be escaped."""
    return re.compile(rb'"role"\s*:\s*"' + word + rb'"')


_USER = _role(b"user")
_DIALECTS: dict[str, _Marks] = {
    "responses": _Marks(
        b'"input"',
        (b'_call"', b'"reasoning"', b'"assistant"'),
        re.compile(rb'"role"\s*:\s*"assistant"|"type"\s*:\s*"(?:[a-z_]+_call|reasoning)"'),
        re.compile(rb'"type"\s*:\s*"[a-z_]+_call_output"'),
        _of("call_id", "id", said="output"),
    ),
    "chat": _Marks(b'"messages"', (b'"assistant"',), _role(b"assistant"), _role(b"tool"), _of("tool_call_id", said="content")),
    "messages": _Marks(
        b'"messages"',
        (b'"assistant"',),
        _role(b"assistant"),
        re.compile(rb'"type"\s*:\s*"(?:[a-z_]+_)?tool_result"'),
        _within("content", _of("tool_use_id", said="content")),
    ),
    "generate": _Marks(
        b'"contents"',
        (b'"model"',),
        _role(b"model"),
        re.compile(rb'"functionResponse"\s*:\s*\{'),
        _within("parts", _of("id", said="response"), "functionResponse"),
    ),
}
"""By the name of the dialect."""
