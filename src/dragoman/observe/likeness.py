"""What two bodies of a conversation have in common, and where a body is cut into pieces."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter
from typing import Literal

import msgspec

from dragoman.store.laid import joined, part_of

_PIECE = 1024
_LARGE = 8 * 1024
_LOOK = 8
"""How far before a place to cut the letter stands that decides."""
_BETWEEN = b"},{"
_CLOSES = b"}"
_LEAST = 4096
_LEAST_END = 128
"""Of an end that is shorter it costs more to say that it is the same."""
_ANCHOR = 48
_STEP, _GROWS, _BLOCK = 64, 8, 32 * 1024
_end = attrgetter("end")


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a body: where it ends in the body as it was sent, and at which place it is kept. is_clean: it is kept as it was sent, so
    a part of it can be referred to."""

    end: int
    place: bytes
    is_clean: bool


class Kept(msgspec.Struct, frozen=True, gc=False):
    """The last body of a conversation, and where it is kept. is_clean: all of its pieces are. epoch: in which it was laid down. goes_on:
    where it may differ from the next one first, 0 if that is not known."""

    data: bytes
    pieces: list[Piece]
    exchange_id: str
    side: str
    depth: int
    is_clean: bool
    epoch: int
    goes_on: int = 0


def cuts(data: bytes, start: int, stop: int) -> list[int]:
    """Where to cut a part of a body: where one item of a list ends, and what stands there says so. So what is the same in two bodies is
    cut alike soon after a place where they differ."""
    found: list[int] = []
    at = start + _PIECE
    while stop - start > 2 * _PIECE and (at := data.find(_BETWEEN, at, stop)) >= 0:
        at += 1
        if at - start >= _LARGE or not data[at - _LOOK] & 1:
            found.append(at)
            start = at
            at += _PIECE
    if start < stop:
        found.append(stop)
    return found


# ---- parts that are the same -----------------------------------------------------------------------------------------------


class Shared(msgspec.Struct, frozen=True, gc=False):
    """A part of a body (start, stop) which the last one has, too, so many bytes before (shift)."""

    start: int
    stop: int
    shift: int

    def pieces(self, last: Kept) -> list[Piece]:
        """What it is kept as."""
        return taken(last.pieces, self.start - self.shift, self.stop - self.shift, self.shift)


def find_shared(last: Kept, data: bytes) -> tuple[Shared, Shared] | None:
    """What both bodies begin with, and what they end with; None where that is next to nothing."""
    shift = len(data) - len(last.data)
    # Both ends of what is new stand beside a brace, so that no secret is half in it.
    start = data.rfind(_CLOSES, 0, same_beginning(last.data, data, guess=last.goes_on)) + 1
    room = min(len(last.data), len(data)) - start
    stop = data.find(_CLOSES, len(data) - same_end(last.data, data, start)) if room > 0 else -1
    begins, ends = _inward(last, 0, start, 0), Shared(len(data), len(data), shift)
    if stop >= 0 and len(data) - stop >= _LEAST_END:
        ends = _inward(last, stop, len(data), shift)
    return None if begins.stop + ends.stop - ends.start < _LEAST else (begins, ends)


def find_again(last: Kept, data: bytes, begins: Shared, ends: Shared) -> Shared | None:
    """What of the last body goes on behind an insertion: an agent's tools, which stand behind the conversation."""
    start, stop = begins.stop, ends.start
    same = start + same_beginning(last.data, data, start)
    anchor = last.data[same : same + _ANCHOR]
    found = data.find(anchor, start, stop) if len(anchor) == _ANCHOR else -1
    if found < 0:
        return None
    shift = found - same
    # Mostly as far as it was the same the last time: there a piece ends.
    number = bisect_right(last.pieces, same, key=_end)
    guess = last.pieces[number].end - same if number < len(last.pieces) else 0
    stop = data.rfind(_CLOSES, found, min(found + same_beginning(last.data, data, same, found, guess=guess), stop)) + 1
    if data[found - 1 : found] != _CLOSES:
        found = data.find(_CLOSES, found, stop) + 1
    if stop - found < _LEAST_END or found <= 0:
        return None
    again = _inward(last, found, stop, shift)
    return again if again.start < again.stop else None


