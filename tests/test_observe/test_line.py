"""A line per exchange: aligned, complete, and harmless to the terminal."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.cells import beginning, width
from dragoman.observe.terminal import line

AT = 1_700_000_000.7
CLOCK = time.strftime("%H:%M:%S", time.localtime(AT))


def answered(**told: object) -> Record:
    given = {"agent": "codex", "asked": "coder", "provider": "openai-main", "model": "gpt-5.5", "lane": "relay", "status": 200}
    return Record("ex_1", AT, **{**given, "total_s": 12.44, **told})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            answered(usage=Usage(12_345, 1_200, cache_read_tokens=11_000), first_token_s=0.82),
            "-        codex  coder > openai-main/gpt-5.5        relay     200   12k(89%)/1.2k 0.82/12.4s",
        ),
        (
            answered(client="ada", asked="openai-main/gpt-5.5", lane="translate", warnings=[("tools", "left out")]),
            "ada      codex  openai-main/gpt-5.5                translate 200               -      12.4s !1",
        ),
        (
            answered(asked="gpt-5.5", usage=Usage(10, 2)),
            "-        codex  openai-main/gpt-5.5                relay     200            10/2      12.4s",
        ),
        (
            answered(asked="gpt-5.5", attempts=[Attempt("openai-main", "gpt-5.5", 0.0)] * 3, warnings=[("tools", "left out")]),
            "-        codex  openai-main/gpt-5.5                relay     200               -      12.4s 3 tries !1",
        ),
        (
            answered(client="a-long-client", agent="claude_code", asked="x" * 40, usage=Usage(999_999, 0), total_s=1234.5),
            "a-long-c claude xxxxxxxxxxxxxxxx..nai-main/gpt-5.5 relay     200          1.0M/0      1234s",
        ),
        (
            answered(status=502, error="unreachable", message="provider `p` refused the connection", total_s=0.03),
            "-        codex  coder > openai-main/gpt-5.5        relay     502 0.03s  unreachable: provider `p` refused the connection",
        ),
        (
            answered(status=499, error="client_gone", total_s=3.2),
            "-        codex  coder > openai-main/gpt-5.5        relay     499 3.20s  the client left",
        ),
        (
            answered(status=502, error="unreachable", total_s=0.03),
            "-        codex  coder > openai-main/gpt-5.5        relay     502 0.03s  unreachable",
        ),
        (
            Record("ex_1", AT, dialect="chat", status=401, error="authentication", message="no key"),
            "-        -      chat                               -         401 0.00s  authentication: no key",
        ),
    ],
)
def test_a_record_is_told_in_a_line(record: Record, text: str) -> None:
    assert line(record) == f"{CLOCK} {text}"


@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_that_is_said_moves_the_cursor_or_fakes_a_line(asked: str, client: str, model: str, message: str) -> None:
    text = line(answered(asked=asked, client=client, model=model, error="cut", message=message))

    assert text.isprintable()


@given(st.text(max_size=80), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 999))
def test_an_answer_keeps_its_columns(asked: str, tokens_in: int, tokens_out: int, total_s: float) -> None:
    usage = Usage(tokens_in, tokens_out, cache_read_tokens=tokens_in)

    text = line(answered(asked=asked, usage=usage, first_token_s=total_s, total_s=total_s))

    assert text.removeprefix(beginning(text, 70)).startswith("200")
    assert width(text) <= 100


def test_colour_adds_nothing_but_colour() -> None:
    bad = answered(status=502, error="cut", message="m")

    assert line(bad, color=True) == (
        f"\x1b[2m{CLOCK} -        codex \x1b[0m coder > openai-main/gpt-5.5        relay     "
        "\x1b[31m502\x1b[0m \x1b[31m12.4s  cut: m\x1b[0m"
    )
