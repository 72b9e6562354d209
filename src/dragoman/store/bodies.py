"""Reads the bodies of exchanges as they were kept (`store.laid`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain

import msgspec
import zstandard
from sqlalchemy import Connection, select

from dragoman.store.laid import Laid, Side, new_pieces, places_in, unpack, unpack_heads
from dragoman.store.tables import blobs, bodies

_DEEPEST = 1000
_AT_ONCE = 500


class Body(msgspec.Struct, frozen=True):
    """One body as it was kept. whole: its size when it was sent; what was secret is not in it any more."""

    headers: tuple[tuple[str, str], ...]
    data: bytes
    whole: int


def read_bodies(connection: Connection, exchange_id: str) -> dict[str, Body]:
    """The bodies of an exchange by side: `client_request`, `client_response`, `provider_request`, `provider_response`. Empty if none
    were kept, or their time is over. One whose pieces are gone is left out."""
    reading = _Reading(connection)
    laid = reading.laid(exchange_id)
    if laid is None:
        return {}
    heads = _Reference(laid.pack, *laid.heads) if laid.heads is not None else None
    told = {side: references for side in laid.sides if (references := reading.references(side, laid)) is not None}
    # What a client sent and what a provider got is mostly the same: no pack is unpacked twice.
    texts = reading.texts([*([heads] if heads is not None else []), *chain.from_iterable(told.values())])
    packed = b"" if heads is None else texts.get(heads, b"")
    found = unpack_heads(packed, [side.name for side in laid.sides])
    return {
        side.name: Body(head, _spliced(side, b"".join([texts[each] for each in told[side]])), side.whole)
        for side, head in zip(laid.sides, found, strict=True)
        if side in told and all(each in texts for each in told[side])
    }


def _spliced(side: Side, data: bytes) -> bytes:
    if side.splice is None:
        return data
    start, stop, put = side.splice
    return data[:start] + put + data[stop:]


class _Reference(msgspec.Struct, frozen=True):
    """A part of a piece: what Python's slices take, so that places may be told from the end."""

    hash: bytes
    start: int = 0
    stop: int | None = None

    @property
    def size(self) -> int:
        """Its bytes, where it is told from where to where."""
        return (self.stop or 0) - self.start

    def first(self, count: int) -> _Reference:
        """So many bytes of its beginning."""
        stop = self.start + count
        return _Reference(self.hash, self.start, None if self.start < 0 and stop >= 0 else stop)

    def last(self, count: int) -> _Reference:
        """So many bytes of its end."""
        return _Reference(self.hash, (self.stop or 0) - count, self.stop)


class _Reading:
    """What is read for one exchange. An ancestor of several sides is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._laid: dict[str, Laid | None] = {}

    def laid(self, exchange_id: str) -> Laid | None:
        """How the bodies of an exchange were laid down."""
        if exchange_id not in self._laid:
            newest_first = select(bodies.c.data).where(bodies.c.exchange_id == exchange_id).order_by(bodies.c.number.desc())
            row = self._connection.execute(newest_first.limit(1)).first()
            self._laid[exchange_id] = None if row is None else unpack(row[0])
        return self._laid[exchange_id]

    def references(self, side: Side, laid: Laid) -> list[_Reference] | None:
        """All parts of a body, from its first ancestor down. None: one of these is gone."""
        if side.inline is not None:
            return [_Reference(laid.pack, *side.inline)]
        line = [side]
        while side.parent is not None and len(line) <= _DEEPEST:
            found = self.laid(side.parent) if side.parent else laid
            parent = None if found is None else next((each for each in found.sides if each.name == side.of), None)
            if found is None or parent is None or parent.inline is not None:
                return None
            side, laid = parent, found
            line.append(side)
        parts: list[_Reference] = []
        for each in reversed(line):
            parts = _next(parts, each)
        return parts

    def texts(self, references: Iterable[_Reference]) -> dict[_Reference, bytes]:
        """What is at these places; those whose pack is gone are left out. One pack after the other is unpacked, and let go."""
        wanted: dict[bytes, set[_Reference]] = {}
        for each in references:
            wanted.setdefault(each.hash, set()).add(each)
        keys, unzip = list(wanted), zstandard.ZstdDecompressor()
        found: dict[_Reference, bytes] = {}
        for at in range(0, len(keys), _AT_ONCE):
            rows = self._connection.execute(select(blobs.c.hash, blobs.c.data).where(blobs.c.hash.in_(keys[at : at + _AT_ONCE])))
            for key, data in rows:
                if data:
                    text = _unpacked(unzip, data, wanted[bytes(key)])
                    found.update((each, text[each.start : each.stop]) for each in wanted[bytes(key)])
        return found


def _unpacked(unzip: zstandard.ZstdDecompressor, data: bytes, wanted: Collection[_Reference]) -> bytes:
    """What is in a pack, up to where it is wanted: there may be four megabytes in it."""
    stops = [each.stop for each in wanted if each.start >= 0 and each.stop is not None]
    if len(stops) == len(wanted):
        text = unzip.stream_reader(data).read(max(stops))
        if len(text) == max(stops):
            return text
    return unzip.decompress(data)


def _next(before: list[_Reference], side: Side) -> list[_Reference]:
    if side.parts or side.first or side.last:
        return [*_first(before, side.first), *[_Reference(*place) for place in places_in(side.parts)], *_last(before, side.last)]
    parts = before[: side.head]
    if side.head_part:
        parts.append(before[side.head].first(side.head_part))
    parts += [_Reference(each) for each in new_pieces(side)]
    if side.tail_part:
        parts.append(before[len(before) - side.tail - 1].last(side.tail_part))
    return parts + before[len(before) - side.tail :] if side.tail else parts


def _first(before: list[_Reference], size: int) -> list[_Reference]:
    """So many bytes of what is told by places."""
    found: list[_Reference] = []
    for each in before:
        if size <= 0:
            break
        found.append(each if each.size <= size else each.first(size))
        size -= each.size
    return found


def _last(before: list[_Reference], size: int) -> list[_Reference]:
    found: list[_Reference] = []
    for each in reversed(before):
        if size <= 0:
            break
        found.append(each if each.size <= size else each.last(size))
        size -= each.size
    return found[::-1]
