"""Reads the bodies of exchanges as they were kept (`store.laid`)."""

from __future__ import annotations

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
    laid = _laid(connection, exchange_id)
    if laid is None:
        return {}
    packs = _pieces(connection, [_Reference(laid.pack)]) if laid.pack else None
    text = packs[0] if packs else None
    packed = b"" if text is None or laid.heads is None else text[laid.heads[0] : laid.heads[1]]
    heads = unpack_heads(packed, [side.name for side in laid.sides])
    sides = zip(laid.sides, heads, strict=True)
    return {side.name: Body(head, data, side.whole) for side, head in sides if (data := _read(connection, laid, side, text)) is not None}


def _laid(connection: Connection, exchange_id: str) -> Laid | None:
    row = connection.execute(
        select(bodies.c.data).where(bodies.c.exchange_id == exchange_id).order_by(bodies.c.number.desc()).limit(1)
    ).first()
    return None if row is None else unpack(row[0])


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


def _read(connection: Connection, laid: Laid, side: Side, text: bytes | None) -> bytes | None:
    if side.inline is not None:
        if text is None:
            return None
        data = text[side.inline[0] : side.inline[1]]
    else:
        references = _references(connection, side, laid)
        pieces = None if references is None else _pieces(connection, references)
        if pieces is None:
            return None
        data = b"".join(pieces)
    if side.splice is not None:
        start, stop, put = side.splice
        data = data[:start] + put + data[stop:]
    return data


def _references(connection: Connection, side: Side, laid: Laid) -> list[_Reference] | None:
    """All parts of a body, from its first ancestor down."""
    chain = [side]
    while side.parent is not None and len(chain) <= _DEEPEST:
        found = _laid(connection, side.parent) if side.parent else laid
        parent = None if found is None else next((each for each in found.sides if each.name == side.of), None)
        if found is None or parent is None or parent.inline is not None:
            return None
        side, laid = parent, found
        chain.append(side)
    parts: list[_Reference] = []
    for each in reversed(chain):
        parts = _next(parts, each)
    return parts


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


def _pieces(connection: Connection, references: list[_Reference]) -> list[bytes] | None:
    wanted = list(dict.fromkeys(each.hash for each in references))
    found: dict[bytes, bytes] = {}
    unzip = zstandard.ZstdDecompressor()
    for at in range(0, len(wanted), _AT_ONCE):
        rows = connection.execute(select(blobs.c.hash, blobs.c.data).where(blobs.c.hash.in_(wanted[at : at + _AT_ONCE])))
        found.update((bytes(row[0]), unzip.decompress(row[1])) for row in rows if row[1])
    if any(each not in found for each in wanted):
        return None
    return [found[each.hash][each.start : each.stop] for each in references]
