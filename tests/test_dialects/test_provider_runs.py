"""What a provider ran itself is told apart from calls of the client's tools, also where the API tells both in one form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.fold import Fold
from dragoman.ir.response import Choice, Response
from dragoman.wire.frame import Frame

SEARCHED = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "xs_call-7", "name": "x_user_search", "input": '{"query":"figs"}'}
SAID = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Figs are in."}]}
FOUND = Choice(
    0,
    (
        ir.OpaqueItem("responses", "custom_tool_call", {**SEARCHED, "status": "completed"}),
        ir.Message("assistant", (ir.Text("Figs are in."),), "msg_1"),
    ),
    "stop",
)


def folded(events: list[ev.Event]) -> Response:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold.response()


def streamed(name: str, *values: Any) -> list[ev.Event]:
    reader = dialect(name).reader(Quirks())
    return [*(event for value in values for event in reader.feed(Frame(json.dumps(value).encode()))), *reader.close()]


def test_a_search_that_xai_ran_is_no_call_of_the_clients() -> None:
    done = {**SEARCHED, "status": "completed"}
    reply = {"id": "r1", "model": "m", "status": "completed", "output": [done, SAID]}
    frames: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**reply, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**SEARCHED, "input": "", "status": "in_progress"}},
        {"type": "response.custom_tool_call_input.delta", "output_index": 0, "item_id": "ctc_1", "delta": SEARCHED["input"]},
        {"type": "response.custom_tool_call_input.done", "output_index": 0, "item_id": "ctc_1", "input": SEARCHED["input"]},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "item_id": "msg_1", "delta": "Figs are in."},
        {"type": "response.output_item.done", "output_index": 1, "item": SAID},
        {"type": "response.completed", "response": reply},
    ]

    whole = folded(dialect("responses").read_response(json.dumps(reply).encode(), Quirks()))
    stream = folded(streamed("responses", *frames))

    assert whole.choices == (FOUND,)
    assert [choice.reason for choice in stream.choices] == ["stop"]
    assert stream.choices[0].items[0] == FOUND.items[0]


@pytest.mark.parametrize("reply", [[], [{"type": "custom_tool_call_output", "call_id": "xs_call-7", "output": "unsupported"}]])
def test_a_search_that_xai_ran_goes_back_to_it_and_to_nobody_else(reply: list[dict[str, Any]]) -> None:
    asked = {"model": "m", "input": [{"role": "user", "content": "hi"}, SEARCHED, *reply, {"role": "user", "content": "go on"}]}

    request = dialect("responses").read_request(Call("/responses", json.dumps(asked).encode()))

    assert not any(isinstance(item, ir.Call | ir.Result) for item in request.items)
    assert json.loads(dialect("responses").write_request(request, Quirks(store=None))[0].body)["input"][1] == SEARCHED
    assert b"xs_call" not in dialect("chat").write_request(request, Quirks())[0].body


# ---- Gemini's runs of remote MCP servers: https://ai.google.dev/gemini-api/docs/mcp -------------------------------------------


def chunk(*parts: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [candidate if reason is None else {**candidate, "finishReason": reason}], "responseId": "r1"}


def called(name: str, at: str, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {"at": at}, **more}}


def answered(name: str, said: str, **more: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": {"output": said}, **more}}


def told(*chunks: dict[str, Any]) -> list[tuple[str, str]]:
    """Who runs what, in its order; the words of results and of the model."""
    (choice,) = folded(streamed("generate", *chunks)).choices
    said: list[tuple[str, str]] = []
    for item in choice.items:
        if isinstance(item, ir.Call):
            said.append((item.executor, item.arguments))
        elif isinstance(item, ir.Result | ir.Message):
            who = item.executor if isinstance(item, ir.Result) else item.role
            said.append((who, "".join(part.text for part in item.parts if isinstance(part, ir.Text))))
    return [*said, ("reason", choice.reason)]


OSLO, ROME = '{"at":"Oslo"}', '{"at":"Rome"}'
FIGS = {"text": "Figs."}
SAME = [
    # as it comes today: the chunk of the call says that the candidate finished
    [chunk(called("look", "Oslo"), reason="STOP"), chunk(answered("look", "cold")), chunk(FIGS, reason="STOP")],
    [chunk(called("look", "Oslo"), answered("look", "cold"), FIGS, reason="STOP")],
    [chunk(called("look", "Oslo"), answered("look", "cold")), chunk(FIGS, reason="STOP")],
    [chunk(called("look", "Oslo"), reason="STOP"), chunk(answered("look", "cold"), FIGS, reason="STOP")],
    [chunk(called("look", "Oslo", id="7"), reason="STOP"), chunk(answered("other", "cold", id="7")), chunk(FIGS, reason="STOP")],
]


@pytest.mark.parametrize("chunks", SAME)
def test_an_answered_call_is_the_providers_wherever_the_chunks_end(chunks: list[dict[str, Any]]) -> None:
    assert told(*chunks) == [("provider", OSLO), ("provider", "cold"), ("assistant", "Figs."), ("reason", "stop")]


def test_calls_that_run_at_once_are_each_with_its_answer() -> None:
    calls = chunk(called("look", "Oslo"), called("look", "Rome"), reason="STOP")
    answers = [answered("look", "cold"), answered("look", "warm")]

    at_once = folded(streamed("generate", calls, chunk(*answers), chunk(FIGS, reason="STOP"))).choices[0]
    one_by_one = told(calls, chunk(answers[0]), chunk(answers[1]), chunk(FIGS, reason="STOP"))

    asked = {item.call_id: item.arguments for item in at_once.items if isinstance(item, ir.Call)}
    assert [asked[item.call_id] for item in at_once.items if isinstance(item, ir.Result)] == [OSLO, ROME]
    assert [entry for entry in one_by_one if entry[0] == "provider"] == [
        ("provider", OSLO),
        ("provider", ROME),
        ("provider", "cold"),
        ("provider", "warm"),
    ]


def test_a_call_that_nothing_answers_stays_the_clients() -> None:
    mixed = [chunk(called("look", "Oslo"), called("ask", "Rome"), reason="STOP"), chunk(answered("look", "cold"))]

    assert told(chunk(called("ask", "Rome"), reason="STOP")) == [("client", ROME), ("reason", "tool_calls")]
    assert told(*mixed, chunk(reason="STOP")) == [("provider", OSLO), ("provider", "cold"), ("client", ROME), ("reason", "tool_calls")]


def test_a_call_is_held_back_only_where_its_candidate_has_finished() -> None:
    reader = dialect("generate").reader(Quirks())

    at_once = [*reader.feed(Frame(json.dumps(chunk(called("ask", "Rome"))).encode()))]

    assert [event.text for event in at_once if isinstance(event, ev.CallDelta)] == [ROME]


def test_a_stream_that_is_cut_after_the_providers_own_run_is_no_success() -> None:
    chunks = [chunk(called("look", "Oslo"), reason="STOP"), chunk(answered("look", "cold")), chunk(FIGS)]
    tap = dialect("generate").tap()

    for value in chunks:
        tap.feed(b"data: " + json.dumps(value).encode() + b"\n\n")

    assert isinstance(streamed("generate", *chunks)[-1], ev.Failed)
    assert (tap.may_end, tap.reason) == (False, None)
    tap.feed(b"data: " + json.dumps(chunk(reason="STOP")).encode() + b"\n\n")
    assert (tap.may_end, tap.reason) == (True, "STOP")
