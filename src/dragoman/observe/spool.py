"""What waits on disk while the database is away: files of frames, appended to, read again in order.

A frame is its length and a checksum, then bytes. A file whose writer died in mid-frame is sound up to there. Each writing process has
its own files and holds a lock on the one it appends to; those of a process that is gone are taken up by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

_HEAD = struct.Struct("<II")
_FILE_BYTES = 4 * 1024 * 1024
_SUFFIX = ".spool"


class Spool:
    """The files in one folder. `most_bytes` is what they may hold together; may be used by several threads, read by one.

    begun: a text that sorts after that of every earlier process, so that files are read in the order in which they were written.
    """

    def __init__(self, folder: Path, most_bytes: int, begun: str) -> None:
        self._folder = folder
        self._most = most_bytes
        self._begun = begun
        self._made = 0
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._size = 0
        self._is_known = False
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What waits, as far as this process knows."""
        self._look()
        return self._size

    @property
    def is_half_full(self) -> bool:
        """Whether only what must not be lost should still be added."""
        return self.size_bytes > self._most // 2

    def append(self, data: bytes) -> bool:
        """Add a frame, and have the system take it over, so that it outlives this process. False: there is no more room.

        Raises OSError where the disk does not take it.
        """
        with self._lock:
            return self._append(data)

    def _append(self, data: bytes) -> bool:
        self._look()
        if self._size + len(data) + _HEAD.size > self._most:
            return False
        if self._file is None or self._file.tell() > _FILE_BYTES:
            self._begin_file()
        assert self._file is not None
        at, frame = self._file.tell(), _HEAD.pack(len(data), zlib.crc32(data)) + data
        try:
            if self._file.write(frame) < len(frame):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            # A frame that is there by half would hide those that follow.
            with contextlib.suppress(OSError):
                self._file.truncate(at)
                self._file.seek(at)
            raise
        self._size += len(frame)
        return True

    @contextlib.contextmanager
    def oldest(self) -> Generator[Iterator[bytes] | None]:
        """The frames of the oldest file, None if nothing waits. The file is gone when the block ends well; else it stays whole."""
        with self._lock:
            path = self._next()
            if path is not None:
                self._end_file()
        if path is None:
            yield None
            return
        size = path.stat().st_size
        with path.open("rb") as file:
            if not _lock(file):
                yield None
                return
            yield _frames(file)
        path.unlink()
        with self._lock:
            self._size = max(0, self._size - size)

    def close(self) -> None:
        """End the file that is appended to."""
        with self._lock:
            self._end_file()

    def _end_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = self._path = None

    def _next(self) -> Path | None:
        """The oldest file that nobody else appends to."""
        for path in self._paths():
            if path == self._path or _is_free(path):
                return path
        return None

    def _paths(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        return []

    def _look(self) -> None:
        """What earlier processes left counts."""
        if not self._is_known:
            self._is_known = True
            for path in self._paths():
                with contextlib.suppress(OSError):
                    self._size += path.stat().st_size

    def _begin_file(self) -> None:
        self._end_file()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._made += 1
        path = self._folder / f"{self._begun}-{self._made:06}{_SUFFIX}"
        # Without a buffer, which would keep what a full disk did not take and come back with it later, or when it is closed.
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        _lock(file)
        self._file, self._path = file, path


def _frames(file: BinaryIO) -> Iterator[bytes]:
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        size, checksum = _HEAD.unpack(head)
        data = file.read(size)
        if len(data) < size or zlib.crc32(data) != checksum:
            return
        yield data


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_free(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _lock(file)
    except OSError:
        return False
