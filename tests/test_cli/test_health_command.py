"""The table of `dragoman health`."""

from __future__ import annotations

from dragoman.cli.health import table


def test_each_seat_has_a_line_and_its_trouble_another() -> None:
    limits = [{"of": "requests", "most": 500, "left": 480}, {"of": "tokens", "left": 30_000}]
    seats = [
        {
            "id": "o/gpt@a",
            "standing": "ready",
            "running": 2,
            "first_token_s": 0.61,
            "token_s": 0.021,
            "requests": 9,
            "tokens": 12_000,
            "limits": limits,
        },
        {"id": "c/opus@key-1", "standing": "refused", "why": "provider_key: no such key", "for_s": 75.0, "until_s": 9.5},
    ]

    lines = [line.replace("\x1b[2m", "").replace("\x1b[0m", "").replace("\x1b[32m", "").replace("\x1b[31m", "") for line in table(seats)]

    assert lines == [
        "target@key    state    for   until  running  first token  per token  last minute                left",
        "o/gpt@a       ready                 2        610 ms       21 ms      9 requests, 12,000 tokens  480/500 requests, 30,000 tokens",
        "c/opus@key-1  refused  75 s  9.5 s",
        "    provider_key: no such key",
    ]
