"""The reference and the JSON Schema: made from the Structs, complete, and current in the docs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dragoman.config.decode import struct_type
from dragoman.config.json_schema import json_schema, schema_text, sentences, structs_of
from dragoman.config.reference import markdown, write
from dragoman.config.schema import Config
from dragoman.dialects.contract import Quirks
from dragoman.lower.capabilities import Capabilities

DOCS = Path(__file__).parents[2] / "docs" / "reference"
STRUCTS = [*structs_of(Config), Quirks, Capabilities]


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_setting_has_its_sentence(struct: type[msgspec.Struct]) -> None:
    told = sentences(struct)

    assert [field.name for field in struct_type(struct).fields if not told.get(field.name, "").rstrip().endswith(".")] == []


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_setting_that_must_be_given_says_how_it_is_written(struct: type[msgspec.Struct]) -> None:
    must = [field for field in struct_type(struct).fields if field.required]

    assert [
        field.name for field in must if f'"{field.encode_name}: ' not in msgspec.json.encode(getattr(field.type, "extra", None)).decode()
    ] == []


def test_docs_hold_the_current_reference_and_schema() -> None:
    how = "run `python -m dragoman.config.reference docs/reference`"

    assert (DOCS / "configuration.md").read_text() == markdown(), how
    assert (DOCS / "dragoman.schema.json").read_text() == schema_text(), how


def test_writing_writes_both(tmp_path: Path) -> None:
    write(tmp_path)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["configuration.md", "dragoman.schema.json"]


def test_every_object_of_the_schema_refuses_unknown_settings() -> None:
    parts = json_schema()["$defs"]

    assert [name for name, part in parts.items() if part["type"] == "object" and part.get("additionalProperties") is not False] == []


def test_every_property_of_the_schema_is_described() -> None:
    parts = json_schema()["$defs"]

    assert [(name, field) for name, part in parts.items() for field, told in part["properties"].items() if "description" not in told] == []


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    text = schema_text()
    names = set(json_schema()["$defs"])

    assert {piece.partition('"')[0] for piece in text.split("#/$defs/")[1:]} <= names
