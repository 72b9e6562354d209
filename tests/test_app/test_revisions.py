"""Revisions are numbered, bounded, private, and survive several gateways at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dragoman.app.revisions import Revisions
from dragoman.config.written import Written
from dragoman.ir.errors import GatewayError


def said(text: str) -> Written:
    return Written(text, {})


def test_each_new_text_gets_the_next_number(tmp_path: Path) -> None:
    revisions = Revisions(tmp_path / "kept")

    numbers = [revisions.keep(said(text)) for text in ("one", "one", "two", "one")]

    assert numbers == [1, 1, 2, 3]
    assert [(one.number, one.text) for one in revisions.all()] == [(1, "one"), (2, "two"), (3, "one")]


def test_line_ends_are_part_of_the_text(tmp_path: Path) -> None:
    revisions = Revisions(tmp_path)

    numbers = [revisions.keep(said(text)) for text in ("one\r\ntwo\r\n", "one\r\ntwo\r\n", "one\ntwo\n")]

    assert numbers == [1, 1, 2]
    assert revisions.get(1).text == "one\r\ntwo\r\n"


def test_the_oldest_are_forgotten_and_numbers_go_on(tmp_path: Path) -> None:
    revisions = Revisions(tmp_path, kept=3)

    numbers = [revisions.keep(said(str(number))) for number in range(6)]

    assert numbers == [1, 2, 3, 4, 5, 6]
    assert [one.number for one in revisions.all()] == [4, 5, 6]


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    Revisions(tmp_path / "kept").keep(said("one"))

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "kept", tmp_path / "kept" / "000001.yaml")]

    assert modes == [0o700, 0o600]
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["000001.yaml"]


def test_several_gateways_never_take_one_number_twice(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(40)]

    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda text: Revisions(tmp_path).keep(said(text)), texts))

    kept = {one.number: one.text for one in Revisions(tmp_path).all()}
    assert sorted(numbers) == list(range(1, 41))
    assert {number: kept[number] for number in numbers} == dict(zip(numbers, texts, strict=True))


def test_a_number_that_is_not_kept_is_told_with_those_that_are(tmp_path: Path) -> None:
    revisions = Revisions(tmp_path)
    for text in ("one", "two", "three", "four"):
        revisions.keep(said(text))

    with pytest.raises(GatewayError, match="there is no revision 9; there are 1 to 4"):
        revisions.get(9)


def test_files_of_one_name_have_revisions_of_their_own(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path)}
    one, two = (Revisions.of(tmp_path / name / "dragoman.yaml", env) for name in ("one", "two"))

    one.keep(said("one"))

    assert (len(one.all()), len(two.all())) == (1, 0)
