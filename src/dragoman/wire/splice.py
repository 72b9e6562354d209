"""Read and replace top-level fields of a JSON object and leave every other byte as it is.

A gateway that relays must not parse and write again what it doesn't change: numbers, key order, escapes and unknown fields
reach the provider as the client wrote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import msgspec

from dragoman.wire.frame import WireError

_KEY = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*+")[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_OPEN = re.compile(rb"[ \t\r\n]*\{")
_AFTER = re.compile(rb"[ \t\r\n]*([,}])")

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_key = msgspec.json.Decoder(str).decode
_scan_value = json.JSONDecoder().raw_decode

_Member = tuple[str, int, int, int]
"""Name, and where in the body its key starts, its value starts, its value ends."""


def read_fields(body: bytes, names: tuple[str, ...]) -> dict[str, bytes]:
    """The raw JSON values of those top-level fields that are there.

    Raises WireError if the body is not a JSON object, or if one of `names` stands in it twice, however it is spelled: which of the
    two counts is up to the parser, so what was routed might not be what is answered.
    """
    members = _members(body)
    _refuse_twice(members, names)
    return {name: body[start:end] for name, _, start, end in members if name in names}


def replace_fields(body: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """Give top-level fields new raw JSON values (None: take the field out); those that are missing are added at the end.

    Raises WireError as `read_fields` does.
    """
    members = _members(body)
    _refuse_twice(members, tuple(changes))
    first_key = members[0][1] if members else _after_brace(body)
    pieces = [body[:first_key]]
    last_end = members[-1][3] if members else first_key
    empty = True
    previous_end = first_key
    for name, key, start, end in members:
        value = changes.get(name, b"")
        if value is not None:
            if not empty:
                pieces.append(body[previous_end:key])
            pieces.append(body[key:start] + value if value else body[key:end])
            empty = False
        previous_end = end
    present = {member[0] for member in members}
    for name, value in changes.items():
        if value is not None and name not in present:
            pieces.append(b"%b%b:%b" % (b"" if empty else b",", msgspec.json.encode(name), value))
            empty = False
    pieces.append(body[last_end:])
    return b"".join(pieces)


def _refuse_twice(members: list[_Member], names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for name, _, _, _ in members:
        if name in names and name in seen:
            raise WireError(f"the field `{name}` stands twice in the JSON object")
        seen.add(name)


def _members(body: bytes) -> list[_Member]:
    """Every top-level member in order. WireError if the body is not one JSON object."""
    try:
        fields = _decode_fields(body)
        return _walk(body, fields)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise WireError(f"the body is not a JSON object: {error}") from error
    except RecursionError as error:
        raise WireError("the body is not acceptable JSON: it is nested too deeply") from error


def _walk(body: bytes, fields: dict[str, msgspec.Raw]) -> list[_Member]:
    # msgspec has found and checked every value in one pass, but tells no positions and keeps only the last of equal keys. So walk
    # from key to key, stepping over each value by what msgspec found. Where its value isn't the one that stands here (or a number
    # is only the beginning of it), this key comes again later, and the value is measured here.
    members: list[_Member] = []
    position = _after_brace(body)
    while (match := _KEY.match(body, position)) is not None:
        quoted = match[1]
        name = _decode_key(quoted) if b"\\" in quoted else quoted[1:-1].decode()
        start = match.end()
        value = bytes(fields[name])
        end = start + len(value)
        after = _AFTER.match(body, end) if body.startswith(value, start) else None
        if after is None:
            end = _measure(body, start)
            after = _AFTER.match(body, end)
        members.append((name, match.start(1), start, end))
        if after is None or after[1] == b"}":
            break
        position = after.end()
    return members


def _after_brace(body: bytes) -> int:
    match = _OPEN.match(body)
    return match.end() if match is not None else 0


def _measure(body: bytes, start: int) -> int:
    # latin-1 keeps one character per byte, so positions agree; the text of strings doesn't matter here.
    return _scan_value(body.decode("latin-1"), start)[1]
