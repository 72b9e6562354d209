"""Exchanges as lines of `dragoman logs`."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.cli.amounts import dollars, spent
from dragoman.cli.journal import exchange_line
from dragoman.observe.cells import width

ROW: dict[str, Any] = {
    "id": "ex_01a2000e54944e484d9060336687ed5b", "began_at": 0.0, "client": "ada", "agent": "codex", "asked": "fast", "provider": "up",
    "model": "m", "lane": "relay", "status": 200, "error": None, "message": None, "input_tokens": 12, "output_tokens": 3,
    "cache_read_tokens": None, "first_token_s": 0.1, "total_s": 1.0, "cost_usd": 0.25,
}  # fmt: skip
FAILED: dict[str, Any] = {**ROW, "status": 400, "error": "invalid_request", "message": "word " * 60}


def test_a_line_ends_with_the_cost_and_enough_of_the_id_to_ask_for_it() -> None:
    assert exchange_line(ROW, color=False).endswith("12/3 0.10/1.00s    $0.2500  ex_01a2000e54944e484d")


def test_a_line_tells_the_tries_of_an_exchange_that_took_more_than_one() -> None:
    assert exchange_line({**ROW, "attempts": 3}, color=False).endswith("    $0.2500  ex_01a2000e54944e484d  3 tries")
    assert exchange_line({**FAILED, "attempts": 2}, color=False, cells=120).endswith("…  ex_01a2000e54944e484d  2 tries")
    assert exchange_line({**ROW, "attempts": 1}, color=False) == exchange_line(ROW, color=False)


@pytest.mark.parametrize("message", ["word " * 60, "word " * 200, "模型没有回答" * 60])
@pytest.mark.parametrize("cells", [150, 200])
def test_what_went_wrong_is_cut_where_the_terminal_ends(cells: int, message: str) -> None:
    text = exchange_line({**FAILED, "message": message}, color=False, cells=cells)

    assert cells - 1 <= width(text) <= cells
    assert text.endswith("…  ex_01a2000e54944e484d")


def test_in_a_narrow_terminal_it_is_still_said_and_in_a_pipe_whole() -> None:
    assert "word word …" in exchange_line(FAILED, color=False, cells=40)
    assert FAILED["message"] in exchange_line(FAILED, color=False)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"), (0.0, "$0"), (1.2e-8, "<$0.000001"), (0.00002, "$0.000020"), (0.01, "$0.0100"), (12.5, "$12.5000"),
        (1234.5, "$1,234.50"), (-0.25, "-$0.2500"),
    ],
)  # fmt: skip
def test_an_amount_that_is_small_is_not_told_as_nothing(amount: float | None, text: str) -> None:
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"exchanges": 0}, "$0"),
        ({"exchanges": 2}, "-"),
        ({"exchanges": 2, "input_tokens": 9}, "$0"),
        ({"exchanges": 2, "input_tokens": 9, "unpriced": 2}, "-"),
        ({"exchanges": 2, "input_tokens": 9, "unpriced": 1, "cost_pico": 5 * 10**11, "cost_usd": 0.5}, "$0.5000+"),
    ],
)
def test_what_was_spent_is_open_where_nobody_told_what_was_used(told: dict[str, Any], text: str) -> None:
    assert spent({"unpriced": 0, "input_tokens": 0, "output_tokens": 0, "cost_pico": 0, "cost_usd": 0.0, **told}) == text
