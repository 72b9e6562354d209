"""What a provider says of its limits in the headers of its answers: how much is left, and when it is full again.

All known forms are alike: `[vendor-][x-]ratelimit-` and then a verb (limit, remaining, reset) and what is counted, in any order:
`x-ratelimit-remaining-tokens` (OpenAI, Azure, Groq), `anthropic-ratelimit-tokens-remaining`, `x-ratelimit-remaining-tokens-minute`
(Cerebras, Mistral), `x-ratelimit-remaining` (OpenRouter), `ratelimit-remaining` (the IETF's draft). So names are not listed.
https://platform.openai.com/docs/guides/rate-limits · https://platform.claude.com/docs/en/api/rate-limits
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

_MARK = "ratelimit-"
_VERBS = frozenset({"limit", "remaining", "reset"})
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_MILLISECONDS = 1e11
"""A plain number as large as this is the time in milliseconds since 1970; as large as _SECONDS, in seconds; smaller, a duration."""
_SECONDS = 1e8
_MOST_KINDS = 16


class Limit(msgspec.Struct, frozen=True):
    """One thing that is counted, as `tokens` or `requests`. most, left: of it, per its span of time; full_at: when all of it is there
    again, on the clock of `now`. None: not told."""

    of: str
    most: float | None = None
    left: float | None = None
    full_at: float | None = None

    def is_spent(self, now: float) -> bool:
        """Whether nothing is left until a time that is still to come."""
        return self.left is not None and self.left <= 0 and self.full_at is not None and self.full_at > now


class Limits(msgspec.Struct, frozen=True):
    """Everything that one answer said of limits."""

    each: tuple[Limit, ...] = ()

    def free_at(self, now: float) -> float | None:
        """When all that is spent now is there again; None: nothing is."""
        spent = [limit.full_at for limit in self.each if limit.full_at is not None and limit.is_spent(now)]
        return max(spent) if spent else None

    def headroom(self, now: float) -> float:
        """The share that is left of whatever is scarcest, from 0 to 1; 1 where nothing is known."""
        shares = [
            max(0.0, min(1.0, limit.left / limit.most))
            for limit in self.each
            if limit.left is not None and limit.most and (limit.full_at is None or limit.full_at > now)
        ]
        return min(shares, default=1.0)


NONE = Limits()


def tells_limits(name: str) -> bool:
    """Whether a header of this name says something of limits."""
    return _MARK in name


def read_limits(headers: Iterable[tuple[str, str]], now: float, wall: float) -> Limits:
    """The limits in the headers of an answer (names in lower case). now: the clock that times are kept in; wall: Unix seconds,
    since some providers tell times of day. What cannot be read is left out."""
    found: dict[str, dict[str, str]] = {}
    for name, value in headers:
        at = name.find(_MARK)
        if at < 0:
            continue
        words = name[at + len(_MARK) :].split("-")
        verb = next((word for word in words if word in _VERBS), None)
        if verb is not None and len(found) < _MOST_KINDS:
            found.setdefault("-".join(word for word in words if word != verb), {})[verb] = value
    return Limits(tuple(_limit(of, said, now, wall) for of, said in found.items())) if found else NONE


def _limit(of: str, said: dict[str, str], now: float, wall: float) -> Limit:
    return Limit(of, _number(said.get("limit")), _number(said.get("remaining")), _time(said.get("reset"), now, wall))


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    # The IETF's drafts let parameters and further windows follow: `100, 100;w=60`.
    digits = text.partition(",")[0].partition(";")[0].strip()
    if not digits.isascii() or not digits.replace(".", "", 1).isdecimal() or len(digits) > 15:
        return None
    return float(digits)


def _time(text: str | None, now: float, wall: float) -> float | None:
    """A duration (`1s`, `6m0s`, `20ms`, `7.66`), a time since 1970, or a time of day in RFC 3339."""
    if text is None:
        return None
    number = _number(text)
    if number is not None:
        return now + _seconds_until(number, wall)
    text = text.strip()
    parts = _DURATION.findall(text)
    if parts and "".join(digits + unit for digits, unit in parts) == text:
        return now + sum(float(digits) * _UNITS[unit] for digits, unit in parts)
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return now + max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall)


def _seconds_until(number: float, wall: float) -> float:
    if number >= _MILLISECONDS:
        return max(0.0, number / 1000 - wall)
    return max(0.0, number - wall) if number >= _SECONDS else number
