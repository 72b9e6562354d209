"""What two bodies of a conversation have in common, and where a body is cut into pieces."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter

import msgspec

_PIECE = 1024
_LARGE = 8 * 1024
_LOOK = 8
"""How far before a place to cut the letter stands that decides."""
_BETWEEN = b"},{"
_CLOSES = b"}"
_LEAST = 4096
_ANCHOR = 48
_BLOCK = 32 * 1024
_end = attrgetter("end")


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a body: where it ends in the body as it was sent. is_clean: it is kept as it was sent, so a part of it can be referred
    to. is_whole: it is not such a part itself."""

    end: int
    hash: bytes
    is_clean: bool
    is_whole: bool = True


class Kept(msgspec.Struct, frozen=True, gc=False):
    """The last body of a conversation, and where it is kept. is_clean: all of its pieces are. epoch: in which it was laid down."""

    data: bytes
    pieces: list[Piece]
    exchange_id: str
    side: str
    depth: int
    is_clean: bool
    epoch: int


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


class Shared(msgspec.Struct, frozen=True, gc=False):
    """What two bodies have in common, as `store.laid.Side` tells it, and which part of the later one is between (start, stop)."""

    head: int
    head_part: int
    tail_part: int
    tail: int
    start: int
    stop: int

    def pieces(self, last: Kept, new: list[Piece], size: int) -> list[Piece]:
        """The pieces of the later body."""
        found = last.pieces[: self.head]
        if self.head_part:
            found.append(Piece(self.start, last.pieces[self.head].hash, True, False))
        found += new
        shift, first = size - len(last.data), len(last.pieces) - self.tail
        if self.tail_part:
            piece = last.pieces[first - 1]
            found.append(Piece(piece.end + shift, piece.hash, True, False))
        return found + moved(last.pieces[first:], shift)


def find_shared(last: Kept, data: bytes) -> Shared | None:
    """None where the bodies have next to nothing in common."""
    # Both ends of what is new stand beside a brace, so that no secret is half in it.
    start = data.rfind(_CLOSES, 0, same_beginning(last.data, data)) + 1
    room = min(len(last.data), len(data)) - start
    stop = data.find(_CLOSES, len(data) - same_end(last.data, data, start)) if room > 0 else -1
    stop = len(data) if stop < 0 else stop
    head = bisect_right(last.pieces, start, key=_end)
    at = last.pieces[head - 1].end if head else 0
    head_part = start - at if head < len(last.pieces) and last.pieces[head].is_clean else 0
    tail, tail_part, ends = _tail(last, len(data) - stop, head)
    begins = at + head_part
    return None if begins + ends < _LEAST else Shared(head, head_part, tail_part, tail, begins, len(data) - ends)


class Again(msgspec.Struct, frozen=True, gc=False):
    """A part of a body (start, stop) that the last one has, too, elsewhere. pieces: those of the last one that are whole in it, at
    their new places, from `first` on; what stands before and behind them is to be cut anew."""

    start: int
    stop: int
    first: int
    pieces: list[Piece]


def find_again(last: Kept, data: bytes, shared: Shared) -> Again | None:
    """What of the last body goes on behind an insertion: an agent's tools, which stand behind the conversation. It was cut at that place
    before, so that it makes the same pieces, whatever follows later."""
    same = shared.start + same_beginning(last.data, data, shared.start)
    anchor = last.data[same : same + _ANCHOR]
    start = data.find(anchor, shared.start, shared.stop) if len(anchor) == _ANCHOR else -1
    if start < 0:
        return None
    ends = start + same_beginning(last.data, data, same, start)
    stop = data.rfind(_CLOSES, start, min(ends, shared.stop)) + 1
    if stop <= start:
        return None
    shift = start - same
    first = bisect_left(last.pieces, same, key=_end) + 1
    past = bisect_right(last.pieces, stop - shift, key=_end)
    if first >= past:
        return Again(start, stop, stop, [])
    return Again(start, stop, last.pieces[first - 1].end + shift, moved(last.pieces[first:past], shift))


def moved(pieces: list[Piece], shift: int) -> list[Piece]:
    """The same pieces, so many bytes farther on."""
    return [Piece(each.end + shift, each.hash, each.is_clean, each.is_whole) for each in pieces] if shift else pieces


def _tail(last: Kept, same: int, head: int) -> tuple[int, int, int]:
    """Of the last pieces, how many are in the last `same` bytes; how many bytes of the one before; and how many bytes that is."""
    size, pieces = len(last.data), last.pieces
    first = max(head, bisect_left(pieces, size - same, key=_end)) + 1
    count = max(0, len(pieces) - first)
    covered = size - pieces[first - 1].end if count else 0
    # Both ends may be in one piece: then its beginning is shared as well, and only what is left of it counts.
    part = min(same, size) - covered if first - 1 < len(pieces) and pieces[first - 1].is_clean else 0
    return count, max(0, part), covered + max(0, part)


def same_beginning(one: bytes, other: bytes, at: int = 0, other_at: int | None = None) -> int:
    """How many bytes two texts have in common from these places on: whole blocks are compared as memory, the last one is halved."""
    view, place = memoryview(one), at if other_at is None else other_at
    same, most = 0, min(len(one) - at, len(other) - place)
    while same + _BLOCK < most and other.startswith(view[at + same : at + same + _BLOCK], place + same):  # pyright: ignore[reportArgumentType]
        same += _BLOCK
    most = min(most, same + _BLOCK)
    middle = most
    while same < most:
        if other.startswith(view[at + same : at + middle], place + same):  # pyright: ignore[reportArgumentType]
            same = middle
        else:
            most = middle - 1
        middle = (same + most + 1) // 2
    return same


def same_end(one: bytes, other: bytes, but: int) -> int:
    """The same at their end, where the first `but` bytes of both are left out."""
    view, size, other_size = memoryview(one), len(one), len(other)
    same, most = 0, max(0, min(size, other_size) - but)
    while same + _BLOCK < most and other.endswith(view[size - same - _BLOCK : size - same], 0, other_size - same):  # pyright: ignore[reportArgumentType]
        same += _BLOCK
    most = min(most, same + _BLOCK)
    middle = most
    while same < most:
        if other.endswith(view[size - middle : size - same], 0, other_size - same):  # pyright: ignore[reportArgumentType]
            same = middle
        else:
            most = middle - 1
        middle = (same + most + 1) // 2
    return same
