"""Ids of tool calls: legal here, unique in the conversation, the same for a call and its result, and reversible.

Anthropic takes `^[a-zA-Z0-9_-]+$`; other providers make ids with dots and colons, empty ones, or `call_0` in every answer.
https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_LEGAL = re.compile(r"[a-zA-Z0-9_-]+")
_MARK = "drgid-"
"""How an id begins that stands for an illegal one: URL-safe base64 of it follows."""


def legal_id(call_id: str) -> str:
    """The id on the wire. Different ids stay different."""
    if call_id[:6] != _MARK and _LEGAL.fullmatch(call_id):
        return call_id
    return _MARK + urlsafe_b64encode(call_id.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def own_id(legal: str) -> str:
    """What `legal_id` made it from."""
    if legal[:6] != _MARK:
        return legal
    packed = legal[len(_MARK) :]
    try:
        found = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        return legal
    return found if legal_id(found) == legal else legal


class Ids:
    """The ids of one conversation: a call whose id was used before gets one of its own."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def call(self, call_id: str) -> str:
        """The id of a further call, not yet in its legal form."""
        chosen = call_id
        while chosen in self._taken:
            self._taken[call_id] += 1
            chosen = f"{call_id}-{self._taken[call_id]}"
        self._taken[chosen] = 1
        return chosen
