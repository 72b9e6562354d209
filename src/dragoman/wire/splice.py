"""Read and replace top-level fields of a JSON object and leave every other byte as it is.

A gateway that relays must not parse and write again what it doesn't change: numbers, key order, escapes and unknown fields
reach the provider as the client wrote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import msgspec

from dragoman.wire.frame import WireError

# No possessive quantifiers: Python 3.11.2 matches them wrongly inside a repeated group (https://github.com/python/cpython/issues/101955).
_KEY = re.compile(rb'[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*")[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_OPEN = re.compile(rb"[ \t\r\n]*\{")
_AFTER = re.compile(rb"[ \t\r\n]*([,}])")

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_key = msgspec.json.Decoder(str).decode
_scan_value = json.JSONDecoder().raw_decode

_MOST_MEMBERS = 10_000
"""No API has more than some dozen fields. Each of them is gone through, and a body may have room for millions."""

Splice = tuple[int, int, bytes]
"""What to put in place of these bytes (from, to, instead)."""


def spliced(body: bytes, splice: Splice) -> bytes:
    """What a splice makes of a body."""
    start, stop, put = splice
    view = memoryview(body)
    return b"".join((view[:start], put, view[stop:]))


_Member = tuple[str, int, int, int]
"""Name, and where in the body its key starts, its value starts, its value ends."""


class Outline:
    """The top level of a JSON object: found once, asked and spliced as often as needed."""

    __slots__ = ("_is_compact", "_walked", "body", "fields")

    def __init__(self, body: bytes) -> None:
        """Raises WireError if the body is not one JSON object."""
        self.body = body
        self._walked: list[_Member] | None = None
        try:
            self.fields: dict[str, msgspec.Raw] = _decode_fields(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WireError(f"the body is not a JSON object: {error}") from error
        except RecursionError as error:
            raise WireError("the body is not acceptable JSON: it is nested too deeply") from error
        # Keys and values that were kept, two quotes, a colon and a comma each, two braces: a body of just that size has no blanks,
        # no escaped keys, and no key twice, for each of these would make it longer. Most bodies are so, and need no walk.
        # (Keys in anything but ASCII are longer than they count here, so a body with one is never taken for compact.)
        fields = self.fields
        self._is_compact = len(body) == 1 + 4 * len(fields) + sum(map(len, fields.values())) + len("".join(fields))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outline) and self.body == other.body

    __hash__ = None  # type: ignore[assignment]

    def refuse_twice(self, names: Iterable[str]) -> None:
        """Raises WireError if one of `names` stands in the object twice, however it is spelled: which of the two counts is up to
        the parser, so what was routed might not be what is answered."""
        if self._is_compact:
            return
        seen: set[str] = set()
        for name, _, _, _ in self._members():
            if name in seen and name in names:
                raise WireError(f"the field `{name}` stands twice in the JSON object")
            seen.add(name)

    def raw(self, name: str) -> bytes | None:
        """The raw JSON of a field, or None if it is not there."""
        value = self.fields.get(name)
        return None if value is None else bytes(value)

    def place(self, name: str) -> tuple[int, int] | None:
        """From where to where the value of a field stands; None if there is none, or it cannot be told without a walk."""
        if not self._is_compact:
            return None
        start = 1
        for each, value in self.fields.items():
            start += len(each) + 3
            if each == name:
                return start, start + len(value)
            start += len(value) + 1
        return None

    def replace(self, changes: Mapping[str, bytes | None]) -> bytes:
        """The body with new raw JSON values for fields (None: taken out); those that are missing are added at the end. Every other
        byte is as it was. Raises WireError if one of the fields stands twice."""
        self.refuse_twice(changes)
        members = self._members()
        first_key = members[0][1] if members else _after_brace(self.body)
        pieces = [self.body[:first_key]]
        last_end = members[-1][3] if members else first_key
        # What stands before the next piece that is kept, separators included, is copied in one slice.
        copied = previous_end = first_key
        empty = True
        for name, _, start, end in members:
            if name in changes:
                value = changes[name]
                pieces.append(self.body[copied : previous_end if value is None else start])
                if value is not None:
                    pieces.append(value)
                    empty = False
                copied = end
                if value is None and empty:
                    # The first of all is gone: so is the comma after it.
                    copied = self._next_key(end, last_end)
            else:
                empty = False
            previous_end = end
        pieces.append(self.body[copied:last_end])
        for name, value in changes.items():
            if value is not None and name not in self.fields:
                pieces.append(b"%b%b:%b" % (b"" if empty else b",", msgspec.json.encode(name), value))
                empty = False
        pieces.append(self.body[last_end:])
        return b"".join(pieces)

    def _next_key(self, end: int, last_end: int) -> int:
        return next((key for _, key, _, _ in self._members() if key > end), last_end)

    def _members(self) -> list[_Member]:
        if self._walked is None:
            try:
                self._walked = self._measured() if self._is_compact else _walk(self.body, self.fields)
            except ValueError as error:
                raise WireError(f"the body is not a JSON object: {error}") from error
            except RecursionError as error:
                raise WireError("the body is not acceptable JSON: it is nested too deeply") from error
        return self._walked

    def _measured(self) -> list[_Member]:
        members: list[_Member] = []
        at = 1
        for name, value in self.fields.items():
            start = at + len(name) + 3
            end = start + len(value)
            members.append((name, at, start, end))
            at = end + 1
        return members


def read_fields(body: bytes, names: tuple[str, ...]) -> dict[str, bytes]:
    """The raw JSON values of those top-level fields that are there. Raises WireError as `Outline` and `refuse_twice` do."""
    outline = Outline(body)
    outline.refuse_twice(names)
    return {name: bytes(outline.fields[name]) for name in names if name in outline.fields}


def replace_fields(body: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """Give top-level fields new raw JSON values, as `Outline.replace` does."""
    return Outline(body).replace(changes)


def _walk(body: bytes, fields: dict[str, msgspec.Raw]) -> list[_Member]:
    # msgspec has found and checked every value in one pass, but tells no positions and keeps only the last of equal keys. So walk
    # from key to key, stepping over each value by what msgspec found. Where its value isn't the one that stands here (or a number
    # is only the beginning of it), this key comes again later, and the value is measured here.
    members: list[_Member] = []
    text: str | None = None
    position = _after_brace(body)
    while (match := _KEY.match(body, position)) is not None:
        quoted = match[1]
        name = _decode_key(quoted) if b"\\" in quoted else quoted[1:-1].decode()
        start = match.end()
        value = bytes(fields[name])
        end = start + len(value)
        after = _AFTER.match(body, end) if body.startswith(value, start) else None
        if after is None:
            # latin-1 keeps one character per byte, so positions agree; the text of strings doesn't matter here.
            text = body.decode("latin-1") if text is None else text
            end = _scan_value(text, start)[1]
            after = _AFTER.match(body, end)
        members.append((name, match.start(1), start, end))
        if len(members) > _MOST_MEMBERS:
            raise WireError(f"the JSON object has more than {_MOST_MEMBERS} fields")
        if after is None or after[1] == b"}":
            break
        position = after.end()
    return members


def _after_brace(body: bytes) -> int:
    match = _OPEN.match(body)
    return match.end() if match is not None else 0
