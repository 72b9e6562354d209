"""What recordings of other projects' traffic found in calls of tools and their results, one golden for each defect. The words are ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from spoken_in import body, read, streamed, whole

from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError

HI = {"role": "user", "content": "hi"}


def call(id: str, name: str = "look") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def asked(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", "messages": [HI, *messages]}


def answered(request: ir.Request) -> list[tuple[str, str]]:
    """Which call each result is for, and what it says."""
    results = [item for item in request.items if isinstance(item, ir.Result)]
    return [(item.call_id, "".join(part.text for part in item.parts if isinstance(part, ir.Text))) for item in results]


@pytest.mark.parametrize("said", [{}, {"tool_call_id": ""}, {"tool_call_id": None}])
def test_results_without_an_id_answer_the_calls_that_wait_in_their_order(said: dict[str, Any]) -> None:
    came = asked(
        {"role": "assistant", "content": None, "tool_calls": [call("c1"), call("c2")]},
        {"role": "tool", "content": "one", **said},
        {"role": "tool", "content": "two", **said},
    )

    request = read("chat", came)

    assert answered(request) == [("c1", "one"), ("c2", "two")]
    assert body("chat", request) == came


def test_a_result_without_an_id_that_names_its_tool_answers_the_call_of_that_tool() -> None:
    came = asked(
        {"role": "assistant", "content": None, "tool_calls": [call("c1"), call("c2", "find")]},
        {"role": "tool", "content": "found", "name": "find"},
        {"role": "tool", "content": "seen", "name": "look"},
    )

    request = read("chat", came)

    assert answered(request) == [("c2", "found"), ("c1", "seen")]
    assert [block["tool_use_id"] for block in body("messages", request)["messages"][2]["content"]] == ["c1", "c2"]


def test_a_result_without_an_id_and_without_a_call_that_waits_is_refused() -> None:
    came = asked(
        {"role": "assistant", "content": None, "tool_calls": [call("c1")]},
        {"role": "tool", "content": "one", "tool_call_id": "c1"},
        {"role": "tool", "content": "two"},
    )

    with pytest.raises(GatewayError, match=r"`messages\[3\]\.tool_call_id` is missing"):
        read("chat", came)


def test_a_server_that_stops_for_a_call_in_the_singular_stops_for_calls() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [call("c1")]}

    told = whole("chat", {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "tool_call"}]})

    assert told.choices[0].reason == "tool_calls"


def test_how_likely_all_of_an_answer_was_is_told_to_clients_of_the_same_api() -> None:
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": "Figs"},
        "logprobs": -0.25,
        "finish_reason": "stop",
    }

    told = whole("chat", {"id": "c", "model": "m", "choices": [choice]})

    assert json.loads(dialect("chat").write_response(told, ir.Request("m", ())))["choices"][0]["logprobs"] == -0.25


ARGUMENTS = [
    ("[]", {}),
    (" null", {}),
    ('"{\\"at\\": 1}"', {"at": 1}),
    ('"figs"', {"input": "figs"}),
    ("[1]", {"input": [1]}),
    ("look at figs", {"input": "look at figs"}),
    (' {"at":1}', {"at": 1}),
    ("", {}),
]


@pytest.mark.parametrize(("arguments", "meant"), ARGUMENTS)
@pytest.mark.parametrize("size", [1, 3, 99])
def test_arguments_that_are_no_object_are_one_for_clients_of_messages_streamed_too(arguments: str, meant: Any, size: int) -> None:
    writer = dialect("messages").writer(ir.Request("m", ()))
    pieces = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    events = [
        *(ev.Started("msg_1", "m"), ev.CallStarted(0, "c1", "look"), *(ev.CallDelta(0, piece) for piece in pieces), ev.PartEnded(0)),
        *(ev.Finished("tool_calls"), ev.Ended()),
    ]

    said = b"".join(writer.feed(event) for event in events)

    frames = [json.loads(line[6:]) for line in said.split(b"\n") if line.startswith(b"data: ")]
    deltas = [frame["delta"] for frame in frames if frame["type"] == "content_block_delta"]
    assert json.loads("".join(delta["partial_json"] for delta in deltas) or "{}") == meant
    assert frames[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize(("arguments", "meant"), ARGUMENTS)
@pytest.mark.parametrize("target", ["messages", "generate"])
def test_arguments_that_are_no_object_are_one_in_the_history(target: str, arguments: str, meant: Any) -> None:
    turn = {"role": "assistant", "content": None, "tool_calls": [{**call("c1"), "function": {"name": "look", "arguments": arguments}}]}

    written = body(target, read("chat", asked(turn, {"role": "tool", "tool_call_id": "c1", "content": "ok"})))

    told = (
        written["contents"][1]["parts"][0]["functionCall"]["args"]
        if target == "generate"
        else written["messages"][1]["content"][0]["input"]
    )
    assert told == meant


def test_an_object_that_was_spelled_out_twice_stays_as_it_came_for_its_own_api() -> None:
    head: dict[str, Any] = {"id": "c", "model": "m"}
    made = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": '"{}"'}}

    told = streamed(
        "chat",
        {**head, "choices": [{"index": 0, "delta": {"tool_calls": [made]}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    )

    assert told.choices[0].items == (ir.Call("c1", "look", '"{}"'),)
