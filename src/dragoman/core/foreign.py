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
        patterns = self.patterns
        for name in fields:  # noqa: SIM110 - a generator costs as much again
            if name in patterns and patterns[name].search(fields[name]) is not None:
                return True
        return False


def holds(body: bytes, mark: bytes) -> bool:
    """Whether `mark` stands in the body. In text the next to last character of a mark, a digit, is rare, and a single character is found
    ten times as fast as several; in a body with many of them the whole mark is looked for from there on."""
    rare, before = mark[-2], len(mark) - 2
    at = body.find(rare)
    glances = 0
    while at >= 0:
        start = max(at - before, 0)
        if glances == _GLANCES:
            return body.find(mark, start) >= 0
        if body.startswith(mark, start):
            return True
        glances += 1
        at = body.find(rare, at + 1)
    return False
