"""Rows of the journal as files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.server.export import FORMATS, Csv, JsonLines, Writer
from dragoman.server.parquet import Parquet

ROWS: list[dict[str, Any]] = [
    {
        "id": f"ex_{number}",
        "began_at": number + 0.5,
        "stream": None if number % 5 == 0 else number % 2 == 0,
        "status": 200 if number % 3 else None,
        "input_tokens": -number if number % 7 else None,
        "cost_usd": None,
        "message": 'héé, "x"\nline' if number % 4 else None,
        "warnings": [["field", "why"]] if number % 2 else None,
    }
    for number in range(45)
]


def written(writer: Writer, rows: list[dict[str, Any]], size: int = 10) -> bytes:
    return b"".join([*(writer.rows(rows[at : at + size]) for at in range(0, len(rows), size)), writer.close()])


def test_json_lines_hold_what_the_rows_held() -> None:
    assert [json.loads(line) for line in written(JsonLines(), ROWS).splitlines()] == ROWS


def test_csv_holds_a_head_and_each_row() -> None:
    found = list(csv.DictReader(io.StringIO(written(Csv(), ROWS).decode(), newline="")))

    assert [row["id"] for row in found] == [row["id"] for row in ROWS]
    assert (found[1]["message"], found[0]["message"]) == ('héé, "x"\nline', "")
    assert json.loads(found[1]["warnings"]) == [["field", "why"]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_spreadsheet_takes_a_text_for_a_formula(text: str) -> None:
    assert written(Csv(), [{"message": text}]).decode().splitlines()[1].strip('"').startswith("'")


def test_a_sign_by_itself_is_left_as_it_is() -> None:
    assert written(Csv(), [{"client": "-"}]) == b"client\r\n-\r\n"


def test_parquet_is_framed_and_its_pages_hold_the_values() -> None:
    data = written(Parquet(), ROWS)

    assert (data[:4], data[-4:]) == (b"PAR1", b"PAR1")
    footer = struct.unpack("<I", data[-8:-4])[0]
    assert b"dragoman" in data[-8 - footer :]
    assert _first_page(data) == b"".join(struct.pack("<I", len(row["id"])) + row["id"].encode() for row in ROWS)


def _first_page(data: bytes) -> bytes:
    """The plain values of the first column."""
    stream = gzip.GzipFile(fileobj=io.BytesIO(data[data.index(b"\x1f\x8b") :]))
    page = stream.read(4 + 1 + 6 + sum(4 + len(row["id"]) for row in ROWS))
    levels = struct.unpack("<I", page[:4])[0]
    return page[4 + levels :]


def test_parquet_is_read_by_the_usual_library() -> None:
    reader = pytest.importorskip("pyarrow.parquet")

    found = reader.read_table(io.BytesIO(written(Parquet(), ROWS))).to_pylist()

    assert [{**row, "warnings": row["warnings"] and json.loads(row["warnings"])} for row in found] == ROWS


@pytest.mark.parametrize("make", FORMATS.values())
def test_without_rows_there_is_an_empty_file(make: Callable[[], Writer]) -> None:
    assert make().close() in (b"", Parquet().close())
