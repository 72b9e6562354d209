"""How the bodies of an exchange are laid down in a row.

An agent sends its whole conversation with each request. A long body is cut into pieces which are kept once by their content, many in
one pack; what is kept of the body itself is only how it differs from an earlier one: so many of its first bytes, pieces by their places,
so many of its last.
"""

from __future__ import annotations

from struct import Struct

import msgspec

HASH_BYTES = 16
_PLACE = Struct(f">{HASH_BYTES}sII")


class Side(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One body. Either `inline` says which part of the pack it is (from, to), or it is told by `parent` (an exchange, empty for this one;
    its side `of`): the first `first` bytes of that as it was kept, then what is at `parts` (places, one after the other), then its last
    `last` bytes. Without a parent: what is at `parts`. fresh: which of the parts (from, to) the conversation had not before; None: all.

    splice: what to put in place of these characters of the whole (from, to, bytes). whole: its size before anything was taken out.

    Of earlier releases: the first `head` pieces of the parent and so many bytes of the next (`head_part`), then `pieces` (keys of their
    own), then so many bytes of the one (`tail_part`) that stands before its last `tail`, and these.
    """

    name: str
    whole: int = 0
    inline: tuple[int, int] | None = None
    parent: str | None = None
    of: str = ""
    head: int = 0
    head_part: int = 0
    pieces: bytes = b""
    tail_part: int = 0
    tail: int = 0
    splice: tuple[int, int, bytes] | None = None
    first: int = 0
    parts: bytes = b""
    last: int = 0
    fresh: tuple[tuple[int, int], ...] | None = None


class Laid(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is kept of an exchange in a row of `bodies`: its sides. pack: the piece that has the text of those that are short, together
    with that of other exchanges. heads: which part of it are the headers of the sides, in turn (from, to)."""

    sides: tuple[Side, ...]
    pack: bytes = b""
    heads: tuple[int, int] | None = None


Short = tuple[str, int, tuple[int, int]] | tuple[str, int, tuple[int, int], None, str, int, int, bytes, int, int, tuple[int, int, bytes]]
"""The first fields of a `Side` that is inline: it is read as one, and takes half of its time and room."""
_decoder = msgspec.msgpack.Decoder(Laid)
_heads = msgspec.msgpack.Decoder(tuple[tuple[tuple[str, str], ...], ...])


def pack(laid: Laid) -> bytes:
    """The value of `bodies.data`."""
    return msgspec.msgpack.encode(laid)


def pack_short(sides: list[Short], key: bytes, heads: tuple[int, int] | None) -> bytes:
    """The same of sides that are all inline, in the pack of this key."""
    return msgspec.msgpack.encode((sides, key, heads))


def spliced(name: str, whole: int, inline: tuple[int, int], splice: tuple[int, int, bytes]) -> Short:
    """A side that is another's text but for a splice."""
    return name, whole, inline, None, "", 0, 0, b"", 0, 0, splice


def unpack(data: bytes) -> Laid:
    """The reverse of `pack`. What is not laid down as this release does is nothing."""
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError:
        return Laid(())


def place_of(key: bytes, start: int, stop: int) -> bytes:
    """Where a piece is: in which pack, from where to where."""
    return _PLACE.pack(key, start, stop)


def places_in(parts: bytes) -> list[tuple[bytes, int, int]]:
    """Places that stand one after the other: pack, from, to."""
    return list(_PLACE.iter_unpack(parts))


def part_of(place: bytes, start: int, stop: int) -> bytes:
    """The place of a part of what is at a place."""
    key, at, _ = _PLACE.unpack(place)
    return _PLACE.pack(key, at + start, at + stop)


def size_at(place: bytes) -> int:
    """How many bytes are there."""
    _, start, stop = _PLACE.unpack(place)
    return stop - start


def joined(one: bytes, other: bytes) -> bytes | None:
    """The place of two pieces that stand one after the other, if these do."""
    key, start, stop = _PLACE.unpack(one)
    next_key, next_start, next_stop = _PLACE.unpack(other)
    return _PLACE.pack(key, start, next_stop) if key == next_key and stop == next_start else None


def new_pieces(side: Side) -> list[bytes]:
    """The keys of the pieces that came new with a body of an earlier release."""
    return [side.pieces[at : at + HASH_BYTES] for at in range(0, len(side.pieces), HASH_BYTES)]


def pack_heads(heads: list[tuple[tuple[str, str], ...]]) -> bytes:
    """The headers of several sides as one text."""
    return msgspec.msgpack.encode(heads)


def unpack_heads(data: bytes) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The reverse of `pack_heads`."""
    return _heads.decode(data)
