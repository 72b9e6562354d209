"""The memory that exchanges under way may take for the journal: one account for all of them, in bytes.

A plain count: nothing is allocated here. It belongs to the thread of the event loop.
"""

from __future__ import annotations


class Room:
    """Outlives reloads. taken_bytes: what running exchanges hold, which `Pieces` takes and gives back; cut: exchanges that went without
    some of what they asked for."""

    __slots__ = ("cut", "taken_bytes")

    def __init__(self) -> None:
        self.taken_bytes = 0
        self.cut = 0
