"""Keeps the bodies of exchanges. What it makes is read by `store.bodies`.

An agent sends its whole conversation with each request, so the last long body of each conversation is kept in memory: what the next one
begins and ends with like it costs a comparison, and only what stands between is looked at, cut into pieces and kept.
"""

from __future__ import annotations

from dragoman.ir.record import Bodies
from dragoman.observe.first_look import Heads
from dragoman.observe.journal_laying import Laying
from dragoman.observe.journal_shelf import Shelf
from dragoman.observe.journal_short import short_row
from dragoman.observe.redact import Redactor
from dragoman.store.batch import Row

EPOCH_S = 600
"""Seconds of an epoch. Within one a body may refer to earlier ones; in the next it says again where all of it is, and has that stay, so
that old epochs can be deleted whole."""


class BodyKeeper:
    """Keeps the bodies of one process; used by one thread. `memory_bytes`: of the last bodies of conversations."""

    def __init__(self, redactor: Redactor, *, most_bytes: int, memory_bytes: int = 128 * 1024 * 1024) -> None:
        self._shelf = Shelf(redactor, most_bytes=most_bytes, memory_bytes=memory_bytes)

    def row(self, exchange_id: str, at: float, conversation: object, bodies: Bodies, heads: Heads | None = None) -> Row:
        """The row of `bodies` for those of an exchange. conversation: what its requests have in common, None if that is not known.
        heads: its headers as they may be kept, where there is no secret in them and the rest of `first_look`."""
        epoch = int(at) // EPOCH_S
        if epoch > self._shelf.epoch:
            self._shelf.begin(epoch)
        short = None if heads is None else short_row(self._shelf, exchange_id, bodies, heads)
        return short or Laying(self._shelf, exchange_id, conversation, bodies, heads).row()

    def packs(self) -> list[Row]:
        """The rows of `blobs` that hold what those since this was called last refer to."""
        return self._shelf.packs()

    def forget(self) -> None:
        """Refer to nothing that was kept so far: it did not reach the database."""
        self._shelf.forget()

    @property
    def held_bytes(self) -> int:
        """What the last bodies of conversations take."""
        return self._shelf.held_bytes
