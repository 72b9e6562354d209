"""How the bodies of an exchange are laid down in a row.

An agent sends its whole conversation with each request. A long body is cut into pieces which are kept once by their content, many in
one pack; what is kept of the body itself is only how it differs from an earlier one: so many of its first bytes, pieces by their places,
so many of its last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from struct import Struct

import msgspec

from dragoman.wire.frame import Headers

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
    with that of other exchanges. heads: which part of it are the headers of the sides (from, to)."""

    sides: tuple[Side, ...]
    pack: bytes = b""
    heads: tuple[int, int] | None = None


class Short(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The same of sides that are all inline, one behind the other: it takes a third of the time and room.

    sides: a letter for each in turn, `ASKED` or another; at: where the first one begins in the pack; sizes: of what stands there, first
    the bodies in turn, then the headers. What the provider was sent is the client's request, but for the splice, and stands there once;
    so does an answer that is the client's and comes behind it.
    """

    sides: str
    pack: bytes
    at: int
    sizes: list[int]
    splice: tuple[int, int, bytes] | None


SIDES = ("client_request", "provider_request", "provider_response", "client_response")
ASKED, SENT, ANSWERED, TOLD = "0123"
"""Their letters: what the client asked, what the provider was sent and answered, what the client was told."""
_NAMES: dict[str, str] = dict(zip((ASKED, SENT, ANSWERED, TOLD), SIDES, strict=True))
_SAME = {ASKED: ASKED, SENT: ASKED, ANSWERED: TOLD, TOLD: TOLD}
"""Whose text that of a side is, if it comes behind that one."""
_SHORT = b"\x95"
"""How the value of a `Short` begins: it has five fields."""
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Laid)
_short_decoder = msgspec.msgpack.Decoder(Short)
_heads = msgspec.msgpack.Decoder(tuple[Headers, ...])
_ARRAYS = {bytes([0x90 + size]) for size in range(16)}
"""How packed headers begin. No text does."""
_BLANK = re.compile(r"[ \t\n]")


def pack(laid: Laid) -> bytes:
    """The value of `bodies.data`."""
    return _encode(laid)


def pack_short(sides: str, key: bytes, at: int, sizes: list[int], splice: tuple[int, int, bytes] | None) -> bytes:
    """The same of the fields of a `Short`."""
    return _encode((sides, key, at, sizes, splice))


def unpack(data: bytes) -> Laid:
    """The reverse of both. What is not laid down as this release does is nothing."""
    try:
        return _unfolded(_short_decoder.decode(data)) if data.startswith(_SHORT) else _decoder.decode(data)
    except (msgspec.ValidationError, KeyError):
        return Laid(())


def _unfolded(short: Short) -> Laid:
    """What a `Short` says, as other bodies are told."""
    sizes, at = iter(short.sizes), short.at
    sides: list[Side] = []
    places: dict[str, tuple[int, int]] = {}
    for letter in short.sides:
        splice = short.splice if letter == SENT else None
        place = places.get(_SAME[letter])
        if place is None:
            place = at, at + next(sizes, 0)
            at = place[1]
        places[letter] = place
        whole = place[1] - place[0] + (0 if splice is None else splice[0] - splice[1] + len(splice[2]))
        sides.append(Side(_NAMES[letter], whole, place, splice=splice))
    size = next(sizes, 0)
    return Laid(tuple(sides), short.pack, (at, at + size) if size else None)


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


def line_of_names(sides: Sequence[Sequence[str]]) -> bytes | None:
    """The names of the headers of each side, in the order of `SIDES`, on one line: with their values behind it, each on a line, they are
    the text of the headers. None if the names are such as no header has."""
    if any(not name or _BLANK.search(name) for side in sides for name in side):
        return None
    try:
        return ("\t".join([" ".join(side) for side in sides]) + "\n").encode()
    except UnicodeEncodeError:
        return None


def pack_heads(heads: list[Headers]) -> bytes:
    """The headers of several sides as one text, whatever is in them."""
    return _encode(heads)


def unpack_heads(data: bytes, sides: Sequence[str]) -> Sequence[Headers]:
    """The headers of these sides, by their names, out of either text; none out of none."""
    if not data:
        return [()] * len(sides)
    if data[:1] in _ARRAYS:
        return _heads.decode(data)
    line, _, rest = data.decode().partition("\n")
    values = iter(rest.split("\n"))
    named = [side.split(" ") if side else [] for side in line.split("\t")]
    heads = {side: tuple([(name, next(values)) for name in names]) for side, names in zip(SIDES, named, strict=True)}
    return [heads[side] for side in sides]
