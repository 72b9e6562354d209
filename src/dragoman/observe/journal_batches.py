"""Makes batches of exchanges for the database: fills in what records lack, takes secrets out, lays bodies down."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.kept import DROPPED, FULL, NOTHING
from dragoman.ir.record import Bodies, Record
from dragoman.observe.first_look import Heads, first_look, known_heads
from dragoman.observe.journal_bodies import BodyKeeper
from dragoman.observe.journal_rows import ARGUMENTS, Price, Rows, Told
from dragoman.observe.journal_sums import Before
from dragoman.observe.redact import Redactor
from dragoman.store.batch import Batch

Entry = tuple[Record, Bodies | None, str, int]
"""A record, its bodies, what is kept of them in a word, and about how many bytes that is."""

Complete = Callable[[Iterable[tuple[Record, Bodies | None]]], None]
"""Fills in what records lack, from their bodies. Raises nothing."""

_ARGUMENTS = 2 * ARGUMENTS
"""Of a call's arguments, what is looked through: all that is kept, and enough more that no secret is cut in two where that ends."""


class Batches:
    """Makes them, one after the other; used by one thread. name: of who writes them; clock: Unix seconds."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        price: Price,
        told: Told,
        complete: Complete,
        secrets: Iterable[str],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._told = told
        self._complete = complete
        self._clock = clock
        self._before = Before()
        self._number = 0
        self.use(settings, price, secrets)

    def use(self, settings: Settings, price: Price, secrets: Iterable[str]) -> None:
        """Other settings, from the next batch on. Called by another thread: each is one assignment."""
        self._redactor = Redactor(secrets)
        self._keeper = BodyKeeper(self._redactor, most_bytes=settings.body_bytes)
        self._price = price
        self._paths = settings.paths

    def make(self, entries: list[Entry], *, has_room: bool) -> Batch:
        """The batch of these exchanges; has_room: for their bodies."""
        redactor, keeper, at = self._redactor, self._keeper, self._clock()
        rows = Rows(self._price, self._told, self._before, paths=self._paths)
        self._complete([(record, bodies) for record, bodies, _, _ in entries])
        heads = [None if bodies is None or word == NOTHING else known_heads(bodies) for _, bodies, word, _ in entries]
        for number in _suspects(redactor, entries, heads):
            heads[number] = None
            record, _, word, _ = entries[number]
            if word != FULL:
                _redact_calls(record, redactor)
        words = [word if has_room or not is_kept((record, bodies, word, size)) else DROPPED for record, bodies, word, size in entries]
        # Before the bodies are laid down, which leave nothing of the records in the processor's cache.
        rows.add([record for record, _, _, _ in entries], words)
        if has_room:
            rows.bodies += [
                keeper.row(record.id, at, record.session and (record.client, record.agent, record.session), bodies, head)
                for (record, bodies, word, _), head in zip(entries, heads, strict=True)
                if bodies is not None and word != NOTHING
            ]
            rows.blobs += keeper.packs()
        self._number += 1
        return rows.batch(self._name, self._number, at)

    def forget(self) -> None:
        """Refer to no body that was kept so far: it did not reach the database."""
        self._keeper.forget()
        # What was laid down last is not in any batch.
        self._keeper.packs()


def is_kept(entry: Entry) -> bool:
    """Whether there are bodies of an exchange that are to be kept."""
    return entry[1] is not None and entry[2] != NOTHING


def _suspects(redactor: Redactor, entries: list[Entry], heads: list[Heads | None]) -> set[int]:
    """In which exchanges, by their number, there may be a secret: all are looked through at once."""
    texts: list[bytes] = []
    ends: list[int] = []
    for (record, bodies, _, _), head in zip(entries, heads, strict=True):
        if bodies is not None and head is not None:
            texts += first_look(record, bodies, head)
        if record.calls:
            texts += [call.arguments.encode("utf-8", "replace") for call in record.calls if call.arguments]
        ends.append(len(texts))
    return {bisect_right(ends, each) for each in redactor.suspects(texts)}


def _redact_calls(record: Record, redactor: Redactor) -> None:
    for call in record.calls:
        if call.arguments:
            call.arguments = redactor.redact(call.arguments[:_ARGUMENTS].encode("utf-8", "replace")).decode("utf-8", "replace")
