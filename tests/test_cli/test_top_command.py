"""The screen of `dragoman top`."""

from __future__ import annotations

import os
from typing import Any

import click

from dragoman.cli.top import View, drawn, lines

NOTHING: dict[str, Any] = {
    "exchanges": 0, "failed": 0, "left": 0, "unpriced": 0, "input_tokens": 0, "output_tokens": 0, "cost_pico": 0, "cost_usd": 0.0,
}  # fmt: skip


def running(number: int, **told: Any) -> dict[str, Any]:
    plain = {"agent": "codex", "client": "ada", "session": f"session-{number}", "asked": "fast", "provider": "up", "model": "m"}
    return {**plain, "running_s": 12.5, "first_token_s": 0.5, **told}


def view(*under_way: dict[str, Any], **told: Any) -> View:
    sums: dict[str, Any] = {"usage": [], "total": NOTHING}
    return View(**{"name": "the gateway", "at": 0.0, "running": under_way, "lately": sums, "day": sums, "sessions": [], **told})


def texts(shown: View) -> list[str]:
    return [click.unstyle(line) for line in lines(shown)]


def test_what_is_under_way_is_told_with_whose_it_is_and_how_long_it_lasts() -> None:
    shown = texts(view(running(1), running(2, agent="generic", provider=None, session=None, first_token_s=None)))

    assert shown[0].endswith("the gateway  2 running")
    assert shown[4:7] == [
        "running                          of     session       for  first token",
        "up/m                             codex  session-1  12.5 s       0.50 s",
        "fast (no provider is asked yet)  ada    -          12.5 s            -",
    ]


def test_of_many_the_first_are_told_and_how_many_more_there_are() -> None:
    shown = texts(view(*[running(number) for number in range(20)]))

    assert len([line for line in shown if line.startswith("up/m")]) == 12
    assert "and 8 more" in shown


def test_who_left_is_told_from_what_failed() -> None:
    day = {"usage": [], "total": {**NOTHING, "exchanges": 9, "failed": 2, "left": 0}}
    gone = {"usage": [], "total": {**NOTHING, "exchanges": 10, "failed": 3, "left": 1}}

    assert texts(view(day=day))[1] == "today          9 requests, 2 failed, -"
    assert texts(view(day=gone))[1] == "today          10 requests, 3 failed (1 left by the client), -"


def test_what_is_spent_in_an_hour_is_a_dash_where_no_price_is_known() -> None:
    lately = {"usage": [], "total": {**NOTHING, "exchanges": 10, "unpriced": 10, "input_tokens": 3000, "output_tokens": 600}}
    priced = {"usage": [], "total": {**NOTHING, "exchanges": 5, "cost_pico": 5, "cost_usd": 0.5}}

    assert texts(view(lately=lately))[2] == "last 5 minutes 2.0 requests/min, 10 tokens/s in, 2 out, -/h"
    assert texts(view(lately=priced))[2] == "last 5 minutes 1.0 requests/min, 0 tokens/s in, 0 out, $6.0000/h"


def test_a_screen_takes_no_more_room_than_there_is_and_leaves_nothing_of_the_one_before() -> None:
    screen = ["a" * 10, click.style("b" * 12, dim=True), "c", "not seen"]

    assert drawn(screen, os.terminal_size((10, 4))) == (
        "\x1b[H" + "a" * 10 + "\x1b[K\n" + click.style("b" * 9 + "…", dim=True) + "\x1b[K\n" + "c\x1b[K\n" + "\x1b[J"
    )


def test_nothing_that_clients_say_steers_the_terminal() -> None:
    shown = lines(view(running(1, session="\x1b[2J", model="m\x07", agent="\x1b]0;x")))

    assert [line for line in shown if not click.unstyle(line).isprintable()] == []
