"""How the bodies of an exchange are laid down, and how they are read again.

An agent sends its whole conversation with each request. A long body is cut into pieces which are kept once by their content; what is
kept of the body itself is only how it differs from an earlier one: so many of its first pieces, new ones, so many of its last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, select

from dragoman.store.tables import blobs, bodies

HASH_BYTES = 16
_DEEPEST = 1000
_AT_ONCE = 500


class Side(msgspec.Struct, frozen=True, array_like=True):
    """One body. Either `inline` says which part of the exchange's own text it is (from, to), or its pieces are those of `parent`
    (an exchange; its side `of`): the first `head`, then `pieces` (hashes of 16 bytes, one after the other), then its last `tail`.

    splice: what to put in place of these characters of the whole (from, to, bytes). whole: its size before anything was taken out.
    """

    name: str
    headers: tuple[tuple[str, str], ...] = ()
    whole: int = 0
    inline: tuple[int, int] | None = None
    parent: str | None = None
    of: str = ""
    head: int = 0
    pieces: bytes = b""
    tail: int = 0
    splice: tuple[int, int, bytes] | None = None


class Laid(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of an exchange in a row of `bodies`: its sides, and the text of those that are short, compressed together."""

    sides: tuple[Side, ...]
    text: bytes = b""


class Body(msgspec.Struct, frozen=True):
    """One body as it was kept. whole: its size when it was sent; what was secret is not in it any more."""

    headers: tuple[tuple[str, str], ...]
    data: bytes
    whole: int


Fetch = Callable[[str, Sequence[Any]], Sequence[Any]]
"""Runs a statement with its parameters, gives its rows."""

_decoder = msgspec.msgpack.Decoder(Laid)


def pack(laid: Laid) -> bytes:
    """The value of `bodies.data`."""
    return msgspec.msgpack.encode(laid)


def unpack(data: bytes) -> Laid:
    """The reverse of `pack`."""
    return _decoder.decode(data)


def read_bodies(connection: Connection, exchange_id: str) -> dict[str, Body]:
    """The bodies of an exchange by side: `client_request`, `client_response`, `provider_request`, `provider_response`. Empty if none
    were kept, or their time is over. One whose pieces are gone is left out."""
    laid = _laid(connection, exchange_id)
    if laid is None:
        return {}
    text = zstandard.ZstdDecompressor().decompress(laid.text) if laid.text else b""
    found = {side.name: _read(connection, laid, side, text) for side in laid.sides}
    return {name: body for name, body in found.items() if body is not None}


def new_pieces(laid: Laid, side: Side) -> list[bytes]:
    """The hashes of what came new with this body."""
    return [side.pieces[at : at + HASH_BYTES] for at in range(0, len(side.pieces), HASH_BYTES)]


def _laid(connection: Connection, exchange_id: str) -> Laid | None:
    row = connection.execute(
        select(bodies.c.data).where(bodies.c.exchange_id == exchange_id).order_by(bodies.c.number.desc()).limit(1)
    ).first()
    return None if row is None else unpack(row[0])


def _read(connection: Connection, laid: Laid, side: Side, text: bytes) -> Body | None:
    if side.inline is not None:
        data = text[side.inline[0] : side.inline[1]]
    else:
        hashes = _hashes(connection, side, laid)
        pieces = None if hashes is None else _pieces(connection, hashes)
        if pieces is None:
            base = _inline_base(laid, side, text)
            if base is None:
                return None
            pieces = base
        data = b"".join(pieces)
    if side.splice is not None:
        start, stop, put = side.splice
        data = data[:start] + put + data[stop:]
    return Body(side.headers, data, side.whole)


def _inline_base(laid: Laid, side: Side, text: bytes) -> list[bytes] | None:
    """The body of the same exchange that this one differs from, where that is a short one."""
    base = next((each for each in laid.sides if each.name == side.of and each.inline is not None), None)
    return None if base is None or base.inline is None or side.parent != "" else [text[base.inline[0] : base.inline[1]]]


def _hashes(connection: Connection, side: Side, laid: Laid) -> list[bytes] | None:
    """All pieces of a body, from the first ancestor down."""
    chain: list[Side] = [side]
    here = laid
    while side.parent is not None:
        if side.parent:
            found = _laid(connection, side.parent)
            if found is None or len(chain) > _DEEPEST:
                return None
            here = found
        parent = next((each for each in here.sides if each.name == side.of), None)
        if parent is None or parent.inline is not None:
            return None
        chain.append(parent)
        side = parent
    hashes: list[bytes] = []
    for each in reversed(chain):
        hashes = hashes[: each.head] + new_pieces(here, each) + (hashes[len(hashes) - each.tail :] if each.tail else [])
    return hashes


def _pieces(connection: Connection, hashes: list[bytes]) -> list[bytes] | None:
    wanted = list(dict.fromkeys(hashes))
    found: dict[bytes, bytes] = {}
    unzip = zstandard.ZstdDecompressor()
    for at in range(0, len(wanted), _AT_ONCE):
        rows = connection.execute(select(blobs.c.hash, blobs.c.data).where(blobs.c.hash.in_(wanted[at : at + _AT_ONCE])))
        found.update((bytes(row[0]), unzip.decompress(row[1])) for row in rows)
    return [found[each] for each in hashes] if all(each in found for each in wanted) else None
