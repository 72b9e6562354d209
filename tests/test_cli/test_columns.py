"""Tables for the terminal: below each other is what stands in the same cells, whatever the script."""

from __future__ import annotations

from dragoman.cli.columns import aligned, shortened
from dragoman.observe.cells import width


def test_columns_stand_below_each_other_in_any_script() -> None:
    rows = [("model", "who", "requests"), ("通义千问", "ada", "3"), ("gpt-5.5", "李雷", "12"), ("🚀", "Zoe\u0301", "7")]

    assert aligned(rows, {2}) == [
        "model     who   requests",
        "通义千问  ada          3",
        "gpt-5.5   李雷        12",
        "🚀        Zoe\u0301          7",
    ]


def test_a_name_is_shortened_by_the_room_that_it_takes() -> None:
    name = "模" * 40 + "-" + "型" * 15

    short = shortened(name)

    assert short == "模" * 19 + "…" + "型" * 10
    assert width(short) <= 60
    assert shortened("模" * 30) == "模" * 30
