"""What is written to the database at once, and the contract of those who write it. Imports none of the libraries that do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

Row = Sequence[Any]
Column = Sequence[Any]

PER_S = 100_000
LONGEST = 2**32 - 1
"""Times that stand one by one (`usage_times`) are so many parts of a second, each as eight hexadecimal digits: eleven hours at most."""


class Batch(msgspec.Struct):
    """What is written in one transaction. A writer counts its batches (`number`), which keeps one that is written twice from counting
    twice.

    columns: of the exchanges, by name: as many values in each as there are exchanges; in a column that is not there nobody has one. Of
    the other tables, rows: their values in the order of its columns. exchanges, attempts: of a release before, which let such rows wait on
    disk; now attempts stand with their exchanges. bodies: without their `number`. results: of tools, as (result_exchange_id, is_error,
    result_bytes, result_tokens, call_id, session).
    """

    writer: str
    number: int
    written_at: float
    columns: dict[str, Column] = {}
    exchanges: list[Row] = []
    attempts: list[Row] = []
    tools: list[Row] = []
    results: list[Row] = []
    blobs: list[Row] = []
    bodies: list[Row] = []
    sessions: list[Row] = []
    session_models: list[Row] = []
    usage_hours: list[Row] = []
    usage_times: list[Row] = []

    @property
    def count(self) -> int:
        """How many exchanges these are."""
        return len(self.columns["id"]) if self.columns else len(self.exchanges)


class Old(msgspec.Struct, frozen=True):
    """What has had its time: exchanges (Unix seconds) and bodies (epochs) before these."""

    exchanges_before: float
    epoch_before: int


class Writer(Protocol):
    """A connection that writes. All of it raises StoreAway where the database is away; then the writer is to be closed and made anew."""

    def write(self, batch: Batch) -> None:
        """Write it all, or nothing. What was written before is not written again."""
        ...

    def sweep(self, old: Old, most: int) -> int:
        """Delete some of what has had its time, `most` rows of each table. Returns how many rows were deleted: 0 when nothing is left."""
        ...

    def size_bytes(self) -> int:
        """What the tables take on disk, without what is free for use again."""
        ...

    def oldest_epoch(self) -> int | None:
        """The oldest epoch that has bodies; None without any."""
        ...

    def index(self, most: int) -> int:
        """Put the words of some bodies into the full-text index, at most so many. Returns of how many; 0 when all are."""
        ...

    def digest(self, most: int) -> int:
        """Sum up some exchanges (at most so many) for those who ask: see `store.digest`. Returns of how many; 0 when it is not worth it."""
        ...

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        ...
