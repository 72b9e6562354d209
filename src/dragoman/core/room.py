"""The memory that exchanges under way may take for the journal: one account for all of them, in bytes.

A plain count: nothing is allocated here. It belongs to the thread of the event loop.
"""

from __future__ import annotations


class Room:
    """Outlives reloads. taken_bytes: what running exchanges hold; cut: exchanges that went without some of what they asked for."""

    __slots__ = ("cut", "taken_bytes")

    def __init__(self) -> None:
        self.taken_bytes = 0
        self.cut = 0

    def take(self, wanted_bytes: int, most_bytes: int) -> bool:
        """Take so much, if all of it fits into `most_bytes`. Whoever took gives it back, whatever happens."""
        if self.taken_bytes + wanted_bytes > most_bytes:
            return False
        self.taken_bytes += wanted_bytes
        return True

    def give(self, taken_bytes: int) -> None:
        """Give back what was taken."""
        self.taken_bytes -= taken_bytes
