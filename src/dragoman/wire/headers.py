"""Header helpers: how long a server asks to wait, and texts that may stand in a header. Names are in lower case everywhere."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from dragoman.wire.frame import Headers


def first(headers: Headers, name: str) -> str | None:
    """The first value of a header, or None. `name` is in lower case."""
    for key, value in headers:
        if key == name:
            return value
    return None


def retry_after_s(headers: Headers, now: float | None) -> float | None:
    """How many seconds the server asks to wait, never negative: `retry-after-ms` (OpenAI, Azure), else `retry-after`.

    None if it doesn't say, or says it in no legal form. `now` is Unix seconds; where it is None, a date says nothing.
    """
    milliseconds = first(headers, "retry-after-ms")
    if milliseconds is not None and (value := _number(milliseconds)) is not None:
        return value / 1000
    wait = first(headers, "retry-after")
    return parse_retry_after(wait, now) if wait is not None else None


def parse_retry_after(value: str, now: float | None) -> float | None:
    """Seconds, or an HTTP date (RFC 9110, section 10.2.3), as seconds from `now` (Unix seconds). None if it is neither."""
    seconds = _number(value)
    if seconds is not None or now is None:
        return seconds
    try:
        date = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now)


def _number(text: str) -> float | None:
    # Providers send fractions too, though the RFC has whole seconds; no sign, no exponent, no `nan`.
    digits = text.strip()
    if not digits.replace(".", "", 1).isdecimal() or not digits.isascii() or len(digits) > 12:
        return None
    return float(digits)


def header_text(text: str) -> str:
    """Words as a header can hold them, at most 1000: model names, warnings and addresses repeat what somebody else chose."""
    if not (text.isascii() and text.isprintable()):
        text = "".join([c if " " <= c <= "~" else " " if c.isspace() else "?" for c in text])
    return text[:1000].strip()
