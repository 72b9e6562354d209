"""Takes the raw text out of `{"input": "…"}` while it arrives in pieces cut anywhere.

Weak models don't always keep to the form. Text that is no JSON object passes as it is; an object of another shape is held until
it is whole, and then its only string is taken, else the object as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

FIELD = "input"
"""The one property of a function that stands for a freeform tool."""

_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
# Every beginning of the opening: what a piece may end with before it is decided.
_MAY_OPEN = re.compile(r'\s*(?:\{\s*(?:"(?:i(?:n(?:p(?:u(?:t(?:"\s*(?::\s*)?)?)?)?)?)?)?)?)?\Z')
_PLAIN = re.compile(r'[^"\\]+')
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = re.compile(r"[0-9a-fA-F]{4}")


class Unescape:
    """Feed it the pieces of a call's arguments; each feeding returns the raw text that it completes."""

    def __init__(self) -> None:
        self._state = "opening"
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece."""
        return self._TABLE[self._state](self, piece)

    def close(self) -> str:
        """The arguments are over: what was held back."""
        held, self._held = self._held, ""
        if self._state == "string":
            return _broken(held)
        if self._state == "ended":
            return ""
        return _only_text(held)

    def _opening(self, piece: str) -> str:
        self._held += piece
        opened = _OPENING.match(self._held)
        if opened is not None:
            rest, self._held = self._held[opened.end() :], ""
            self._state = "string"
            return self._string(rest)
        if _MAY_OPEN.match(self._held):
            return ""
        if self._held.lstrip().startswith("{"):
            self._state = "whole"
            return ""
        raw, self._held = self._held, ""
        self._state = "raw"
        return raw

    def _string(self, piece: str) -> str:
        text = self._held + piece
        self._held = ""
        out: list[str] = []
        position = 0
        while position < len(text):
            plain = _PLAIN.match(text, position)
            if plain is not None:
                out.append(plain[0])
                position = plain.end()
            elif text[position] == '"':
                self._state = "ended"
                break
            else:
                found = _escape(text, position)
                if found is None:
                    self._held = text[position:]
                    break
                out.append(found[0])
                position = found[1]
        return "".join(out)

    def _whole(self, piece: str) -> str:
        self._held += piece
        return ""

    def _raw(self, piece: str) -> str:
        return piece

    def _ended(self, piece: str) -> str:
        return ""

    _TABLE: ClassVar[dict[str, Callable[[Any, str], str]]] = {
        "opening": _opening,
        "string": _string,
        "whole": _whole,
        "raw": _raw,
        "ended": _ended,
    }


def _escape(text: str, at: int) -> tuple[str, int] | None:
    """The character of the escape that starts at `at`, and where it ends; None if more text is needed."""
    if at + 1 >= len(text):
        return None
    letter = text[at + 1]
    if letter != "u":
        # An escape that JSON doesn't know stays as it is: weak models write `\\d` for the two characters that they mean.
        return _ESCAPES.get(letter, text[at : at + 2]), at + 2
    code = _code(text, at)
    if code is None:
        return ("\\u", at + 2) if len(text) >= at + 6 or not _may_be_hex(text[at + 2 :]) else None
    if not 0xD800 <= code < 0xE000:
        return chr(code), at + 6
    if code >= 0xDC00:
        return "\ufffd", at + 6
    return _pair(text, at, code)


def _pair(text: str, at: int, high: int) -> tuple[str, int] | None:
    # A character beyond U+FFFF is two escapes; half of one is no character.
    rest = text[at + 6 : at + 12]
    if len(rest) < 6 and _may_be_escape(rest):
        return None
    low = _code(text, at + 6) if rest.startswith("\\u") else None
    if low is None or not 0xDC00 <= low < 0xE000:
        return "\ufffd", at + 6
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), at + 12


def _code(text: str, at: int) -> int | None:
    digits = _HEX.match(text, at + 2)
    return int(digits[0], 16) if digits is not None else None


def _may_be_hex(text: str) -> bool:
    return all(letter in "0123456789abcdefABCDEF" for letter in text[:4])


def _may_be_escape(text: str) -> bool:
    return "\\u".startswith(text[:2]) and _may_be_hex(text[2:])


def _broken(held: str) -> str:
    """What an escape is worth that was cut off: half of a surrogate pair is one lost character, the rest is nothing."""
    return "\ufffd" if len(held) >= 6 else ""


def _only_text(text: str) -> str:
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    if not isinstance(value, dict):
        return text
    came: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
    if FIELD in came:
        found = came[FIELD]
        return found if isinstance(found, str) else msgspec.json.encode(found).decode()
    texts = list(came.values())
    return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else "" if not came else text
