"""A database for the journal's writer that takes everything and keeps nothing."""

from __future__ import annotations

from typing import Self

from dragoman.store.batch import Batch, Old


class Blank:
    """What a test wants of it, it does in a class of its own."""

    name = "blank"

    def writer(self) -> Self:
        return self

    def write(self, batch: Batch) -> None:
        """Nothing is looked at."""

    def index(self, most: int) -> int:
        return 0

    def digest(self, most: int) -> int:
        return 0

    def sweep(self, old: Old, most: int) -> int:
        return 0

    def size_bytes(self) -> int:
        return 0

    def oldest_epoch(self) -> int | None:
        return None

    def close(self) -> None:
        """There is nothing to give back."""
