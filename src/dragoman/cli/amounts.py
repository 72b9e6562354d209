"""How amounts are told on the terminal: times, counts, shares, money. `-` is what is not known."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from dragoman.server.pages import words

_LEAST = 0.000001
"""Of US dollars, told to the last place: less is less than this."""


def dollars(amount: float | None) -> str:
    """An amount of money, short; a small one so that it is not taken for nothing."""
    if amount is None:
        return "-"
    if not amount:
        return "$0"
    sign, value = "-" if amount < 0 else "", abs(amount)
    if value < _LEAST:
        return f"{sign}<${_LEAST:.6f}"
    places = 2 if value >= 100 else 4 if value >= 0.01 else 6
    return f"{sign}${value:,.{places}f}"


def spent(sums: Mapping[str, Any]) -> str:
    """The cost of several exchanges: `-` if it is known of none, nor what they used; `+` behind it if it is not known of all."""
    unpriced = sums.get("unpriced") or 0
    is_open = unpriced or (sums.get("exchanges") and not sums["input_tokens"] and not sums["output_tokens"])
    if is_open and not sums["cost_pico"]:
        return "-"
    return dollars(sums["cost_usd"]) + ("+" if unpriced else "")


def failed(sums: Mapping[str, Any]) -> str:
    """How many of several exchanges failed, and how many of these because their clients left."""
    left = sums.get("left") or 0
    return f"{sums['failed']} ({left} left)" if left else str(sums.get("failed") or "-")


def count(number: float | None) -> str:
    """A number of tokens or bytes, short."""
    if number is None:
        return "-"
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if number >= size:
            return f"{number / (1000 if letter == 'k' else size):.{0 if letter == 'k' else 1}f}{letter}"
    return f"{number:.0f}"


def seconds(value: float | None) -> str:
    """A duration, as the pages tell it."""
    return "-" if value is None else words.seconds(value)


def percent(share: float | None) -> str:
    """A share."""
    return "-" if share is None else f"{100 * share:.0f}%"


def clock(at: float | None) -> str:
    """A moment in local time."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
