"""What the pages are made of: how values are said, where time goes, what was talked about, what an address asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.server.pages import words
from dragoman.server.pages.exchange import exchange
from dragoman.server.pages.journal import Kept
from dragoman.server.pages.question import Question, read_question
from dragoman.server.pages.talk import Said, Talk, read_talk
from dragoman.server.pages.waterfall import Bar, Row, parts, ticks, waterfall

REQUEST = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
        },
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "run", "arguments": '{"a":1}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ],
    "tools": [{"type": "function", "function": {"name": "run"}}],
}
RESPONSE = {
    "id": "r",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "It is so."}, "finish_reason": "stop"}],
}


def chunk(**delta: Any) -> bytes:
    event = {
        "id": "r",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def talk(request: bytes | None = None, response: bytes | None = None, *, stream: bool = False, most: int | None = None) -> Talk:
    return read_talk("chat", path_model="m", stream=stream, request=request, response=response, most=most)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0.0, "0.0 ms"),
        (0.0021, "2.1 ms"),
        (0.05, "50 ms"),
        (0.31, "0.31 s"),
        (12.34, "12.3 s"),
        (184.2, "3 min 04 s"),
        (7384, "2 h 03 min"),
    ],
)
def test_durations_are_said_as_an_eye_can_use_them(value: float | None, said: str) -> None:
    assert words.seconds(value) == said


@pytest.mark.parametrize(
    ("pico", "said"),
    [
        (None, "–"),
        (0, "$0"),
        (23_412_000_000, "$0.0234"),
        (1_420_000_000_000, "$1.4200"),
        (99_928_360_000_000_000, "$99\u202f928.36"),
        (1_234_000, "$0.000001"),
        (150, "$1.5e-10"),
        (-3 * 10**10, "-$0.0300"),
    ],
)
def test_small_money_is_told_too(pico: int | None, said: str) -> None:
    assert words.dollars(pico) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0, "0"), (999, "999"), (1000, "1.0k"), (48_210, "48k"), (1_500_000, "1.5M"), (20_101_700_000, "20.1G")],
)
def test_counts_are_short(value: int | None, said: str) -> None:
    assert words.short(value) == said


@pytest.mark.parametrize("value", [float("inf"), -1e300, float("nan"), 1e18])
def test_a_moment_that_cannot_be_is_a_dash(value: float) -> None:
    assert words.moment(value) == "–"


@pytest.mark.parametrize(
    ("row", "word"),
    [({"status": 200}, "ok"), ({"status": 499, "error": "client_gone"}, "left"), ({"status": 200, "error": "cut"}, "failed")],
)
def test_an_end_has_a_word(row: dict[str, Any], word: str) -> None:
    assert words.outcome(row) == word


def test_attempts_have_their_place_in_the_whole() -> None:
    first = {
        "provider": "p",
        "model": "a",
        "began_s": 0.0,
        "connected_s": 1.0,
        "first_byte_s": None,
        "ended_s": 2.0,
        "status": 503,
        "error": "overloaded",
    }
    second = {
        "provider": "q",
        "model": "b",
        "began_s": 5.0,
        "connected_s": None,
        "first_byte_s": 6.0,
        "ended_s": 10.0,
        "status": 200,
        "error": None,
    }

    assert waterfall({"total_s": 10.0, "first_token_s": 6.5, "queue_s": 0.5, "attempts": [first, second]}) == (
        Row(
            "exchange",
            (Bar("wait", "to the first token", "0.00%", "65.00%"), Bar("answer", "first token to end", "65.00%", "35.00%")),
            10.0,
        ),
        Row("waiting for a place", (Bar("hold", "waiting", "0.00%", "5.00%"),), 0.5),
        Row(
            "1. p/a",
            (Bar("connect", "connecting", "0.00%", "10.00%"), Bar("failed", "failed", "10.00%", "10.00%")),
            2.0,
            "overloaded (503)",
        ),
        Row("2. q/b", (Bar("wait", "waiting for the first byte", "50.00%", "10.00%"), Bar("answer", "answering", "60.00%", "40.00%")), 5.0),
    )


def test_what_is_waited_between_tries_is_seen_before_the_next_one() -> None:
    first = {"provider": "p", "model": "a", "began_s": 1.0, "ended_s": 2.0, "status": 429, "error": "rate_limited"}
    second = {"provider": "p", "model": "a", "began_s": 7.0, "ended_s": 8.0, "status": 429, "error": "rate_limited"}

    rows = waterfall({"total_s": 10.0, "waited_s": 8.0, "attempts": [first, second]})[1:]

    assert [(row.label, row.bars[0], row.took_s) for row in rows] == [
        ("1. p/a", Bar("hold", "waiting before this try", "0.00%", "10.00%"), 1.0),
        ("2. p/a", Bar("hold", "waiting before this try", "20.00%", "50.00%"), 1.0),
        ("waiting for a further try", Bar("hold", "waiting", "80.00%", "20.00%"), 2.0),
    ]


def test_time_between_tries_that_nobody_waited_is_left_empty() -> None:
    tries = [{"provider": "p", "model": "a", "began_s": began_s, "ended_s": began_s + 1.0} for began_s in (0.0, 5.0)]

    rows = waterfall({"total_s": 6.0, "waited_s": None, "attempts": tries})[1:]

    assert [[bar.kind for bar in row.bars] for row in rows] == [["wait"], ["wait"]]


_TIMES = st.one_of(st.none(), st.floats(0, 1e6))
_ATTEMPTS = st.lists(
    st.fixed_dictionaries({"began_s": _TIMES, "connected_s": _TIMES, "first_byte_s": _TIMES, "ended_s": _TIMES}), max_size=4
)


@given(total_s=_TIMES, first_s=_TIMES, waited_s=_TIMES, attempts=_ATTEMPTS)
def test_no_bar_stands_out(
    total_s: float | None, first_s: float | None, waited_s: float | None, attempts: list[dict[str, float | None]]
) -> None:
    for row in waterfall({"total_s": total_s, "first_token_s": first_s, "waited_s": waited_s, "attempts": attempts}):
        for bar in row.bars:
            x, width = float(bar.x[:-1]), float(bar.width[:-1])
            assert 0 <= x <= 100
            assert 0 <= width <= 100
            assert x + width <= 100.02


def test_a_try_at_the_very_end_can_be_seen() -> None:
    last = waterfall({"total_s": 10.0, "attempts": [{"began_s": 9.999, "ended_s": 10.0}]})[-1]

    assert last.bars == (Bar("wait", "answering", "99.60%", "0.40%"),)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"seat": "p/m@a", "why": "weight 4"}, ""),
        ({"standing": "resting", "trouble": "resting for 1 s: rate_limited"}, "resting for 1 s: rate_limited"),
        ({"standing": "open", "trouble": "5 of 5 failed"}, "open: 5 of 5 failed"),
        ({"standing": "busy", "trouble": ""}, "busy"),
    ],
)
def test_what_is_wrong_with_a_place_is_said_once(place: dict[str, str], told: str) -> None:
    fact = {"decision": {"model": "m", "places": [place]}}

    values = exchange(Kept(fact, {}), shows_all=False)

    assert [(each["seat"], each["why"], each["trouble"]) for each in values["decision"]["places"]] == [
        (place.get("seat", ""), place.get("why", ""), told)
    ]


def test_only_parts_that_were_told_are_listed() -> None:
    assert parts({"total_s": 2.0, "queue_s": None, "own_s": 0.0, "tools_s": 0.5}) == (
        ("tools run by the gateway", 0.5),
        ("the gateway's own share", 0.0),
        ("altogether", 2.0),
    )


def test_a_conversation_is_shown_in_one_form() -> None:
    assert talk(json.dumps(REQUEST).encode(), json.dumps(RESPONSE).encode()) == Talk(
        asked=(
            Said("system", "system", "Be brief."),
            Said("user", "user", "Look:\n[image: image/png, 3 bytes]"),
            Said("tool call", "call", '{\n  "a": 1\n}', "run", "c1"),
            Said("tool result", "result", "done", "", "c1"),
        ),
        answered=(Said("assistant", "assistant", "It is so."),),
        tools=("run",),
    )


def test_of_a_long_conversation_the_end_is_shown() -> None:
    found = talk(json.dumps(REQUEST).encode(), most=1)

    assert (found.earlier, [said.who for said in found.asked]) == (3, ["tool result"])


def test_of_a_stream_that_was_cut_what_came_is_shown() -> None:
    found = talk(response=chunk(role="assistant", content="Half an ") + chunk(content="answ") + b'data: {"id', stream=True)

    assert found.answered == (Said("assistant", "assistant", "Half an answ"),)
    assert len(found.trouble) == 1


def test_a_dialect_that_nobody_reads_is_told() -> None:
    assert read_talk("klingon", path_model="", stream=False, request=b"{}", response=None) == Talk(
        trouble=("nothing here reads the dialect `klingon`",)
    )


@given(
    request=st.binary(max_size=60),
    response=st.binary(max_size=60),
    stream=st.booleans(),
    name=st.sampled_from(["chat", "responses", "messages", "generate"]),
)
def test_any_bytes_may_stand_in_the_journal(request: bytes, response: bytes, stream: bool, name: str) -> None:
    assert isinstance(read_talk(name, path_model="m", stream=stream, request=request, response=response), Talk)


def test_a_long_text_is_cut_and_says_so() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x" * 20_007}]}

    assert talk(json.dumps(body).encode()).asked == (Said("user", "user", "x" * 20_000, left_out=7),)


@given(
    st.builds(
        Question,
        text=st.text(max_size=20),
        model=st.text(max_size=20),
        status=st.sampled_from(["", "ok", "404"]),
        since=st.sampled_from(["", "1h"]),
    )
)
def test_a_link_leads_to_the_question_that_it_was_made_of(question: Question) -> None:
    trimmed = Question(**{name: getattr(question, name).strip() for name in Question.__struct_fields__})

    assert read_question(trimmed.link().partition("?")[2]) == trimmed


def test_a_file_holds_what_the_list_shows() -> None:
    """Asked for by the names of `/api/exchanges`, which refuses what is no moment."""
    asked = "text=a+b&user=u&status=4xx&since=1h&before=2026-11-21T11:00&cursor=c"

    assert read_question(asked).file("csv") == ("/api/exchanges?text=a+b&user=u&status=4xx&before=2026-11-21T11%3A00&since=1h&format=csv")
    assert read_question("min_cost_usd=0.5&min_total_s=60").file("csv") == "/api/exchanges?min_cost_usd=0.5&min_total_s=60&format=csv"
    assert read_question("since=1h&after=2026-11-21T10:00").file("jsonl") == "/api/exchanges?after=2026-11-21T10%3A00&format=jsonl"
    assert read_question("since=yesterday").file("jsonl") == "/api/exchanges?since=yesterday&format=jsonl"


def test_moments_go_before_periods() -> None:
    question = read_question("since=1h&after=2026-11-21T10:00&before=2026-11-21T11:00:30")

    assert question.wanted(0.0) == {"after": 1795255200.0, "before": 1795258830.0}


def test_times_that_the_journal_may_know_are_left_to_it_and_names_that_nobody_knows_are_passed_over() -> None:
    assert read_question("since=2h&x=1&text=" + "y" * 1000).wanted(0.0) == {"text": "y" * 300, "since": "2h"}
    assert read_question("since=1h&after=soon&before=2026-13-45").wanted(0.0) == {"after": "soon", "before": "2026-13-45"}


def test_what_is_under_way_stands_above_a_list_of_a_time_of_the_journals_own() -> None:
    running = [{"began_at": at} for at in (10.0, 20.0, 30.0)]

    assert read_question("after=2h&before=1970-01-01T00:00:25").among(running, 0.0) == running[:2]


def test_what_is_under_way_is_not_among_what_was_dear_or_slow() -> None:
    running = [{"began_at": 10.0}]

    assert read_question("min_total_s=60").among(running, 0.0) == []
    assert read_question("min_total_s=60&min_cost_usd=1").wanted(0.0) == {"min_cost_usd": "1", "min_total_s": "60"}


def test_times_stand_below_the_whole_width_which_lasts_as_long_as_its_longest_part() -> None:
    assert ticks({"total_s": 2.0}) == (0.0, 0.5, 1.0, 1.5, 2.0)
    assert ticks({"total_s": 2.0, "attempts": [{"ended_s": 4.0}]}) == (0.0, 1.0, 2.0, 3.0, 4.0)
    assert ticks({}) == (0.0, 0.00025, 0.0005, 0.00075, 0.001)
