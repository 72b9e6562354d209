"""The table of `dragoman health`."""

from __future__ import annotations

import click

from dragoman.cli.health import table


def test_each_seat_has_a_line_and_its_trouble_another() -> None:
    limits = [{"of": "requests", "most": 500, "left": 480}, {"of": "tokens", "left": 300}]
    seats = [
        {
            "id": "o/gpt@a",
            "standing": "ready",
            "running": 2,
            "first_token_s": 0.61,
            "token_s": 0.021,
            "requests": 9,
            "tokens": 120,
            "limits": limits,
        },
        {"id": "c/opus@key-1", "standing": "refused", "why": "provider_key: no such key", "for_s": 9000.0, "until_s": 9.5},
    ]

    lines = [line.replace("\x1b[2m", "").replace("\x1b[0m", "").replace("\x1b[32m", "").replace("\x1b[31m", "") for line in table(seats)]

    assert lines == [
        "target@key    state    for         until   running  first token  per token  last minute             left",
        "o/gpt@a       ready                        2        0.61 s       21 ms      9 requests, 120 tokens  480/500 requests, 300 tokens",
        "c/opus@key-1  refused  2 h 30 min  9.50 s",
        "    provider_key: no such key",
    ]


def test_what_holds_for_a_key_is_told_once_and_one_is_no_plural() -> None:
    dead = {"provider": "c", "key": "a", "standing": "refused", "why": "provider_key: no such key", "for_s": 1.0, "until_s": 9.5}
    seats = [
        {"id": "c/m@a", **dead},
        {"id": "c/n@a", **dead},
        {"id": "c/n@b", "standing": "trial", "until_s": 0, "requests": 1, "tokens": 1},
    ]

    assert [click.unstyle(line) for line in table(seats)] == [
        "target@key  state    for     until   running  first token  per token  last minute         left",
        "c/m@a       refused  1.00 s  9.50 s",
        "    provider_key: no such key",
        "c/n@a       refused  1.00 s  9.50 s",
        "    the same key, as above",
        "c/n@b       trial                                                     1 request, 1 token",
    ]
