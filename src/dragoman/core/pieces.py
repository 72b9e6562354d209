"""A body as it goes by in pieces: its beginning is kept, for as long as there is room for it."""

from __future__ import annotations

from typing import Self

from dragoman.core.runtime import Capture
from dragoman.ir.record import Cut

_LEAST_BYTES, _MOST_BYTES = 4 * 1024, 64 * 1024
"""Of one grant. Each is as much as there is already, so that thousands of short answers leave room for each other."""
_PIECE_BYTES = 56
"""What a piece takes besides its bytes: the object around them, and its place in the list."""


class Pieces:
    """pieces: what is kept, room_bytes: how much of what was granted is left; below 0 for good, once the body is cut. is_cut: the rest of
    it is left out; is_crowded: since all that run hold as much as they may. What is granted is in the account of all (`Capture.room`)
    until `let_go`."""

    __slots__ = ("_capture", "_counted", "_granted_bytes", "_next_bytes", "_taken_bytes", "is_crowded", "is_cut", "pieces", "room_bytes")

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._counted = self._granted_bytes = self._taken_bytes = self.room_bytes = 0
        self._next_bytes = _LEAST_BYTES
        self.is_cut = self.is_crowded = False
        self.pieces: list[bytes] = []

    @property
    def whole_bytes(self) -> int:
        """How long the body is so far, with what was left out."""
        return self._granted_bytes - self.room_bytes

    def add(self, piece: bytes) -> None:
        """This comes next. Who has no time for a call does the same by itself."""
        self.room_bytes = room_bytes = self.room_bytes - len(piece)
        if room_bytes >= 0 or self.more(piece):
            self.pieces.append(piece)

    def more(self, piece: bytes) -> bool:
        """Whether there is room now for a piece that took `room_bytes` below 0. If not, its beginning is kept as far as it fits, and
        nothing after it."""
        if self.is_cut:
            return False
        capture, count, missing_bytes = self._capture, len(self.pieces), -self.room_bytes
        granted_bytes = self._next_bytes
        if granted_bytes < missing_bytes:
            granted_bytes = missing_bytes
        left_bytes = capture.body_bytes - self._granted_bytes
        if granted_bytes > left_bytes:
            granted_bytes = left_bytes
        taken_bytes = granted_bytes + _PIECE_BYTES * (count - self._counted)
        # Nobody holds more than is left then for others: so short answers find room beside the longest.
        if self._taken_bytes + taken_bytes > capture.running_bytes - capture.room.taken_bytes:
            self.is_crowded = True
        else:
            capture.room.taken_bytes += taken_bytes
            self._taken_bytes += taken_bytes
            self._granted_bytes += granted_bytes
            self.room_bytes += granted_bytes
            self._counted = count
            if granted_bytes >= missing_bytes:
                if self._next_bytes < _MOST_BYTES:
                    self._next_bytes *= 2
                return True
        self._cut(piece)
        return False

    def _cut(self, piece: bytes) -> None:
        self.is_cut = True
        left_bytes = self.room_bytes + len(piece)
        if left_bytes:
            self.pieces.append(piece[:left_bytes])

    def copy(self) -> Self:
        """Another body that is the same so far: the pieces are the very same, and stay in the account of this one."""
        copy = type(self)(self._capture)
        copy.pieces = self.pieces.copy()
        copy._counted, copy._granted_bytes = len(copy.pieces), self.whole_bytes
        copy.is_cut, copy.is_crowded = self.is_cut, self.is_crowded
        return copy

    def let_go(self) -> None:
        """Give back what was granted: what is kept is nobody's any more, or in the account of whoever takes it over."""
        self._capture.room.taken_bytes -= self._taken_bytes
        self._taken_bytes = 0

    def cut(self, side: str) -> Cut:
        """What is to be told of a body that is cut. side: which one it is."""
        held_bytes = sum(map(len, self.pieces))
        why = "all answers under way held `journal.queue_bytes`" if self.is_crowded else "`journal.body_bytes` holds no more"
        return Cut(side, self.whole_bytes, f"only the first {held_bytes} of {self.whole_bytes} bytes were held, since {why}")
