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
