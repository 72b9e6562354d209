"""Exchanges that nobody recorded, of whatever the official SDKs' types allow, pass every check of the corpus. An SDK that is not
installed imagines nothing; `make corpus` installs them all, and tries more."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import imagined_asked, imagined_told
from tests.corpus.checks import CHECKS, problems
from tests.corpus.exchange import DIALECTS, Exchange
from tests.corpus.imagined import may_imagine

from effort import EFFORT

KINDS: dict[str, Callable[[str, Random], Exchange]] = {
    "asked": imagined_asked.request,
    "told": imagined_told.whole,
    "streamed": imagined_told.stream,
}


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DIALECTS)
def test_an_exchange_that_nobody_recorded_passes_every_check(name: str, kind: str) -> None:
    if not may_imagine(name):
        pytest.skip(f"the SDK of `{name}` is not installed; `make corpus` installs it")

    # A seed, as drawing every value by itself would take most of the time.
    @settings(EFFORT, max_examples=EFFORT.max_examples // 6)
    @given(st.integers(0, 2**32))
    def try_one(seed: int) -> None:
        exchange = KINDS[kind](name, Random(seed))

        assert [sentence for check in CHECKS.values() for sentence in problems(check, exchange)] == []

    try_one()
