"""Limits of keys: how much each may still ask, told in the headers of every answer in the words of the dialect's own provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import msgspec

from dragoman.simulator.mischief import Limit

Headers = list[tuple[str, str]]


class Left(msgspec.Struct, frozen=True):
    """What a key may still ask after a request: `asked_s` is the time of it, `resets_s` that of the next window."""

    limit: int
    remaining: int
    asked_s: float
    resets_s: float

    @property
    def wait_s(self) -> float:
        """Until the next window."""
        return self.resets_s - self.asked_s


class Limits:
    """Counts the requests of each key. `clock` gives seconds since 1970."""

    def __init__(self, limits: tuple[Limit, ...], clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, key: str) -> Left | None:
        """Count one request of this key; None where it has no limit. A `remaining` below zero means that the request is too much."""
        limit = next((one for one in self._limits if fnmatchcase(key, one.key)), None)
        if limit is None:
            return None
        now = self._clock()
        began, used = self._windows.get(key, (now, 0))
        if now >= began + limit.per_s:
            began, used = now, 0
        used = min(used + 1, limit.requests + 1)
        self._windows[key] = (began, used)
        return Left(limit.requests, limit.requests - used, now, began + limit.per_s)


def limit_headers(left: Left, dialect: str) -> Headers:
    """What is left, as the provider of a dialect tells it; Google tells nothing."""
    if dialect == "generate":
        return []
    told = (("limit", str(left.limit)), ("remaining", str(max(0, left.remaining))), ("reset", _reset(left, dialect)))
    if dialect == "messages":
        return [(f"anthropic-ratelimit-requests-{field}", value) for field, value in told]
    return [(f"x-ratelimit-{field}-requests", value) for field, value in told]


def refusal_headers(left: Left) -> Headers:
    """How long to wait, for a request that was too much."""
    return [("retry-after", str(-int(-left.wait_s // 1))), ("retry-after-ms", str(int(left.wait_s * 1000)))]


def _reset(left: Left, dialect: str) -> str:
    if dialect == "messages":
        return datetime.fromtimestamp(left.resets_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{int(left.wait_s * 1000)}ms" if left.wait_s < 1 else f"{left.wait_s:.3f}s"
