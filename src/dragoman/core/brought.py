"""What a request brings that was not in the one before it: the results of tools, and the user's next words.

An agent sends its whole conversation each time. What is new stands behind the model's last words, so only the end of the body is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from dragoman.dialects.glance import USER, Brings, Glance, Result, decode
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
_LIST = ord("[")
_TRIES = 20
_MARK_BYTES = 64
"""As long as a mark may be, before the word in it ends."""


class Brought(msgspec.Struct, frozen=True, gc=False):
    """results: of tools; words: the user's, as they stand there; None: there are none."""

    results: tuple[ToolResult, ...] = ()
    words: bytes | None = None


NOTHING_NEW = Brought()


def brought(glance: Glance, body: bytes, items: tuple[int, int] | None = None) -> Brought:
    """What is new in this request's body. items: from where to where its conversation stands, if that is known: nothing else is looked
    at then."""
    brings = glance.brings
    if items is not None and _is_silent(brings.words, body, items):
        place, stop, is_beside = items[0] + 1, items[1], True
    elif (found := _place(glance, body, items)) is not None:
        place, stop, is_beside = found
    else:
        return NOTHING_NEW
    # Looked for is a word first: many times as fast as a pattern.
    if body.find(brings.result_word, place, stop) < 0 or brings.results.search(body, place, stop) is None:
        # Nearly every first request of a turn. Nothing needs to be told from anything then.
        return Brought(words=body[place:stop]) if USER.search(body, place, stop) is not None else NOTHING_NEW
    results: list[ToolResult] = []
    words = None
    for item in _objects(body, place, stop, is_beside):
        if brings.results.search(item) is not None:
            results += [_result(one) for one in brings.read(decode(item, dict[str, msgspec.Raw]) or {})]
        elif USER.search(item) is not None:
            words = item
    return Brought(tuple(results[:_MOST]), words)


def _is_silent(words: tuple[bytes, ...], body: bytes, items: tuple[int, int]) -> bool:
    """Whether it is plain that a model has said nothing in a conversation: it is short, and none of these words is in it."""
    start, stop = items
    return stop - start <= _FIRST_BYTES and body[start] == _LIST and not _holds(words, body, start, stop)


def _holds(words: tuple[bytes, ...], body: bytes, begin: int, stop: int) -> bool:
    for word in words:  # noqa: SIM110 - to make a generator takes as long as to look through a short body
        if body.find(word, begin, stop) >= 0:
            return True
    return False


def _place(glance: Glance, body: bytes, items: tuple[int, int] | None) -> tuple[int, int, bool] | None:
    """From where to where stands what is new: from within the model's last item on; if it has said nothing (that is the third), all of
    the conversation."""
    start, stop = (0, len(body)) if items is None else items
    first = start if stop - start <= _NEAR_BYTES else stop - _NEAR_BYTES
    begin = end = stop
    size = _FIRST_BYTES
    while begin > first:
        # From the back, in steps that grow: the model's last words are near the end of almost every request.
        begin = first if stop - size <= first else stop - size
        found = _last_mark(glance.brings, body, begin, end)
        if found is not None:
            return found, stop, False
        end = begin + _MARK_BYTES
        size *= 8
    if first != start:
        return None
    place = _opening(glance, body) if items is None else first + 1 if body[first] == _LIST else None
    return None if place is None else (place, stop, True)


def _opening(glance: Glance, body: bytes) -> int | None:
    at, field = 0, b'"%b"' % glance.places.items.encode()
    for _ in range(_TRIES):
        at = body.find(field, at)
        if at < 0:
            return None
        opening = _OPENING.match(body, at + len(field))
        if opening is not None:
            return opening.end()
        at += len(field)
    return None


def _last_mark(brings: Brings, body: bytes, begin: int, stop: int) -> int | None:
    """Where the last mark of the model's between these places ends. Looked for is a word of it: ten times as fast as a pattern."""
    # Forwards it goes faster still: enough where there is none.
    if not _holds(brings.words, body, begin, stop):
        return None
    for _ in range(_TRIES):
        at = end = -1
        for word in brings.words:
            found = -1 if at >= 0 and body.find(word, at, stop) < 0 else body.rfind(word, max(begin, at), stop)
            if found >= 0:
                at, end = found, found + len(word)
        if at < 0:
            return None
        last = _last(brings.model.finditer(body, max(begin, at - _MARK_BYTES), end))
        if last is not None:
            return last
        stop = at
    return _last(brings.model.finditer(body, begin, stop))


def _last(found: Iterator[re.Match[bytes]]) -> int | None:
    end = None
    for match in found:
        end = match.end()
    return end


def _objects(body: bytes, place: int, stop: int, is_beside: bool) -> Iterator[bytes]:
    """The items from a place on. It is beside them, or else within one, which is passed over."""
    depth = start = 0
    for token in _TOKEN.finditer(body, place, stop):
        mark = token[0]
        if mark == b"{":
            start = token.start() if depth == 0 else start
            depth += 1
        elif mark == b"}":
            depth -= 1
            if depth == 0 and is_beside:
                yield body[start : token.end()]
            elif depth < 0:
                items = _rest(body, token.end(), stop)
                if items is not None:
                    yield from items
                    return
                depth, is_beside = 0, True
        elif depth == 0 and is_beside and mark == b"]":
            return


def _rest(body: bytes, place: int, stop: int) -> list[bytes] | None:
    """The items behind the one that ends at a place, where the list of them ends at `stop`: a tenth of the time. None where it does not,
    or they are not JSON."""
    if not body.startswith(b",", place) or not body.endswith(b"]", 0, stop):
        return None
    found = decode(b"[" + body[place + 1 : stop], list[msgspec.Raw])
    return None if found is None else [item for each in found if (item := bytes(each)).startswith(b"{")]


def _result(said: Result) -> ToolResult:
    size = len(said.output) - 2 if said.output[:1] == b'"' else len(said.output)
    return ToolResult(said.call_id, size, said.is_error or _has_failed(said.output), size // _TOKEN_BYTES)


def _has_failed(output: bytes) -> bool:
    """Whether it begins with the word of a program that ended otherwise than well."""
    code = _EXIT.search(output[:_EXIT_WITHIN].replace(b'\\"', b'"').decode("utf-8", "replace"))
    return code is not None and int(code[1]) != 0
