"""What a body may not hold if it is to be relayed to a deployment. Made when the runtime is built, asked on every request."""

from __future__ import annotations

import re

import msgspec

from dragoman.wire.splice import Outline


class Foreign(msgspec.Struct, frozen=True):
    """Top-level `keys` that the target does not take, and per field what may not stand within: a byte string of `needles`
    (found fast), and what `patterns` find. A false alarm costs speed, never meaning: the exchange is translated."""

    keys: frozenset[str] = frozenset()
    needles: dict[str, bytes] = {}
    patterns: dict[str, re.Pattern[bytes]] = {}

    def is_in(self, outline: Outline) -> bool:
        """Whether the body holds any of it."""
        fields = outline.fields
        if not self.keys.isdisjoint(fields):
            return True
        for name, needle in self.needles.items():
            if name in fields and needle in bytes(fields[name]):
                return True
        return any(name in fields and pattern.search(fields[name]) is not None for name, pattern in self.patterns.items())
