"""What routing may want to know of a request's body, found without parsing the whole, where its dialect says that it stands.

Everything takes bodies that are wrong: they are the provider's to refuse.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dragoman.dialects.glance import USER, Fields, Places, decode

_END_BYTES = 1024
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}]', re.DOTALL)
# Only where a run of such letters begins: within one that is too short each further letter would be tried anew.
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{2048,}")


class _Item(msgspec.Struct, gc=False):
    role: Any = None


def modalities(fields: Fields, places: Places) -> frozenset[str]:
    """What the conversation holds besides text."""
    raw = bytes(fields.get(places.items, b""))
    return frozenset({"text", *(kind for kind, pattern in places.media if pattern.search(raw) is not None)})


def media_bytes(fields: Fields, places: Places) -> int:
    """Bytes of pictures and files that stand in the conversation itself."""
    return sum(match.end() - match.start() for match in _BASE64.finditer(bytes(fields.get(places.items, b""))))


def beginning(fields: Fields, places: Places) -> bytes:
    """What tells one conversation from another and is the same in all of its requests: how what comes before it begins and ends, and
    its items up to the first of the user's. However long the conversation is, only these items are looked at."""
    system, items = memoryview(fields.get(places.system, b"")), memoryview(fields.get(places.items, b""))
    return b"\0".join([_ends(system), _ends(items[: _end_of_users_first(items)])])


def last_words(fields: Fields, places: Places) -> bytes:
    """The last item of the user's, as raw JSON; of a conversation that is one text, that."""
    items = fields.get(places.items)
    parts = decode(items, list[msgspec.Raw])
    if parts is None:
        return bytes(items or b"")
    return next((bytes(part) for part in reversed(parts) if _role(part) == "user"), b"")


def text_entries(raw: msgspec.Raw | bytes | None) -> dict[str, str]:
    """The entries of a JSON object that are text, numbers or truth values, as text."""
    found = decode(raw, dict[str, Any]) or {}
    return {name: _plain(entry) for name, entry in found.items() if isinstance(entry, str | int | float)}


def _plain(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ends(text: memoryview) -> bytes:
    """A long text by its two ends and its length: a prompt differs from another there, if anywhere."""
    size = len(text)
    return bytes(text) if size <= 2 * _END_BYTES else b"%b%d%b" % (text[:_END_BYTES], size, text[size - _END_BYTES :])


def _end_of_users_first(items: memoryview) -> int:
    """Where the first item of the user's ends in a JSON list (without one: the first item; of one text: all of it). Found by its role,
    which inside a text would have its quotes escaped; from there to where its braces close."""
    role = USER.search(items)
    if role is None and bytes(items[:1]) != b"[":
        return len(items)
    depth, outside = 0, 0 if role is None else -1
    for token in _TOKEN.finditer(items, 0 if role is None else role.end()):
        mark = token[0]
        if mark == b"{":
            depth += 1
        elif mark == b"}":
            depth -= 1
            if depth == outside:
                return token.end()
    return len(items)


def _role(part: msgspec.Raw) -> Any:
    item = decode(part, _Item)
    return None if item is None else item.role
