"""What is remembered of the bodies that were kept: the last one of each conversation, which pieces there are, and the short texts that
wait to be compressed together."""

from __future__ import annotations

import os
from collections import OrderedDict

import zstandard

from dragoman.observe.likeness import Kept
from dragoman.observe.redact import Redactor
from dragoman.observe.splice import Splices
from dragoman.store.batch import Row
from dragoman.store.laid import HASH_BYTES

_PACK = 1024 * 1024
"""Short bodies of several exchanges are compressed together: a third of the time, half of the size. So many, since those of one program
begin alike: in a megabyte there are others of them. To read one takes a millisecond."""
_LEVEL = 1
_PACKED = zstandard.ZstdCompressionParameters(compression_level=_LEVEL, hash_log=14, min_match=7, write_checksum=False)
"""For packs: it takes a twelfth less time than the level does by itself, and one hundredth more room."""
_AT_ONCE = 4
"""Conversations that may go on under one name."""
_KNOWN_HASHES = 100_000
_PIECE_BYTES = 160
"""What is remembered of a piece takes about that."""


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
        self._hashes: dict[bytes, int] = {}
        self._full: list[Row] = []
        self._pack: list[bytes] = []
        self._pack_size = 0
        self._pack_key = os.urandom(HASH_BYTES)
        self._zip = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)
        self._zip_pack = zstandard.ZstdCompressor(compression_params=_PACKED)

    def begin(self, epoch: int) -> None:
        """From here on, refer to pieces of this epoch only."""
        self._end_pack()
        self.epoch = epoch
        self._hashes.clear()
        # Who has said nothing for a whole epoch is not waited for.
        for key in [key for key, kept in self._last.items() if kept[-1].epoch < epoch - 1]:
            self.held_bytes -= sum(map(_size, self._last.pop(key)))

    def forget(self) -> None:
        """Refer to nothing that was kept so far: it did not reach the database."""
        self._last.clear()
        self.held_bytes = 0
        self.begin(self.epoch)

    def cut(self, data: bytes) -> bytes:
        """The beginning of a body that is too long."""
        return data if len(data) <= self.most_bytes else data[: self.most_bytes]

    def compress(self, data: bytes) -> bytes:
        """As it is stored."""
        return self._zip.compress(data)

    # ---- short texts --------------------------------------------------------------------------------------------------------

    def room(self) -> tuple[bytes, int]:
        """Where the next short texts will be: in which piece, and where it has them."""
        if self._pack_size >= _PACK:
            self._end_pack()
        return self._pack_key, self._pack_size

    def pack(self, texts: list[bytes], size: int) -> None:
        """Put short texts of so many bytes there, one after the other."""
        self._pack += texts
        self._pack_size += size

    def packs(self) -> list[Row]:
        """The rows that hold the short texts since this was called last."""
        self._end_pack()
        full, self._full = self._full, []
        return full

    def _end_pack(self) -> None:
        if self._pack:
            self._full.append((self._pack_key, self.epoch, self._pack_size, self._zip_pack.compress(b"".join(self._pack))))
        self._pack, self._pack_size, self._pack_key = [], 0, os.urandom(HASH_BYTES)

    # ---- long ones ----------------------------------------------------------------------------------------------------------

    def last(self, key: tuple[object, ...]) -> tuple[Kept, ...]:
        """The bodies before: of each conversation the last one, where several go on under one name (an agent and its sub-agents)."""
        return self._last.get(key, ())

    def keep(self, key: tuple[object, ...], kept: Kept, instead_of: Kept | None) -> None:
        """Remember for the next body of this conversation."""
        before = self._last.pop(key, ())
        after = (*[each for each in before if each is not instead_of][1 - _AT_ONCE :], kept)
        self.held_bytes += sum(map(_size, after)) - sum(map(_size, before))
        self._last[key] = after
        while self.held_bytes > self._memory and self._last:
            self.held_bytes -= sum(map(_size, self._last.popitem(last=False)[1]))

    def is_new(self, digest: bytes) -> bool:
        """Whether a piece is to be written: no body of this epoch has it. Says so once."""
        if self._hashes.get(digest) == self.epoch:
            return False
        if len(self._hashes) >= _KNOWN_HASHES:
            del self._hashes[next(iter(self._hashes))]
        self._hashes[digest] = self.epoch
        return True


def _size(kept: Kept) -> int:
    return len(kept.data) + _PIECE_BYTES * len(kept.pieces)
