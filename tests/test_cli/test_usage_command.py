"""`dragoman usage`: sums as a table, and what is said where there are none."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from dragoman.cli import usage as module
from dragoman.cli.usage import usage

SUMS: dict[str, Any] = {
    "exchanges": 2, "failed": 0, "left": 0, "input_tokens": 8, "cache_hit_rate": None, "output_tokens": 4, "cost_pico": 0, "cost_usd": None,
    "first_token_s": 0.5, "first_tokens": 1, "total_s": 3.0, "output_tokens_per_s": None,
}  # fmt: skip


class Gateway:
    """One that has seen a single model."""

    name = "the gateway"
    asked: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    unpriced = 0
    groups = 0

    def __init__(self, gateway: str | None, config: str | None) -> None:
        """Which one does not matter."""

    def usage(self, given: dict[str, str]) -> dict[str, Any]:
        Gateway.asked = given
        return {"usage": self.rows, "groups": self.groups or len(self.rows), "total": SUMS | {"unpriced": self.unpriced}}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, rows: tuple[Any, ...] = (), unpriced: int = 0, groups: int = 0) -> Any:
    monkeypatch.setattr(module, "Source", Gateway)
    monkeypatch.setattr(Gateway, "rows", list(rows))
    monkeypatch.setattr(Gateway, "unpriced", unpriced)
    monkeypatch.setattr(Gateway, "groups", groups)
    return CliRunner().invoke(usage, arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing is on record yet, says the gateway\n"),
        (("--by", "client", "--period", "day"), "nothing is on record yet, says the gateway\n"),
        (("--since", "7d"), "nothing like that is on record, says the gateway\n"),
    ],
)
def test_an_empty_journal_is_told_from_filters_that_nothing_passes(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    assert run(monkeypatch, *arguments).output == told


@pytest.mark.parametrize(("unpriced", "told"), [(1, "1 request has a model"), (2, "2 requests have a model")])
def test_what_has_no_price_is_counted_below(monkeypatch: pytest.MonkeyPatch, unpriced: int, told: str) -> None:
    row = SUMS | {"model": "m", "unpriced": unpriced}

    lines = run(monkeypatch, rows=(row,), unpriced=unpriced).output.splitlines()

    assert lines[1].split() == ["m", "2", "-", "8", "-", "4", "-", "0.50", "s", "1.50", "s", "-"]
    assert lines[-1] == f"{told} whose price is not known; see `prices` in the config."


def test_a_name_without_end_leaves_the_table_legible(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = run(monkeypatch, rows=(SUMS | {"model": "m" * 500},)).output.splitlines()

    assert lines[1].split()[0] == f"{'m' * 39}…{'m' * 20}"


def test_who_left_is_told_from_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple(SUMS | {"model": f"m{left}", "exchanges": 9, "failed": 3, "left": left} for left in (0, 2))

    lines = run(monkeypatch, rows=rows).output.splitlines()

    assert [" ".join(line.split()[:4]) for line in lines[1:3]] == ["m0 9 3 8", "m2 9 3 (2"]


def test_of_more_groups_than_are_shown_the_sums_are_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple(SUMS | {"model": name} for name in ("a", "b"))

    lines = run(monkeypatch, rows=rows, groups=1200).output.splitlines()

    assert [line.split()[0] for line in lines] == ["model", "a", "b", "all", "and"]
    assert lines[-1] == "and 1198 more; what stands behind `all` is of all of them"
