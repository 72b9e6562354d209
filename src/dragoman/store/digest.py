"""Digests: what exchanges come to by all that they are told apart by, some thousand of them at a time. A million exchanges are summed up
from a few ten thousand rows of these, whatever the sums are grouped by.

They cost more than a row, so they are made behind the writing. What is not in them yet is added from the exchanges themselves: those past
the last one that is, in the order in which they were written. Only SQLite has them, which numbers its rows in that order.
"""

from __future__ import annotations

import sqlite3

from dragoman.store.batch import PER_S
from dragoman.store.tables import APART, DIMENSIONS, MEASURES, SUMS, SUMS_S

LEAST = 4000
"""So few exchanges are not worth a digest: they are read as quickly."""
LAST = "SELECT value FROM dragoman_meta WHERE name = 'digested'"
IS_THERE = "SELECT id FROM dragoman_exchanges WHERE rowid = ?"

_COUNTED = {
    "exchanges": "count(*)",
    "failed": "count(error)",
    "unpriced": "sum(input_tokens IS NOT NULL AND cost_pico IS NULL)",
    "first_tokens": "count(first_token_s)",
}
_KEYS = {
    "hour": "CAST(began_at / 3600 AS INTEGER)",
    "session": "session",
    **{name: f"coalesce(\"{name}\", '')" for name in DIMENSIONS[1:-1]},
    "outcome": "coalesce(error, 'ok')",
    "status": "status",
    **{name: name for name in APART[1:]},
}
_VALUES = {
    **{name: _COUNTED.get(name, f"coalesce(sum({name}), 0)") for name in (*SUMS, *SUMS_S)},
    **{f"each_{name}": f"group_concat(CAST({name} * {PER_S} + 0.5 AS INTEGER))" for name in MEASURES},
}
_NAMES = ", ".join([f'"{name}"' for name in (*_KEYS, *_VALUES)])
_DIGEST = (
    f"INSERT INTO dragoman_digests ({_NAMES})"
    f" SELECT {', '.join((*_KEYS.values(), *_VALUES.values()))} FROM dragoman_exchanges NOT INDEXED WHERE rowid > ? AND rowid <= ?"
    f" GROUP BY {', '.join(str(number + 1) for number in range(len(_KEYS)))}"
)
_NEXT = (
    "SELECT rowid, id FROM dragoman_exchanges WHERE rowid = (SELECT max(rowid) FROM"
    " (SELECT rowid FROM dragoman_exchanges WHERE rowid > ? ORDER BY rowid LIMIT ?))"
)
_KEEP = "INSERT INTO dragoman_meta (name, value) VALUES ('digested', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def digest(connection: sqlite3.Connection, most: int, least: int = LEAST) -> int:
    """Take some of what was written into digests, from `least` to `most` exchanges: of how many. 0: there are fewer."""
    known = connection.execute(LAST).fetchone()
    last = _last(connection, known[0]) if known is not None else 0
    if last is None:
        # The numbers are not those that they were (`VACUUM`), or all that was in digests has had its time: begin again.
        connection.execute("DELETE FROM dragoman_digests")
        last = 0
    found = connection.execute(_NEXT, (last, most)).fetchone()
    if found is None or found[0] - last < least:
        return 0
    connection.execute(_DIGEST, (last, found[0]))
    connection.execute(_KEEP, (f"{found[0]} {found[1]}",))
    return found[0] - last


def read_last(known: str, there: str | None) -> int | None:
    """The number of the last exchange in a digest. known: what `LAST` finds. there: the id that `IS_THERE` finds for its number. None: the
    numbers are not those that they were."""
    number, _, key = known.partition(" ")
    return int(number) if there == key else None


def _last(connection: sqlite3.Connection, known: str) -> int | None:
    row = connection.execute(IS_THERE, (known.partition(" ")[0],)).fetchone()
    return read_last(known, row and row[0])
