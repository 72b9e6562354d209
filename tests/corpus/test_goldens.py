"""The goldens of this repository through every check, so that none needs anything outside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.corpus.checks import CHECKS, problems
from tests.corpus.exchange import DIALECTS, exchanges

GOLDENS = list(exchanges(Path(__file__).parents[1] / "golden"))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: f"{golden.dialect}/{golden.name}")
def test_a_golden_passes(golden, check) -> None:
    assert problems(CHECKS[check], golden) == []


def test_there_are_goldens_of_every_dialect() -> None:
    assert {golden.dialect for golden in GOLDENS} == set(DIALECTS)