def _inward(last: Kept, start: int, stop: int, shift: int) -> Shared:
    """The same without the parts at its ends of which the last body has a piece that is not kept as it was sent."""
    pieces = last.pieces
    if start < stop and not last.is_clean:
        first, past = bisect_right(pieces, start - shift, key=_end), bisect_left(pieces, stop - shift, key=_end)
        if not pieces[first].is_clean and _begin(pieces, first) < start - shift:
            start = pieces[first].end + shift
        if not pieces[past].is_clean and pieces[past].end > stop - shift:
            stop = _begin(pieces, past) + shift
    return Shared(start, max(start, stop), shift)


def taken(pieces: list[Piece], start: int, stop: int, shift: int = 0) -> list[Piece]:
    """The pieces of a part of a body, so many bytes farther on. Those of which only a part is in it are clean."""
    if start >= stop:
        return []
    first, past = bisect_right(pieces, start, key=_end), bisect_left(pieces, stop, key=_end)
    begin, after = _begin(pieces, first), _begin(pieces, past)
    found = pieces[first : past + 1]
    if pieces[past].end > stop:
        found[-1] = Piece(stop, part_of(found[-1].place, 0, stop - after), True)
    if begin < start:
        found[0] = Piece(found[0].end, part_of(found[0].place, start - begin, found[0].end - begin), True)
    return [Piece(each.end + shift, each.place, each.is_clean) for each in found] if shift else found


def _begin(pieces: list[Piece], number: int) -> int:
    return pieces[number - 1].end if number else 0


def merged(pieces: list[Piece]) -> list[Piece]:
    """The same with those as one that are kept one after the other."""
    found: list[Piece] = []
    for piece in pieces:
        before = found[-1] if found else None
        if before is not None and before.is_clean and piece.is_clean and (place := joined(before.place, piece.place)) is not None:
            found[-1] = Piece(piece.end, place, True)
        else:
            found.append(piece)
    return found


# ---- bytes ------------------------------------------------------------------------------------------------------------------


def same_beginning(one: bytes, other: bytes, at: int = 0, other_at: int | None = None, *, guess: int = 0) -> int:
    """How many bytes two texts have in common from these places on: blocks that grow are compared as memory, the last one is halved.
    guess: about as many it may be."""
    view, place = memoryview(one), at if other_at is None else other_at
    same, most, step = 0, min(len(one) - at, len(other) - place), _STEP
    if 0 < guess <= most and other.startswith(view[at : at + guess], place):  # pyright: ignore[reportArgumentType]
        same = guess
    while same + step < most and other.startswith(view[at + same : at + same + step], place + same):  # pyright: ignore[reportArgumentType]
        same += step
        step = min(_GROWS * step, _BLOCK)
    most = min(most, same + step)
    while most - same > _STEP:
        middle = (same + most) // 2
        if other.startswith(view[at + same : at + middle], place + same):  # pyright: ignore[reportArgumentType]
            same = middle
        else:
            most = middle
    return same + _alike(one[at + same : at + most], other[place + same : place + most], "big")


def same_end(one: bytes, other: bytes, but: int) -> int:
    """The same at their end, where the first `but` bytes of both are left out."""
    view, size, other_size = memoryview(one), len(one), len(other)
    same, most, step = 0, max(0, min(size, other_size) - but), _STEP
    while same + step < most and other.endswith(view[size - same - step : size - same], 0, other_size - same):  # pyright: ignore[reportArgumentType]
        same += step
        step = min(_GROWS * step, _BLOCK)
    most = min(most, same + step)
    while most - same > _STEP:
        middle = (same + most) // 2
        if other.endswith(view[size - middle : size - same], 0, other_size - same):  # pyright: ignore[reportArgumentType]
            same = middle
        else:
            most = middle
    return same + _alike(one[size - most : size - same], other[other_size - most : other_size - same], "little")


def _alike(one: bytes, other: bytes, order: Literal["big", "little"]) -> int:
    """How many bytes two short texts of one length have in common: at their beginning, or (little) at their end."""
    differs = int.from_bytes(one, order) ^ int.from_bytes(other, order)
    return len(one) - (differs.bit_length() + 7 >> 3)
