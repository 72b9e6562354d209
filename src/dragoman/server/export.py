"""Rows of the journal as files: JSON Lines, CSV, Parquet. Each writer takes pages of rows and gives the bytes that they become."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from dragoman.server.parquet import Parquet

Row = Mapping[str, Any]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Writer(Protocol):
    """Writes one file."""

    content_type: str

    def rows(self, rows: Sequence[Row]) -> bytes:
        """What these rows, the next ones, become."""
        ...

    def close(self) -> bytes:
        """The end of the file."""
        ...


class JsonLines:
    """One JSON object a line."""

    content_type = "application/x-ndjson"

    def rows(self, rows: Sequence[Row]) -> bytes:
        """The lines."""
        return b"".join([msgspec.json.encode(row) + b"\n" for row in rows])

    def close(self) -> bytes:
        """Nothing follows."""
        return b""


class Csv:
    """RFC 4180, with a head. What is no plain value is JSON; a text that a spreadsheet would take for a formula gets a quote before it."""

    content_type = "text/csv; charset=utf-8"

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()

    def rows(self, rows: Sequence[Row]) -> bytes:
        """The lines; before the first ones the names."""
        out = io.StringIO()
        write = csv.writer(out).writerow
        if not self._names and rows:
            self._names = tuple(rows[0])
            write(self._names)
        for row in rows:
            write([_cell(row.get(name)) for name in self._names])
        return out.getvalue().encode("utf-8", "replace")

    def close(self) -> bytes:
        """Nothing follows."""
        return b""


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # A sign by itself is none: who has no key is called `-`.
    return f"'{text}" if len(text) > 1 and text.startswith(_FORMULA) else text


FORMATS: dict[str, Callable[[], Writer]] = {"jsonl": JsonLines, "csv": Csv, "parquet": Parquet}
"""By their names, which are the files' too."""
