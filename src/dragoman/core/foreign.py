"""What a body may not hold if it is to be relayed to a deployment. Made when the runtime is built, asked on every request."""

from __future__ import annotations

import re

import msgspec

from dragoman.wire.splice import Outline

_GLANCES = 64


class Foreign(msgspec.Struct, frozen=True):
    """Top-level `keys` that the target does not take; a `mark` that may stand nowhere in the body; per field what may not stand within, as
    `patterns` find it. A false alarm costs speed, never meaning: the exchange is translated."""

    keys: frozenset[str] = frozenset()
    mark: bytes = b""
    patterns: dict[str, re.Pattern[bytes]] = {}

    def is_in(self, outline: Outline) -> bool:
        """Whether the body holds any of it."""
        fields = outline.fields
        if not self.keys.isdisjoint(fields) or (self.mark and holds(outline.body, self.mark)):
            return True
        for name, pattern in self.patterns.items():
            value = fields.get(name)
            if value is not None and pattern.search(value) is not None:
                return True
        return False


def holds(body: bytes, mark: bytes) -> bool:
    """Whether `mark` stands in the body. In text the next to last character of a mark, a digit, is rare, and a single character is found
    ten times as fast as several; in a body with many of them the whole mark is looked for from there on."""
    rare, before = mark[-2], len(mark) - 2
    at = body.find(rare)
    for _ in range(_GLANCES):
        if at < 0:
            return False
        if body.startswith(mark, max(at - before, 0)):
            return True
        at = body.find(rare, at + 1)
    return body.find(mark, max(at - before, 0)) >= 0 if at >= 0 else False
