"""A replayed turn goes on from a model's own answers as long as it calls what was called when it was recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.app.replay import Answer, Case, read_answer
from dragoman.app.replay_turns import DIFFERED, FAILED, OWN, Walk, chains, links, talk
from dragoman.ir.request import Item

ASKED = {"type": "message", "role": "user", "content": "What is the time, and where?"}


def called(call_id: str, name: str, arguments: str, kind: str = "function_call") -> dict[str, Any]:
    field = "input" if kind == "custom_tool_call" else "arguments"
    return {"type": kind, "id": f"fc_{call_id}", "call_id": call_id, "name": name, field: arguments, "status": "completed"}


def result(call_id: str, output: Any, kind: str = "function_call_output") -> dict[str, Any]:
    return {"type": kind, "call_id": call_id, "output": output}


def thought(sealed: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": f"rs_{sealed}", "summary": [], "encrypted_content": sealed}


def said(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


FIRST = [thought("old"), called("c1", "clock", '{"zone": "UTC", "n": 1}'), called("c2", "where", "{}")]
RESULTS = [result("c1", '12:00, as {"call_id": "c1"} says'), result("c2", [{"type": "input_text", "text": "Rome"}])]
SECOND = [called("c3", "patch", "*** Begin", "custom_tool_call"), result("c3", "Done", "custom_tool_call_output")]
RECORDED = [[ASKED], [ASKED, *FIRST, *RESULTS], [ASKED, *FIRST, *RESULTS, *SECOND]]


def case(name: str, conversation: list[Any], dialect: str = "responses", **more: Any) -> Case:
    field = "input" if dialect == "responses" else "messages"
    body = json.dumps({"model": "old/m", field: conversation, **more}).encode()
    return Case(name, dialect, False, body, {}, "", Answer())


def cases(*conversations: list[Any], dialect: str = "responses") -> list[Case]:
    return [case(f"ex_{number}", each, dialect) for number, each in enumerate(conversations)]


def answered(*output: dict[str, Any]) -> tuple[Answer, tuple[Item, ...]]:
    reply = {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [*output]}
    return read_answer("responses", json.dumps(reply).encode(), 200, stream=False)


def conversation(body: bytes) -> list[dict[str, Any]]:
    sent = json.loads(body)
    return sent.get("input") or sent["messages"]


def test_requests_that_bring_results_go_on_from_the_one_that_called() -> None:
    recorded = cases(*RECORDED, [ASKED, *FIRST, *RESULTS, *SECOND, said("Noon."), {"role": "user", "content": "Thanks"}], [ASKED, ASKED])

    linked = links(recorded)

    assert {name: link.before for name, link in linked.items()} == {"ex_1": "ex_0", "ex_2": "ex_1"}
    assert [[each.id for each in chain] for chain in chains(recorded, linked)] == [["ex_0", "ex_1", "ex_2"], ["ex_3"], ["ex_4"]]


def test_same_calls_get_the_recorded_results_behind_the_models_own_answer() -> None:
    recorded = cases(*RECORDED)
    walk = Walk(links(recorded), "new/m", "run")
    own = [thought("new"), said("I look."), called("x2", "where", "{}"), called("x1", "clock", '{"n":1,"zone":"UTC"}')]

    begun = walk.request(recorded[0])
    walk.took(recorded[0], *answered(*own))
    body, after = walk.request(recorded[1])

    assert begun[1] == ""
    assert (after, json.loads(body)["model"]) == (OWN, "new/m")
    sent = conversation(body)
    assert sent[0] == ASKED
    assert [each.get("encrypted_content") or each.get("call_id") or each["role"] for each in sent[1:]] == [
        "new", "assistant", "x2", "x1", "x1", "x2"
    ]  # fmt: skip
    # Ids that stand in what a tool said are left as they are.
    assert sent[5:] == [result("x1", RESULTS[0]["output"]), result("x2", RESULTS[1]["output"])]

    walk.took(recorded[1], *answered(called("x3", "patch", "*** Begin", "custom_tool_call")))
    body, after = walk.request(recorded[2])

    assert after == OWN
    assert conversation(body)[: len(sent)] == sent
    assert [each["call_id"] for each in conversation(body)[len(sent) :]] == ["x3", "x3"]


@pytest.mark.parametrize(
    "output",
    [
        [said("It is noon.")],
        [called("x1", "clock", '{"zone": "UTC", "n": 1}')],
        [called("x1", "clock", '{"zone": "CET", "n": 1}'), called("x2", "where", "{}")],
        [called("x1", "clock", '{"zone": "UTC", "n": 1}'), called("x2", "where", "{}"), called("x4", "where", "{}")],
    ],
    ids=["none", "one less", "other arguments", "one more"],
)
def test_other_calls_lead_back_to_the_recorded_conversation(output: list[dict[str, Any]]) -> None:
    recorded = cases(*RECORDED)
    walk = Walk(links(recorded), "new/m", "run")

    walk.took(recorded[0], *answered(*output))
    walk.request(recorded[0])
    walk.took(recorded[0], *answered(*output))
    body, after = walk.request(recorded[1])

    assert (conversation(body), after) == (RECORDED[1], DIFFERED)

    # From there it goes on by itself again.
    walk.took(recorded[1], *answered(called("x3", "patch", "*** Begin", "custom_tool_call")))
    body, after = walk.request(recorded[2])

    assert after == OWN
    assert conversation(body)[: len(RECORDED[1])] == RECORDED[1]


def test_failure_leads_back_to_the_recorded_conversation() -> None:
    recorded = cases(*RECORDED)
    walk = Walk(links(recorded), "new/m", "run")

    walk.request(recorded[0])
    walk.took(recorded[0], Answer(error="overloaded"), ())

    assert walk.request(recorded[1])[1] == FAILED


def test_same_call_twice_has_the_results_in_turn() -> None:
    twice = [called("c1", "roll", "{}"), called("c2", "roll", "{}")]
    recorded = cases([ASKED], [ASKED, *twice, result("c1", "1"), result("c2", "2")])
    walk = Walk(links(recorded), "new/m", "run")

    walk.request(recorded[0])
    walk.took(recorded[0], *answered(called("x1", "roll", "{}"), called("x2", "roll", "{}")))

    assert conversation(walk.request(recorded[1])[0])[3:] == [result("x1", "1"), result("x2", "2")]


def test_conversation_of_chat_goes_on_likewise() -> None:
    user = {"role": "user", "content": "What is the time?"}

    def asks(name: str) -> dict[str, Any]:
        call = {"id": name, "type": "function", "function": {"name": "clock", "arguments": '{"zone": "UTC"}'}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    recorded = cases([user], [user, asks("c1"), {"role": "tool", "tool_call_id": "c1", "content": "12:00"}], dialect="chat")
    walk = Walk(links(recorded), "new/m", "run")
    choice = {"index": 0, "message": asks("x1"), "finish_reason": "tool_calls"}
    reply = json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}).encode()

    walk.request(recorded[0])
    walk.took(recorded[0], *read_answer("chat", reply, 200, stream=False))
    body, after = walk.request(recorded[1])

    assert after == OWN
    assert [each.get("tool_calls", [{}])[0].get("id") or each.get("tool_call_id") for each in conversation(body)] == [None, "x1", "x1"]


def test_what_a_client_marks_anew_in_each_request_is_no_other_conversation() -> None:
    marked = {**ASKED, "content": [{"type": "input_text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}
    plain = {**ASKED, "content": [{"type": "input_text", "text": "hi"}]}

    assert set(links(cases([marked], [plain, *FIRST, *RESULTS]))) == {"ex_1"}


@pytest.mark.parametrize("body", [b'{"model": "m"}', b'{"input": "hello"}', b'{"input": 5}'])
def test_request_without_a_list_of_items_stands_alone(body: bytes) -> None:
    alone = Case("ex", "responses", False, body, {}, "", Answer())

    assert (talk(body), links([alone, alone])) == ([], {})
