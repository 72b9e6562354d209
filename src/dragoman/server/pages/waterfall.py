"""Where the time of an exchange went: rows of bars, each with its place in percent of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dragoman.server.pages.journal import rows

_WAITS = (("queue_s", "for a place"), ("admission_s", "for limits and budget"), ("guards_s", "for guards"), ("cache_s", "for the cache"))
_SLIVER = 0.4
_STEPS = 4
_SEEN_S = 0.00005
_PAUSE_S = 0.001
_ALWAYS = ("own_s", "total_s")


class Bar(msgspec.Struct, frozen=True):
    """A stretch of time. kind: how it is drawn; x, width: percent."""

    kind: str
    words: str
    x: str
    width: str


class Row(msgspec.Struct, frozen=True):
    """One line. note: what went wrong, if anything."""

    label: str
    bars: tuple[Bar, ...]
    took_s: float | None
    note: str = ""


def waterfall(fact: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows of an exchange with its `attempts`, in the order in which things began."""
    total_s = _width_s(fact)
    return (_whole(fact, total_s), *_waits(fact, total_s), *_tries(fact, total_s))


def ticks(fact: Mapping[str, Any]) -> tuple[float, ...]:
    """The times that stand below the rows, from left to right, in equal steps: seconds."""
    return tuple(_width_s(fact) * step / _STEPS for step in range(_STEPS + 1))


def _width_s(fact: Mapping[str, Any]) -> float:
    """How long the whole width of a row lasts."""
    return max([fact.get("total_s") or 0.0, *(attempt.get("ended_s") or 0.0 for attempt in rows(fact, "attempts")), 0.001])


def parts(fact: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """What took time, by name, in seconds; only what was told and can be seen."""
    names = (
        ("queue_s", "waiting for a place"),
        ("admission_s", "limits and budget"),
        ("guards_s", "guards"),
        ("cache_s", "cache"),
        ("waited_s", "waiting before further tries"),
        ("connect_s", "connecting"),
        ("upstream_first_byte_s", "to the provider's first byte"),
        ("first_token_s", "to the first token"),
        ("generation_s", "first token to last"),
        ("tools_s", "tools run by the gateway"),
        ("own_s", "the gateway's own share"),
        ("total_s", "altogether"),
    )
    return tuple(
        (words, took_s) for name, words in names if (took_s := fact.get(name)) is not None and (took_s >= _SEEN_S or name in _ALWAYS)
    )


def _whole(fact: Mapping[str, Any], total_s: float) -> Row:
    first_s = fact.get("first_token_s")
    if first_s is None:
        return Row("exchange", (_bar("wait", "until it ended", 0.0, total_s, total_s),), fact.get("total_s"))
    bars = (_bar("wait", "to the first token", 0.0, first_s, total_s), _bar("answer", "first token to end", first_s, total_s, total_s))
    return Row("exchange", bars, fact.get("total_s"))


def _waits(fact: Mapping[str, Any], total_s: float) -> Iterator[Row]:
    at = 0.0
    for name, words in _WAITS:
        took_s = fact.get(name)
        if took_s:
            yield Row(f"waiting {words}", (_bar("hold", "waiting", at, at + took_s, total_s),), took_s)
            at += took_s


def _tries(fact: Mapping[str, Any], total_s: float) -> Iterator[Row]:
    """Each attempt, with what was waited before it; and what was waited for one that never came."""
    left_s = fact.get("waited_s") or 0.0
    at = sum(fact.get(name) or 0.0 for name, _ in _WAITS)
    for number, attempt in enumerate(rows(fact, "attempts"), 1):
        row, began_s = _attempt(attempt, number, total_s), attempt.get("began_s") or 0.0
        held_s = min(left_s, began_s - at)
        if held_s >= _PAUSE_S:
            held = _bar("hold", "waiting before this try", began_s - held_s, began_s, total_s)
            row, left_s = msgspec.structs.replace(row, bars=(held, *row.bars)), left_s - held_s
        yield row
        at = attempt.get("ended_s") or total_s
    if (held_s := min(left_s, total_s - at)) >= _PAUSE_S:
        yield Row("waiting for a further try", (_bar("hold", "waiting", at, at + held_s, total_s),), held_s)


def _attempt(attempt: Mapping[str, Any], number: int, total_s: float) -> Row:
    began_s = attempt.get("began_s") or 0.0
    ended_s = attempt.get("ended_s") or total_s
    marks = [("connect", "connecting", attempt.get("connected_s")), ("wait", "waiting for the first byte", attempt.get("first_byte_s"))]
    bars: list[Bar] = []
    at = began_s
    for kind, words, until in marks:
        if until is not None and until > at:
            bars.append(_bar(kind, words, at, until, total_s))
            at = until
    last = "failed" if attempt.get("error") else "answer" if attempt.get("first_byte_s") is not None else "wait"
    bars.append(_bar(last, "failed" if last == "failed" else "answering", at, ended_s, total_s))
    name = f"{attempt.get('provider') or '?'}/{attempt.get('model') or '?'}"
    error = attempt.get("error") or ""
    status = attempt.get("status")
    note = f"{error} ({status})" if error and status else error
    return Row(f"{number}. {name}", tuple(bars), ended_s - began_s, note)


def _bar(kind: str, words: str, begin_s: float, end_s: float, total_s: float) -> Bar:
    # What is too short for its place, or ends after the whole, moves to where all of it can be seen.
    width = min(100.0, max(_SLIVER, 100 * (end_s - begin_s) / total_s))
    x = min(100.0 - width, max(0.0, 100 * begin_s / total_s))
    return Bar(kind, words, f"{x:.2f}%", f"{width:.2f}%")
