"""What a body may not hold if it is to be relayed to a deployment. Made when the runtime is built, asked on every request."""

from __future__ import annotations

import re

import msgspec

from dragoman.wire.splice import Outline


class Foreign(msgspec.Struct, frozen=True):
    """Top-level `keys` that the target does not take; a `mark` that may stand nowhere in the body; per field what may not stand within, as
    `patterns` find it. A false alarm costs speed, never meaning: the exchange is translated."""

    keys: frozenset[str] = frozenset()
    mark: bytes = b"\0"
    patterns: dict[str, re.Pattern[bytes]] = {}

    def is_in(self, outline: Outline) -> bool:
        """Whether the body holds any of it."""
        fields = outline.fields
        if not self.keys.isdisjoint(fields) or outline.body.find(self.mark) >= 0:
            return True
        patterns = self.patterns
        for name in fields:  # noqa: SIM110 - a generator costs as much again
            if name in patterns and patterns[name].search(fields[name]) is not None:
                return True
        return False
