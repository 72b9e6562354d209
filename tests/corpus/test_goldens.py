"""The goldens of this repository through every check, so that none needs anything outside it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import msgspec
import pytest
from tests.corpus.census import count, news, page, read_page
from tests.corpus.checks import CHECKS, problems
from tests.corpus.exchange import DIALECTS, exchanges
from tests.corpus.mutation import broken, caught, fallen

from dragoman.dialects.contract import Call

GOLDENS = list(exchanges(Path(__file__).parents[1] / "golden"))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: f"{golden.dialect}/{golden.name}")
def test_a_golden_passes(golden, check) -> None:
    assert problems(CHECKS[check], golden) == []


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: f"{golden.dialect}/{golden.name}")
def test_nothing_falls_over_a_broken_golden(golden) -> None:
    draw = Random(golden.name)

    assert [sentence for _ in range(5) for sentence in fallen(golden, draw)] == []


def test_what_falls_is_told_with_its_place() -> None:
    (told,) = caught("reply", lambda: {}["gone"])

    assert told.startswith("reply: KeyError: 'gone' (test_goldens.py:")


def test_a_broken_value_is_another_one_and_leaves_the_first_as_it_was() -> None:
    value = {"a": [1, {"b": "c"}], "d": None}

    found = {json.dumps(broken(value, Random(seed))) for seed in range(50)}

    assert len(found) > 20
    assert value == {"a": [1, {"b": "c"}], "d": None}


def test_there_are_goldens_of_every_dialect() -> None:
    assert {golden.dialect for golden in GOLDENS} == set(DIALECTS)


@pytest.mark.long
def test_every_field_of_the_goldens_is_understood_or_in_the_census() -> None:
    assert news(count(GOLDENS)) == []


def test_a_field_that_nobody_decided_on_is_told_by_name() -> None:
    golden = next(golden for golden in GOLDENS if golden.name == "refused-with-stop")
    body = json.loads(golden.whole or b"")
    body["choices"][0]["message"]["mood"] = "stern"

    told = news(count([msgspec.structs.replace(golden, whole=json.dumps(body).encode())]))

    assert told == ["chat, reply: `$.choices[].message.mood` is opaque"]


@pytest.mark.long
def test_the_page_of_the_census_reads_as_it_was_written() -> None:
    census = count(GOLDENS)

    assert read_page(page(census)) == census


def test_a_tools_schema_without_a_word_of_json_schema_is_an_object_of_anything() -> None:
    declared = [{"name": "f", "parameters": {"type": "OBJECT"}, "parametersJsonSchema": {"a": [1, {}]}}, {"name": "g", "parameters": {}}]
    asked = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "tools": [{"functionDeclarations": declared}]}
    golden = next(golden for golden in GOLDENS if golden.dialect == "generate")
    call = Call("/models/some-model:generateContent", json.dumps(asked).encode())

    found = problems(CHECKS["asked"], msgspec.structs.replace(golden, status=200, call=call, whole=None, stream=None))

    assert found == []
