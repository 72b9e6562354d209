"""Questions to the journal as people write them."""

from __future__ import annotations

import pytest

from dragoman.ir.errors import GatewayError
from dragoman.observe.queries import moment, read_cursor, read_filter, whole_number, write_cursor
from dragoman.store.filter import Cursor, Filter

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, Filter()),
        ({"model": "a, b", "key": "ada"}, Filter(equal={"model": ("a", "b"), "client": ("ada",)})),
        ({"status": "4xx,503"}, Filter(statuses=((400, 500), (503, 504)))),
        ({"status": "failed"}, Filter(failed=True)),
        ({"error": "any"}, Filter(failed=True)),
        ({"error": "cut,timeout"}, Filter(equal={"error": ("cut", "timeout")})),
        ({"since": "15m", "until": "2026-11-21"}, Filter(since=NOW - 900, until=1_795_219_200.0)),
        ({"after": "5", "before": "7.5"}, Filter(since=5.0, until=7.5)),
        ({"min_cost_usd": "0.5", "max_total_s": "3"}, Filter(within={"total_s": (None, 3.0), "cost_pico": (5e11, None)})),
        ({"text": "two words", "model": ""}, Filter(text="two words")),
    ],
)
def test_a_question_is_read(given: dict[str, str], wanted: Filter) -> None:
    assert read_filter(given, NOW) == wanted


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"modell": "x"}, "there is no filter `modell`; did you mean `model`?"),
        ({"status": "4x"}, "`status=4x` is none: write `ok`, `failed`, `4xx`, or statuses as `429,503`"),
        ({"error": "timeouts"}, "`error=timeouts` is no kind of error; did you mean `timeout`?"),
        ({"error": "none,x"}, "`error=none` is no kind of error; there are `any`, `none`, `invalid_request`"),
        ({"since": "1h", "until": "1h"}, "nothing is between these times: `since` is not before `until`"),
        ({"min_total_s": "long"}, "`min_total_s=long` is no number"),
        ({"since": "soon"}, "`since=soon` is no time: write `24h` or `7d` for how long ago, a date as `2026-11-21`, or a time as"),
    ],
)
def test_what_is_no_question_is_refused_with_what_would_be(given: dict[str, str], says: str) -> None:
    with pytest.raises(GatewayError) as refused:
        read_filter(given, NOW)

    assert refused.value.message.startswith(says)
    assert refused.value.kind.value == "invalid_request"


def test_times_may_say_their_zone() -> None:
    assert moment("2026-11-21T01:00:00+01:00", NOW) == moment("2026-11-21T00:00:00", NOW) == 1_795_219_200.0
    assert moment("2026-11-21T01:00:00 0100", NOW) == 1_795_219_200.0


def test_a_cursor_comes_back_as_it_was() -> None:
    assert read_cursor(write_cursor(1.25, "ex_1")) == Cursor(1.25, "ex_1")


@pytest.mark.parametrize("word", ["", "x", "!!", "bm90IGpzb24", "é"])
def test_what_is_no_cursor_is_refused(word: str) -> None:
    with pytest.raises(GatewayError):
        read_cursor(word)


@pytest.mark.parametrize("text", ["0", "-1", "1001", "ten", "1.5"])
def test_numbers_have_bounds(text: str) -> None:
    with pytest.raises(GatewayError):
        whole_number({"limit": text}, "limit", 50, 1000)
