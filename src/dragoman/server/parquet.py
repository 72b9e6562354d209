"""Writes Parquet files, as much of the format as plain rows need: optional columns of text, numbers and truth values, one page each, gzip.

Own: docs/decisions/0017-own-parquet.md says why. The format: https://parquet.apache.org/docs/file-format/; its metadata are structs of
Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

Row = Mapping[str, Any]

_MAGIC = b"PAR1"
_GROUP_ROWS = 5000
"""These are held while an export goes on: 30 MB."""
_BOOLEAN, _INT64, _DOUBLE, _TEXT = 0, 2, 5, 6
_PLAIN, _RLE, _GZIP, _OPTIONAL, _UTF8 = 0, 3, 2, 1, 0
_COUNTED = frozenset({"status", "attempts", "tool_calls", "bytes_in", "bytes_out", "warnings_count"})
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_SHORT_LIST = 15


class Parquet:
    """One file. The columns are those of the first row; what they hold goes by their names (`…_s`, `…_tokens`, …), so that a column is of
    the same kind in every file."""

    content_type = "application/vnd.apache.parquet"

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._waiting: list[Row] = []
        self._groups: list[bytes] = []
        self._count = 0
        self._at = 0

    def rows(self, rows: Sequence[Row]) -> bytes:
        """What can be written of these and of those that came before."""
        self._names = self._names or tuple(rows[0])
        self._waiting += rows
        return self._group() if len(self._waiting) >= _GROUP_ROWS else b""

    def close(self) -> bytes:
        """The last rows, and what tells where everything is."""
        last = self._group() if self._waiting or not self._at else b""
        schema = [_struct(_text(4, "exchange"), _number(5, len(self._names))), *map(_element, self._names)]
        groups = _list(4, _STRUCT, self._groups)
        footer = _struct(
            _number(1, 1), _list(2, _STRUCT, schema), _number(3, self._count, _I64), groups, _text(6, "dragoman"),
        )  # fmt: skip
        return b"".join((last, footer, struct.pack("<I", len(footer)), _MAGIC))

    def _group(self) -> bytes:
        rows, self._waiting = self._waiting, []
        out = [] if self._at else [_MAGIC]
        self._at += sum(map(len, out))
        chunks: list[bytes] = []
        first = self._at
        for name in self._names if rows else ():
            page, size = _page(name, [row.get(name) for row in rows])
            chunks.append(_chunk(name, len(rows), self._at, size, len(page)))
            out.append(page)
            self._at += len(page)
        if rows:
            self._groups.append(_struct(_list(1, _STRUCT, chunks), _number(2, self._at - first, _I64), _number(3, len(rows), _I64)))
            self._count += len(rows)
        return b"".join(out)


def _kind(name: str) -> int:
    if name == "stream":
        return _BOOLEAN
    if name.endswith(("_s", "_at", "_usd")):
        return _DOUBLE
    return _INT64 if name.endswith(("_tokens", "_pico")) or name in _COUNTED else _TEXT


# ---- pages ---------------------------------------------------------------------------------------------------------------


def _page(name: str, values: Sequence[Any]) -> tuple[bytes, int]:
    """A column's values as a page with its head, and how long that would be uncompressed."""
    kept = [value for value in values if value is not None]
    levels = _bits([value is not None for value in values])
    groups = _varint((len(levels) << 1) | 1)
    data = b"".join((struct.pack("<I", len(groups) + len(levels)), groups, levels, _PLAINLY[_kind(name)](kept)))
    packed = gzip.compress(data, 6, mtime=0)
    inner = _struct(_number(1, len(values)), _number(2, _PLAIN), _number(3, _RLE), _number(4, _RLE))
    head = _struct(_number(1, 0), _number(2, len(data)), _number(3, len(packed)), (5, _STRUCT, inner))
    return head + packed, len(head) + len(data)


def _bits(flags: Sequence[bool]) -> bytes:
    packed = bytearray((len(flags) + 7) // 8)
    for place, flag in enumerate(flags):
        if flag:
            packed[place >> 3] |= 1 << (place & 7)
    return bytes(packed)


def _texts(values: Iterable[Any]) -> bytes:
    out: list[bytes] = []
    for value in values:
        text = value.encode("utf-8", "replace") if isinstance(value, str) else msgspec.json.encode(value)
        out += (struct.pack("<I", len(text)), text)
    return b"".join(out)


_PLAINLY: dict[int, Callable[[Sequence[Any]], bytes]] = {
    _BOOLEAN: lambda values: _bits([bool(value) for value in values]),
    _INT64: lambda values: struct.pack(f"<{len(values)}q", *map(int, values)),
    _DOUBLE: lambda values: struct.pack(f"<{len(values)}d", *map(float, values)),
    _TEXT: _texts,
}


# ---- metadata ------------------------------------------------------------------------------------------------------------

_Field = tuple[int, int, bytes]
"""Number, kind, bytes."""


def _element(name: str) -> bytes:
    kind = _kind(name)
    fields = [_number(1, kind), _number(3, _OPTIONAL), _text(4, name)]
    return _struct(*fields, *([_number(6, _UTF8)] if kind == _TEXT else []))


def _chunk(name: str, count: int, at: int, size: int, packed: int) -> bytes:
    encodings = _list(2, _I32, [_zigzag(_PLAIN), _zigzag(_RLE)])
    path = _list(3, _BINARY, [_varint(len(name.encode())) + name.encode()])
    sizes = [_number(5, count, _I64), _number(6, size, _I64), _number(7, packed, _I64), _number(9, at, _I64)]
    about = _struct(_number(1, _kind(name)), encodings, path, _number(4, _GZIP), *sizes)
    return _struct(_number(2, at, _I64), (3, _STRUCT, about))


def _struct(*fields: _Field) -> bytes:
    out: list[bytes] = []
    last = 0
    for number, kind, value in fields:
        out += (bytes([(number - last) << 4 | kind]), value)
        last = number
    return b"".join(out) + b"\0"


def _number(field: int, value: int, kind: int = _I32) -> _Field:
    return field, kind, _zigzag(value)


def _text(field: int, value: str) -> _Field:
    return field, _BINARY, _varint(len(value.encode())) + value.encode()


def _list(field: int, kind: int, values: Sequence[bytes]) -> _Field:
    size = len(values)
    head = bytes([size << 4 | kind]) if size < _SHORT_LIST else bytes([0xF0 | kind]) + _varint(size)
    return field, _LIST, head + b"".join(values)


def _zigzag(value: int) -> bytes:
    return _varint((value << 1) ^ (value >> 63))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
