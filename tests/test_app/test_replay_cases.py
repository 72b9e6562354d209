"""What is sent of a recorded exchange when it is run again, and how the answers are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.app.replay import Answer, Case, Kept, Tool, Unfit, answer_of, case_of, headers_of, request_for, same_calls, with_row
from dragoman.app.replay_report import RECORDED, Report, Row, sums, write
from dragoman.app.replay_turns import DIFFERED, OWN

ROW = {
    "id": "ex_1", "dialect_in": "responses", "stream": False, "status": 200, "agent": "codex", "turn": "t1", "bodies": "redacted",
    "provider": "up", "model": "m", "message": None, "total_s": 2.0, "first_token_s": None, "input_tokens": 10, "output_tokens": 5,
    "cache_read_tokens": None, "reasoning_tokens": None, "cost_pico": 3_000_000,
}  # fmt: skip
ASKED = {
    "model": "up/m", "input": [{"type": "message", "role": "user", "content": "What is the time?"}], "prompt_cache_key": "the-session",
    "client_metadata": {"cwd": "/home/ada"}, "metadata": {"who": "ada"}, "safety_identifier": "ada", "temperature": 0.50,
}  # fmt: skip
SAID: dict[str, Any] = {
    "id": "resp_1", "object": "response", "status": "completed", "model": "m-0", "output": [
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "I look.", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "clock", "arguments": '{"zone": "UTC", "a": 1}',
         "status": "completed"}],
    "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
}  # fmt: skip


def kept(asked: Any = ASKED, **row: Any) -> Kept:
    body = json.dumps(asked).encode() if isinstance(asked, dict) else asked
    headers = {"openai-beta": "x", "x-codex-turn-metadata": "{}", "authorization": "[redacted]", "session_id": "s"}
    bodies = {} if body is None else {"client_request": body, "client_response": json.dumps(SAID).encode()}
    return Kept({**ROW, **row}, bodies, headers, 10_000)


def test_request_goes_out_as_it_was_but_for_what_names_its_user() -> None:
    case = case_of(kept())

    sent = json.loads(request_for(case, "new/other", "run1"))

    assert sent == {
        "model": "new/other", "input": ASKED["input"], "prompt_cache_key": "replay-run1", "temperature": 0.5
    }  # fmt: skip
    assert b"0.5" in case.body


def test_headers_say_whose_replay_it_is_and_nothing_of_the_program_that_asked() -> None:
    assert headers_of(case_of(kept())) == {"openai-beta": "x", "x-dragoman-replay": "ex_1", "user-agent": "dragoman-replay"}


def test_recorded_answer_is_read_with_what_the_journal_says_of_it() -> None:
    assert case_of(kept()).recorded == Answer(
        by="up/m", text="I look.", calls=(Tool("clock", '{"zone": "UTC", "a": 1}'),), reason="tool_calls", exchange="ex_1", total_s=2.0,
        input_tokens=10, output_tokens=5, cost_pico=3_000_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "row", "why"),
    [
        (None, {"bodies": "none"}, "its bodies were not kept"),
        (None, {"bodies": "dropped"}, "its bodies were left out, since too much was waiting"),
        (None, {"bodies": "redacted"}, "its bodies were deleted, their time being over"),
        (b'{"model": "m", "inp', {}, "its request was longer than `journal.body_bytes`"),
    ],
)
def test_exchange_that_cannot_be_run_again_says_why(asked: bytes | None, row: dict[str, Any], why: str) -> None:
    with pytest.raises(Unfit, match=f"`ex_1` cannot be run again: {why}"):
        case_of(kept(asked, **row))


def test_secrets_that_are_not_there_any_more_are_told() -> None:
    assert "secrets were taken out" in case_of(kept({**ASKED, "instructions": "the key is [redacted]"})).notes[0]


def test_calls_are_the_same_however_their_arguments_are_written() -> None:
    one, other = Answer(calls=(Tool("clock", '{"a":1,"zone":"UTC"}'),)), case_of(kept()).recorded

    assert same_calls(one, other)
    assert not same_calls(Answer(calls=(Tool("clock", '{"a":2,"zone":"UTC"}'),)), other)
    assert not same_calls(Answer(), other)


def test_stream_that_broke_off_is_told_with_what_came_of_it() -> None:
    stream = b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hal"}}]}\n\n'

    answer = answer_of("chat", stream, 200, stream=True)

    assert (answer.text, answer.reason, answer.error is not None) == ("Hal", None, True)


def test_refusal_is_told_in_its_own_sentence() -> None:
    assert answer_of("chat", b'{"error": {"message": "no such model"}}', 404, stream=True).error == "no such model"


def test_what_the_journal_does_not_know_leaves_what_was_seen() -> None:
    seen = Answer(by="new/m", total_s=1.5, output_tokens=7)

    told = with_row(seen, {"id": "ex_2", "provider": None, "total_s": 1.4, "output_tokens": None})

    assert told == Answer(by="new/m", exchange="ex_2", total_s=1.4, output_tokens=7)


HOSTILE = "</pre><script>x</script> ```\n# not a head | [a](b)"


def report(*answers: dict[str, Answer]) -> Report:
    recorded = Answer(by="up/m", text=HOSTILE, cost_pico=2_000_000, input_tokens=10, output_tokens=1, total_s=1.0)
    rows = tuple(Row(Case(f"ex_{n}", "chat", True, b"{}", {}, HOSTILE, recorded), each) for n, each in enumerate(answers))
    return Report(HOSTILE, ("a", "b"), rows, (HOSTILE,))


BOTH = {"a": Answer(text=HOSTILE, calls=(Tool(HOSTILE, HOSTILE),), cost_pico=5, total_s=1.0), "b": Answer(error=HOSTILE)}


def test_sums_are_of_the_requests_that_all_models_were_asked() -> None:
    found = sums(report(BOTH, {"a": Answer(cost_pico=7)}))

    assert {name: (total.answers, total.failed, total.cost_pico) for name, total in found.items()} == {
        RECORDED: (1, 0, 2_000_000), "a": (1, 0, 5), "b": (1, 1, 0)
    }  # fmt: skip


def test_cost_that_is_not_known_is_no_zero() -> None:
    page = write(report({"a": Answer(), "b": Answer(cost_pico=0)}), "md")

    lines = [line.split(" | ") for line in page.splitlines() if line.startswith(("| a ", "| b "))]
    assert [line[-2] for line in lines] == ["·", "$0"]


def test_report_says_behind_what_an_answer_stands_and_where_it_calls_something_else() -> None:
    call = Tool("clock", "{}")
    recorded = Answer(calls=(call,))
    answers = {"a": Answer(calls=(Tool("clock", " {} "),), after=OWN), "b": Answer(text="No.", after=DIFFERED)}
    told = Report("ex", ("a", "b"), (Row(Case("ex", "chat", True, b"{}", {}, "", recorded), answers),), how="So.")

    lines = [line.split(" | ") for line in write(told, "md").splitlines() if line.startswith(("| recorded", "| a ", "| b "))]
    assert [(line[3], line[4]) for line in lines] == [("1", "·"), ("1", "1"), ("0", "0")]
    for kind in ("md", "html"):
        page = write(told, kind)
        assert (page.count(OWN), page.count(DIFFERED), page.count("calls other than recorded")) == (1, 1, 1)


def test_page_holds_nothing_that_a_model_wrote_as_html() -> None:
    page = write(report(BOTH), "html")

    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6
    assert "default-src 'none'" in page


def test_markdown_holds_what_a_model_wrote_behind_a_longer_fence() -> None:
    page = write(report(BOTH), "md")

    assert f"````\n{HOSTILE}\n````" in page
    assert "\n# not a head" not in page.replace(HOSTILE, "")
    assert "<script>" not in page.replace(HOSTILE, "")


def test_json_holds_all_of_it() -> None:
    told = json.loads(write(report(BOTH), "json"))

    assert (told["models"], told["requests"][0]["answers"]["a"]["text"], told["sums"]["a"]["cost_pico"]) == (["a", "b"], HOSTILE, 5)
