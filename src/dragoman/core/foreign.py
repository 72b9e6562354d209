"""What a body may not hold if it is to be relayed to a deployment. Made when the runtime is built, asked on every request."""

from __future__ import annotations

import re

import msgspec

from dragoman.wire.splice import Outline

_ALIKE = frozenset({"tools"})
"""Fields that an agent sends alike with each request. Of these the last ones that were found clean are remembered."""
_REMEMBERED = 4
_REMEMBERED_BYTES = 256 * 1024
_FALSE_ALARMS = 64


class Foreign(msgspec.Struct, frozen=True):
    """Top-level `keys` that the target does not take; a `mark` that may stand nowhere in the body; per field what may not stand within, as
    `patterns` find it. A false alarm costs speed, never meaning: the exchange is translated."""

    keys: frozenset[str] = frozenset()
    mark: bytes = b"\0"
    patterns: dict[str, re.Pattern[bytes]] = {}
    clean: dict[str, tuple[bytes, ...]] = msgspec.field(default_factory=dict[str, tuple[bytes, ...]])

    def is_in(self, outline: Outline) -> bool:
        """Whether the body holds any of it."""
        fields = outline.fields
        if not self.keys.isdisjoint(fields) or holds(outline.body, self.mark):
            return True
        patterns = self.patterns
        for name in fields:  # noqa: SIM110 - a generator costs as much again
            if name in patterns and self._is_within(name, fields[name]):
                return True
        return False

    def _is_within(self, name: str, value: msgspec.Raw) -> bool:
        if name not in _ALIKE or len(value) > _REMEMBERED_BYTES:
            return self.patterns[name].search(value) is not None
        known, text = self.clean.get(name, ()), bytes(value)
        if text in known:
            return False
        if self.patterns[name].search(text) is not None:
            return True
        self.clean[name] = (text, *known[: _REMEMBERED - 1])
        return False


def holds(body: bytes, mark: bytes) -> bool:
    """Whether the mark stands in the body. It is looked for by its last letter, which should be rare: Python finds a letter thirty times
    as fast as a word."""
    before, last, at = mark[:-1], mark[-1:], -1
    for _ in range(_FALSE_ALARMS):
        at = body.find(last, at + 1)
        if at < 0 or body.endswith(before, 0, at):
            return at >= 0
    return body.find(mark, at) >= 0
