"""The rest of the error table: somebody stops in mid-answer, or a target cannot be asked for that. `docs/errors.md` has to say what is
found here."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from error_page import PAGE, stop_line, unsupported_line
from error_stops import COMPACTED, COMPACTED_SAYS, STOPS, UNSUPPORTED, Stop, Stopped, Unsupported, asking, compacted, refused

pytestmark = pytest.mark.journey

CASES = [pytest.param(stop, client, id=f"{stop.name}-{client.split(',')[0]}-{client[-5:]}") for stop in STOPS for client in asking(stop)]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Generator[Stopped]:
    made = Stopped(tmp_path_factory.mktemp("stops"))
    if len(request.session.items) >= len(CASES):
        made.begin_all()
    yield made
    made.close()


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_codex_goes_on_or_reads_who_is_away(measured: Stopped, stop: Stop) -> None:
    told = measured.told(stop, "Codex")

    assert [words for words in stop.says if words not in told.read] == [], told.read
    assert told.code is not None
    assert told.requests <= 6


@pytest.mark.parametrize(("stop", "client"), CASES)
def test_nobody_takes_half_an_answer_for_a_whole_one(measured: Stopped, stop: Stop, client: str) -> None:
    told = measured.told(stop, client)

    assert told.read == "one two three four five six seven eight nine ten" or "error" in told.read.lower() or told.code == 1


@pytest.mark.parametrize(("stop", "client"), CASES)
def test_the_page_says_what_is_read_when_somebody_stops(measured: Stopped, stop: Stop, client: str) -> None:
    assert stop_line(stop, client, measured) in PAGE.read_text()


@pytest.mark.parametrize("wish", UNSUPPORTED, ids=lambda wish: wish.what)
def test_what_a_target_cannot_be_asked_is_refused_before_it_is_asked(tmp_path: Path, wish: Unsupported) -> None:
    told = refused(wish, tmp_path / "gateway")

    assert [words for words in wish.says if words not in told.read] == [], told.read
    assert (told.code, told.requests, told.asked) == (1, 1, 0)
    assert unsupported_line(wish.what, told) in PAGE.read_text()


def test_codex_reads_that_only_openai_can_read_what_it_compacted(tmp_path: Path) -> None:
    told = compacted(tmp_path / "machine")

    assert [words for words in COMPACTED_SAYS if words not in told.read] == [], told.read
    assert (told.code, told.requests, told.asked) == (1, 1, 0)
    assert unsupported_line(COMPACTED, told) in PAGE.read_text()
