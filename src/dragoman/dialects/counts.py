"""Counts of tokens as servers write them: most as whole numbers, some with a point or as text."""

from __future__ import annotations

from typing import Any

_MOST = 2**53
"""What every JSON reader and every database still takes exactly; no count of tokens comes near."""
_DIGITS = 16


def count(value: Any) -> int | None:
    """The whole number that a value tells; None for what can be no count: below zero, beyond all bounds, no number."""
    # Nearly all are None or whole numbers, and several are read of each answer.
    if value is None:
        return None
    if type(value) is int:
        return value if 0 <= value <= _MOST else None
    if isinstance(value, str) and len(value) <= _DIGITS and value.isascii() and value.isdecimal():
        value = int(value)
    elif type(value) is not float:
        return None
    return int(value) if 0 <= value <= _MOST else None


def total_of(told: Any, parts: int) -> int | None:
    """The total that a server tells; None, so that it is the sum, where that would be less than its parts."""
    total = count(told)
    return None if total is None or total < parts else total
