"""How values are said on the pages: times, counts, sizes, money. None is said as a dash: it was not told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

NOT_TOLD = "–"
_PICO = 10**12
_LEFT = 499


def seconds(value: float | None) -> str:
    """A duration, to what an eye can use."""
    if value is None:
        return NOT_TOLD
    if value < 0.0995:
        return f"{value * 1000:.1f} ms" if value < 0.00995 else f"{value * 1000:.0f} ms"
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def count(value: int | None) -> str:
    """A whole number, in groups of three."""
    return NOT_TOLD if value is None else f"{value:,}".replace(",", "\u202f")


def short(value: int | None) -> str:
    """A count in a narrow column: `4.2k`."""
    if value is None:
        return NOT_TOLD
    if value < 1000:
        return str(value)
    if value < 9950:
        return f"{value / 1000:.1f}k"
    if value < 999_500:
        return f"{value / 1000:.0f}k"
    return f"{value / 1_000_000:.1f}M" if value < 999_950_000 else f"{value / 1_000_000_000:.1f}G"


def size(value: int | None) -> str:
    """Bytes."""
    if value is None:
        return NOT_TOLD
    if value < 1024:
        return f"{value} B"
    return f"{value / 1024:.1f} KiB" if value < 1024 * 1024 else f"{value / 1024 / 1024:.1f} MiB"


def dollars(pico: int | None) -> str:
    """Money, of which small amounts are told as well."""
    if pico is None:
        return NOT_TOLD
    sign, value = "-" if pico < 0 else "", abs(pico) / _PICO
    if value == 0:
        return "$0"
    places = 2 if value >= 100 else 4 if value >= 0.01 else 6
    return f"{sign}${value:,.{places}f}".replace(",", "\u202f") if value >= 0.000001 else f"{sign}${value:.2g}"


def share(part: int | None, whole: int | None) -> str:
    """A part of a whole in percent; empty if there is none."""
    return f"{100 * part // whole} %" if part and whole else ""


def rate(value: float | None) -> str:
    """A share that was worked out, in percent; empty if there is none."""
    return f"{100 * value:.0f} %" if value else ""


def iso(unix_s: float) -> str:
    """A moment for machines; the pages' script says it in the reader's own time."""
    try:
        return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return ""


def moment(unix_s: float) -> str:
    """A moment for people, in universal time."""
    said = iso(unix_s)
    return f"{said[:10]} {said[11:19]} UTC" if said else NOT_TOLD


def clock(unix_s: float) -> str:
    """Only the time of the day."""
    return iso(unix_s)[11:19] or NOT_TOLD


def outcome(row: Mapping[str, Any]) -> str:
    """How an exchange ended, as a word for its colour: ok, left, failed."""
    if row.get("status") == _LEFT:
        return "left"
    return "failed" if row.get("error") or (row.get("status") or 0) >= 400 else "ok"


FILTERS: dict[str, Callable[..., str]] = {
    one.__name__: one for one in (seconds, count, short, size, dollars, share, rate, iso, moment, clock, outcome)
}
"""By the names that templates have for them."""
