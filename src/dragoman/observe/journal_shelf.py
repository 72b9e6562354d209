"""What is remembered of the bodies that were kept: the last one of each conversation, where pieces are, and the texts that wait to be
compressed together."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

import zstandard

from dragoman.observe.likeness import Kept
from dragoman.observe.redact import Redactor
from dragoman.observe.splice import Splices
from dragoman.store.batch import Row
from dragoman.store.laid import HASH_BYTES, place_of

_PACK = 4 * 1024 * 1024
"""Short bodies of several exchanges are compressed together, up to so many bytes: those of one program begin alike, and the more of them
are looked back at, the less is new. To read one takes a millisecond or two, up to six where nothing in it is alike."""
_PIECES = 1024 * 1024
"""The pieces of long bodies have packs of their own, so that a conversation is read out of no more than it needs."""
_LEVEL = 1
_PACKED = zstandard.ZstdCompressionParameters(compression_level=_LEVEL, window_log=22, hash_log=14, min_match=7, write_checksum=False)
"""For short bodies: looks back through the whole pack (the level by itself: half a megabyte), and takes a twelfth less time than the level
does by itself, and one hundredth more room."""
_AT_ONCE = 4
"""Conversations that may go on under one name."""
_KNOWN_PIECES = 100_000
_PIECE_BYTES = 160
"""What is remembered of a piece takes about that."""


class Pack:
    """Texts on their way into one row of `blobs`. key: of that row; size: bytes of the texts that are in it so far: who adds some, one
    after the other, adds what they have."""

    __slots__ = ("_zip", "key", "size", "texts")

    def __init__(self, compressor: zstandard.ZstdCompressor) -> None:
        self._zip = compressor
        self.texts: list[bytes] = []
        self.key = os.urandom(HASH_BYTES)
        self.size = 0

    def end(self, epoch: int) -> list[Row]:
        """The row, if there is anything in it; what comes next is in another one."""
        if not self.texts:
            return []
        row = self.key, epoch, self.size, self._zip.compress(b"".join(self.texts))
        self.texts, self.size, self.key = [], 0, os.urandom(HASH_BYTES)
        return [row]


class Shelf:
    """Used by one thread. most_bytes: of one body; memory_bytes: of the last bodies of conversations; epoch: the one that is written to."""

    def __init__(self, redactor: Redactor, *, most_bytes: int, memory_bytes: int) -> None:
        self.redactor = redactor
        self.most_bytes = most_bytes
        self.epoch = -1
        self.held_bytes = 0
        self.splices = Splices()
        self._memory = memory_bytes
        self._last: OrderedDict[tuple[object, ...], tuple[Kept, ...]] = OrderedDict()
        self._places: dict[bytes, bytes] = {}
        self._used: dict[bytes, int] = {}
        self._full: list[Row] = []
        self._short = Pack(zstandard.ZstdCompressor(compression_params=_PACKED))
        self._pieces = Pack(zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False))

    def begin(self, epoch: int) -> None:
        """From here on, refer to what this epoch uses only."""
        self._end_packs()
        self.epoch = epoch
        # Who has said nothing for a whole epoch is not waited for, and what was not used in it may be gone.
        self._used = {key: used for key, used in self._used.items() if used >= epoch - 1}
        for key in [key for key, kept in self._last.items() if kept[-1].epoch < epoch - 1]:
            self.held_bytes -= sum(map(_size, self._last.pop(key)))

    def forget(self) -> None:
        """Refer to nothing that was kept so far: it did not reach the database."""
        self._last.clear()
        self._places.clear()
        self._used.clear()
        self.held_bytes = 0
        self.begin(self.epoch)

    def cut(self, data: bytes) -> bytes:
        """The beginning of a body that is too long."""
        return data if len(data) <= self.most_bytes else data[: self.most_bytes]

    # ---- short texts --------------------------------------------------------------------------------------------------------

    def room(self) -> Pack:
        """Where the next short texts belong."""
        pack = self._short
        if pack.size >= _PACK:
            self._full += pack.end(self.epoch)
        return pack

    def packs(self) -> list[Row]:
        """The rows that hold the texts since this was called last."""
        self._end_packs()
        full, self._full = self._full, []
        return full

    def _end_packs(self) -> None:
        self._full += self._short.end(self.epoch)
        self._full += self._pieces.end(self.epoch)

    # ---- long ones ----------------------------------------------------------------------------------------------------------

    def last(self, key: tuple[object, ...]) -> tuple[Kept, ...]:
        """The bodies before: of each conversation the last one, where several go on under one name (an agent and its sub-agents)."""
        return tuple([kept for kept in self._last.get(key, ()) if kept.epoch >= self.epoch - 1])

    def keep(self, key: tuple[object, ...], kept: Kept, instead_of: Kept | None) -> None:
        """Remember for the next body of this conversation."""
        before = self._last.pop(key, ())
        after = (*[each for each in before if each is not instead_of][1 - _AT_ONCE :], kept)
        self.held_bytes += sum(map(_size, after)) - sum(map(_size, before))
        self._last[key] = after
        while self.held_bytes > self._memory and self._last:
            self.held_bytes -= sum(map(_size, self._last.popitem(last=False)[1]))

    def place(self, piece: bytes) -> bytes:
        """Where a piece of a long body is. It is put there if it is not known yet."""
        digest = blake2b(piece, digest_size=HASH_BYTES).digest()
        found = self._places.get(digest)
        if found is None or found[:HASH_BYTES] not in self._used:
            found = self._places[digest] = self._put(piece)
            if len(self._places) > _KNOWN_PIECES:
                del self._places[next(iter(self._places))]
        elif self._used[found[:HASH_BYTES]] != self.epoch:
            self.use([found])
        return found

    def use(self, places: Iterable[bytes]) -> None:
        """Have what is at these places stay as long as what this epoch brings: a row without data does that."""
        for key in dict.fromkeys([place[:HASH_BYTES] for place in places]):
            if self._used.get(key) != self.epoch:
                self._used[key] = self.epoch
                self._full.append((key, self.epoch, 0, b""))

    def _put(self, piece: bytes) -> bytes:
        pack = self._pieces
        if pack.size >= _PIECES:
            self._full += pack.end(self.epoch)
        start = pack.size
        self._used[pack.key] = self.epoch
        pack.texts.append(piece)
        pack.size += len(piece)
        return place_of(pack.key, start, pack.size)


def _size(kept: Kept) -> int:
    return len(kept.data) + _PIECE_BYTES * len(kept.pieces)
