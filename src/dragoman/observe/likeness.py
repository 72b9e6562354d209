"""What two bodies of a conversation have in common, and where a body is cut into pieces."""

from __future__ import annotations

import msgspec

_PIECE = 1024
_LARGE = 8 * 1024
_LOOK = 8
"""How far before a place to cut the letter stands that decides."""
_BETWEEN = b"},{"
_CLOSES = b"}"
_LEAST = 4096
_ANCHOR = 48
_BLOCKS = (64 * 1024, 4 * 1024, 256)


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a body, or a part of one: where it ends in the body as it was sent; is_clean: it is kept as it was sent, so a part
    of it can be referred to."""

    end: int
    hash: bytes
    is_clean: bool


class Kept(msgspec.Struct, frozen=True):
    """The last body of a conversation, and where it is kept."""

    data: bytes
    pieces: list[Piece]
    exchange_id: str
    side: str
    depth: int


def cuts(data: bytes, start: int, stop: int) -> list[int]:
    """Where to cut a part of a body: where one item of a list ends, and what stands there says so. So what is the same in two bodies is
    cut alike soon after a place where they differ."""
    found: list[int] = []
    at = start + _PIECE
    while stop - start > 2 * _PIECE and (at := data.find(_BETWEEN, at, stop)) >= 0:
        at += 2
        if at - start >= _LARGE or not data[at - _LOOK] & 1:
            found.append(at)
            start = at
            at += _PIECE
    if start < stop:
        found.append(stop)
    return found


class Shared(msgspec.Struct, frozen=True):
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
            found.append(Piece(self.start, last.pieces[self.head].hash, True))
        found += new
        shift = size - len(last.data)
        count = self.tail + (1 if self.tail_part else 0)
        ends = last.pieces[len(last.pieces) - count :] if count else []
        return found + [Piece(each.end + shift, each.hash, each.is_clean) for each in ends]


def find_shared(last: Kept, data: bytes) -> Shared | None:
    """None where the bodies have next to nothing in common."""
    # Both ends of what is new stand beside a brace, so that no secret is half in it.
    start = data.rfind(_CLOSES, 0, same_beginning(last.data, data)) + 1
    room = min(len(last.data), len(data)) - start
    stop = data.find(_CLOSES, len(data) - same_end(last.data, data, start)) if room > 0 else -1
    stop = len(data) if stop < 0 else stop
    head, at = 0, 0
    for piece in last.pieces:
        if piece.end > start:
            break
        head, at = head + 1, piece.end
    head_part = start - at if head < len(last.pieces) and last.pieces[head].is_clean else 0
    tail, tail_part, ends = _tail(last, len(data) - stop, head)
    begins = at + head_part
    return None if begins + ends < _LEAST else Shared(head, head_part, tail_part, tail, begins, len(data) - ends)


def goes_on(last: Kept, data: bytes, shared: Shared) -> int:
    """Where in what is new the last body goes on after an insertion: what follows there (an agent's tools) was cut at that place before, so
    that it makes the same pieces, whatever follows later."""
    same = shared.start + same_beginning(last.data[shared.start :], data[shared.start :])
    anchor = last.data[same : same + _ANCHOR]
    found = data.find(anchor, shared.start, shared.stop) if len(anchor) == _ANCHOR else -1
    return found if found >= 0 else shared.stop


def _tail(last: Kept, same: int, head: int) -> tuple[int, int, int]:
    """Of the last pieces, how many are in the last `same` bytes; how many bytes of the one before; and how many bytes that is."""
    size, count, covered = len(last.data), 0, 0
    for at in range(len(last.pieces) - 1, head, -1):
        begins = last.pieces[at - 1].end
        if size - begins > same:
            part = same - covered if last.pieces[at].is_clean else 0
            return count, part, covered + part
        count, covered = count + 1, size - begins
    part = 0
    if len(last.pieces) > head and count == len(last.pieces) - head - 1 and last.pieces[head].is_clean:
        # Both ends may be in one piece: what is left of it after its beginning that is shared too.
        part = max(0, min(same, size) - covered)
    return count, part, covered + part


def same_beginning(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common at their beginning: whole blocks are compared, then the numbers that the last ones are."""
    most, at = min(len(one), len(other)), 0
    for block in _BLOCKS:
        while at + block <= most and one[at : at + block] == other[at : at + block]:
            at += block
    size = min(_BLOCKS[-1], most - at)
    differ = int.from_bytes(one[at : at + size], "big") ^ int.from_bytes(other[at : at + size], "big")
    return at + size - (differ.bit_length() + 7) // 8


def same_end(one: bytes, other: bytes, but: int) -> int:
    """The same at their end, where the first `but` bytes of both are left out."""
    first, second = len(one), len(other)
    least = first - max(0, min(first, second) - but)
    for block in _BLOCKS:
        while first - block >= least and one[first - block : first] == other[second - block : second]:
            first -= block
            second -= block
    size = min(_BLOCKS[-1], first - least)
    differ = int.from_bytes(one[first - size : first], "little") ^ int.from_bytes(other[second - size : second], "little")
    return len(one) - first + size - (differ.bit_length() + 7) // 8
