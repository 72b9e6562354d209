"""How the numbers of a try are written: money, tokens, times, outcomes. What is not known is told as unknown, never as zero. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragoman.cli.trial.repository import Change
from dragoman.cli.trial.state import Entry
from dragoman.observe.line import legible

UNKNOWN = "unknown"


def outcome(entry: Entry) -> str:
    """How it ended, in a word or two."""
    if entry.state == "ended":
        return "done" if entry.code == 0 else f"failed ({entry.code})"
    return {"waiting": "not run", "running": "broken off", "stopped": "stopped", "timeout": "out of time"}[entry.state]


def lines_changed(changes: Sequence[Change]) -> str:
    """`+31 -4`; binary files change no lines."""
    return f"+{sum(change.added or 0 for change in changes)} -{sum(change.removed or 0 for change in changes)}" if changes else "-"


def tokens(sums: dict[str, Any]) -> str:
    """`48.1k (62 %) / 1.2k`: in (cached share) / out."""
    told_in, told_out = sums.get("input_tokens") or 0, sums.get("output_tokens") or 0
    if not told_in and not told_out:
        return UNKNOWN if sums.get("requests") else "-"
    cached = f" ({100 * (sums.get('cached_tokens') or 0) // told_in} %)" if told_in else ""
    return f"{short(told_in)}{cached} / {short(told_out)}"


def cost(sums: dict[str, Any]) -> str:
    """`$0.12`; `over $0.12` where a part has no known price; `unknown` where nothing has."""
    if not sums.get("requests"):
        return "-"
    whole = sums.get("cost_usd")
    if whole is not None:
        return money(whole)
    part = sums.get("known_cost_usd") or 0
    return f"over {money(part)}" if part else UNKNOWN


def money(usd: float) -> str:
    """Cents from a dollar on, else two figures that count: `$0.0042`."""
    if usd >= 1 or usd == 0:
        return f"${usd:.2f}"
    return f"${usd:.3f}" if usd >= 0.01 else f"${usd:.2g}" if usd >= 0.0001 else "under $0.0001"


def duration(seconds: float) -> str:
    """`41 s`, `3 min 05 s`, `1 h 02 min`."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def answered(sums: dict[str, Any]) -> str:
    """Who answered, the most often first."""
    models: dict[str, int] = sums.get("models") or {}
    return ", ".join(sorted(models, key=lambda name: -models[name])) or "nobody"


def short(number: int) -> str:
    """`999`, `48.1k`, `1.2M`."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def first_line(text: str) -> str:
    """The first line that says something, with nothing in it that a terminal would obey."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return legible(line[:300])
