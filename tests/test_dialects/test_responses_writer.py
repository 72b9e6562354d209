"""Neutral events as a stream of the dialect `responses`: legal to the last frame, and accepted by the official SDK's types."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.responses import DIALECT
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.seal import is_sealed
from dragoman.ir.usage import Usage

SDK: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
REQUEST = ir.Request("asked", (ir.Message("user", (ir.Text("hi"),)),), stream=True)
START = ev.Started("chatcmpl-1", "answering", 1790000000)
END = (ev.Finished("stop"), ev.Ended())
TURN = (
    START,
    ev.ReasoningStarted(0),
    ev.ReasoningDelta(0, "**Plan**", True, 0),
    ev.ReasoningDelta(0, "Do.", True, 1),
    ev.PartEnded(0, ir.Proof("responses", "gAAAA", "encrypted_content")),
    ev.TextStarted(1, phase="commentary"),
    ev.TextDelta(1, 'Grü"ße\n'),
    ev.TextDelta(1, "🌍%s", [{"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}]),
    ev.Cited(
        1,
        ir.Citation(
            "responses", {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}, ir.Page("u", "t", 0, 1)
        ),
    ),
    ev.PartEnded(1),
    ev.CallStarted(2, "call_1", "wait", namespace="agents"),
    ev.CallStarted(3, "call_2", "apply_patch", kind="custom"),
    ev.CallDelta(3, "*** Begin"),
    ev.CallDelta(2, '{"a":'),
    ev.CallDelta(2, "1}"),
    ev.PartEnded(3),
    ev.PartEnded(2),
    ev.CallStarted(4, "call_3", "tool_search", kind="search"),
    ev.CallDelta(4, '{"query":"x"}'),
    ev.PartEnded(4),
    ev.UsageReported(Usage(75, 46, 10, None, 20)),
    ev.Finished("tool_calls"),
    ev.Ended(),
)


def write(events: Iterable[ev.Event], request: ir.Request = REQUEST) -> list[dict[str, Any]]:
    writer = DIALECT.writer(request)
    written = b"".join([writer.feed(event) for event in events]) + writer.close()
    frames = DIALECT.framer().feed(written)
    values = [json.loads(frame.data) for frame in frames]
    assert [frame.name for frame in frames] == [value["type"] for value in values]
    assert [value["sequence_number"] for value in values] == list(range(len(values)))
    return values


def test_a_turn_is_the_full_sequence_of_frames() -> None:
    written = write(TURN)

    assert [(value["type"].removeprefix("response."), value.get("output_index")) for value in written] == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("reasoning_summary_part.added", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.done", 0),
        ("reasoning_summary_part.done", 0),
        ("reasoning_summary_part.added", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.done", 0),
        ("reasoning_summary_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("content_part.added", 1),
        ("output_text.delta", 1),
        ("output_text.delta", 1),
        ("output_text.annotation.added", 1),
        ("output_text.done", 1),
        ("content_part.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("output_item.added", 3),
        ("custom_tool_call_input.delta", 3),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.delta", 2),
        ("custom_tool_call_input.done", 3),
        ("output_item.done", 3),
        ("function_call_arguments.done", 2),
        ("output_item.done", 2),
        ("output_item.added", 4),
        ("output_item.done", 4),
        ("completed", None),
    ]
    for value in written:
        SDK.validate_python(value)


def test_the_finished_response_holds_every_item_as_it_was_told() -> None:
    written = write(TURN)

    told = {value["output_index"]: value["item"] for value in written if value["type"] == "response.output_item.done"}
    response = written[-1]["response"]
    Response.model_validate(response)
    stem = response["output"][0]["id"].removeprefix("rs_drg2~")[:-4]
    logprobs = [{"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}]
    citation = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
    assert response["output"] == [told[index] for index in range(5)]
    assert response["output"] == [
        {
            "id": f"rs_drg2~{stem}0000",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "**Plan**"}, {"type": "summary_text", "text": "Do."}],
            "encrypted_content": "gAAAA",
        },
        {
            "id": f"msg_{stem}0001",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": 'Grü"ße\n🌍%s', "annotations": [citation], "logprobs": logprobs}],
        },
        {
            "id": f"fc_{stem}0002",
            "type": "function_call",
            "status": "completed",
            "call_id": "call_1",
            "name": "wait",
            "namespace": "agents",
            "arguments": '{"a":1}',
        },
        {
            "id": f"ctc_{stem}0003",
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": "call_2",
            "name": "apply_patch",
            "input": "*** Begin",
        },
        {
            "id": f"tsc_{stem}0004",
            "type": "tool_search_call",
            "status": "completed",
            "call_id": "call_3",
            "execution": "client",
            "arguments": {"query": "x"},
        },
    ]
    assert response["usage"] == {
        "input_tokens": 75,
        "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 0},
        "output_tokens": 46,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 121,
    }
    assert (response["id"], response["model"], response["status"]) == ("resp_chatcmpl-1", "answering", "completed")
    assert max(len(item["id"]) for item in response["output"]) <= 64


def test_what_is_written_reads_as_the_same_items() -> None:
    writer, reader = DIALECT.writer(REQUEST), DIALECT.reader(Quirks())
    written = b"".join(writer.feed(event) for event in TURN)
    there, here = Fold(), Fold()

    for event in TURN:
        here.feed(event)
    for frame in DIALECT.framer().feed(written):
        for event in reader.feed(frame):
            there.feed(event)

    def neutral(fold: Fold) -> list[Any]:
        return [
            (type(item), getattr(item, "parts", None), getattr(item, "arguments", None), getattr(item, "summary", None))
            for item in items(fold)
        ]

    def items(fold: Fold) -> tuple[ir.Item, ...]:
        return fold.response().choices[0].items

    assert neutral(there) == neutral(here)


def test_parts_of_one_message_stay_in_one_item() -> None:
    written = write(
        (
            START,
            ev.TextStarted(0, message_id="msg_1"),
            ev.TextDelta(0, "a"),
            ev.PartEnded(0),
            ev.TextStarted(1, message_id="msg_1", refusal=True),
            ev.TextDelta(1, "b"),
            ev.PartEnded(1, status="incomplete", extra={"responses": {"later": 1}}),
            ev.TextStarted(2),
            ev.PartEnded(2),
            *END,
        )
    )

    first, second = written[-1]["response"]["output"]
    assert first == {
        "id": "msg_1",
        "type": "message",
        "status": "incomplete",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}, {"type": "refusal", "refusal": "b"}],
        "later": 1,
    }
    assert second["id"] != "msg_1"
    for value in written:
        SDK.validate_python(value)


def test_an_id_is_given_to_one_item_only() -> None:
    written = write(
        (
            START,
            ev.TextStarted(0, message_id="msg_1"),
            ev.PartEnded(0),
            ev.CallStarted(1, "c", "f"),
            ev.PartEnded(1),
            ev.TextStarted(2, message_id="msg_1"),
            ev.PartEnded(2),
            *END,
        )
    )

    ids = [item["id"] for item in written[-1]["response"]["output"]]
    assert (len(ids), len(set(ids))) == (3, 3)


def test_texts_that_overlap_are_messages_of_their_own() -> None:
    written = write(
        (START, ev.TextStarted(0), ev.TextStarted(1), ev.TextDelta(0, "a"), ev.TextDelta(1, "b"), ev.PartEnded(0), ev.PartEnded(1), *END)
    )

    assert [item["content"][0]["text"] for item in written[-1]["response"]["output"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("finished", "kind", "status", "details"),
    [
        (ev.Finished("stop"), "completed", "completed", None),
        (ev.Finished("length"), "incomplete", "incomplete", {"reason": "max_output_tokens"}),
        (ev.Finished("context_window"), "incomplete", "incomplete", {"reason": "max_output_tokens"}),
        (ev.Finished("content_filter"), "incomplete", "incomplete", {"reason": "content_filter"}),
        (ev.Finished("other", detail="steered"), "incomplete", "incomplete", {"reason": "steered"}),
        (ev.Finished("other", detail="eos"), "completed", "completed", None),
    ],
)
def test_how_it_ends(finished: ev.Finished, kind: str, status: str, details: Any) -> None:
    last = write((START, finished, ev.Ended()))[-1]

    assert (last["type"], last["response"]["status"], last["response"]["incomplete_details"]) == (f"response.{kind}", status, details)


def test_a_pause_asks_the_client_to_go_on() -> None:
    assert write((START, ev.Finished("pause"), ev.Ended()))[-1]["response"]["end_turn"] is False


def test_a_failure_ends_the_stream_once() -> None:
    error = GatewayError(Kind.RATE_LIMITED, "slow", source="upstream")
    written = write((START, ev.TextStarted(0), ev.TextDelta(0, "half"), ev.Failed(error), *END, ev.Failed(error)))

    assert [value["type"] for value in written].count("response.failed") == 1
    assert written[-1]["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow"}
    assert written[-1]["response"]["status"] == "failed"
    SDK.validate_python(written[-1])


def test_a_failure_before_anything_opens_the_stream_first() -> None:
    written = write((ev.Failed(GatewayError(Kind.UNREACHABLE, "gone")),))

    assert [value["type"] for value in written] == ["response.created", "response.in_progress", "response.failed"]
    assert len({value["response"]["id"] for value in written}) == 1


def test_a_stream_without_an_end_is_a_failure() -> None:
    assert write((START,))[-1]["response"]["error"] == {"code": "server_error", "message": "the answer ended before it was complete"}


def test_signs_of_life_are_legal_anywhere_and_keep_the_id() -> None:
    writer = DIALECT.writer(REQUEST)

    written = writer.ping() + writer.feed(START) + writer.feed(ev.Pinged()) + writer.feed(END[0]) + writer.feed(END[1]) + writer.ping()

    values = [json.loads(frame.data) for frame in DIALECT.framer().feed(written)]
    assert [value["type"].removeprefix("response.") for value in values] == ["created", "in_progress", "keepalive", "completed"]
    assert [value["sequence_number"] for value in values] == [0, 1, 2, 3]
    assert len({value["response"]["id"] for value in values if "response" in value}) == 1


def test_frames_of_this_dialect_pass_through_with_new_numbers() -> None:
    added = {"type": "response.output_item.added", "sequence_number": 90, "output_index": 7, "item": {"type": "x_call", "id": "x_1"}}
    busy = {"type": "response.x_call.busy", "sequence_number": 91, "output_index": 7, "item_id": "x_1"}
    item = {"type": "x_call", "id": "x_1", "done": True}
    written = write(
        (
            START,
            ev.TextStarted(0),
            ev.PartEnded(0),
            *tuple(ev.Opaque("responses", value["type"], json.dumps(value).encode()) for value in (added, busy)),
            ev.Opaque("messages", "x", b"{}"),
            ev.ItemGiven(1, ir.OpaqueItem("responses", "x_call", item)),
            *END,
        )
    )

    assert [(value["type"], value["output_index"]) for value in written[-4:-1]] == [
        ("response.output_item.added", 1),
        ("response.x_call.busy", 1),
        ("response.output_item.done", 1),
    ]
    assert written[-1]["response"]["output"][1] == item


def test_only_the_first_choice_is_written() -> None:
    written = write((START, ev.TextStarted(0, choice=1), ev.TextDelta(0, "b"), ev.PartEnded(0), ev.Finished("length", choice=1), *END))

    assert (written[-1]["response"]["output"], written[-1]["type"]) == ([], "response.completed")


def test_what_another_api_needs_again_travels_in_the_seal() -> None:
    request = DIALECT.read_request(Call("/responses", b'{"model":"m","include":["reasoning.encrypted_content"]}'))
    thoughts = (
        (ev.ReasoningStarted(0), ev.ReasoningDelta(0, "Hm."), ev.PartEnded(0)),
        (
            ev.ReasoningStarted(1),
            ev.PartEnded(1, ir.Proof("messages", "sig", "signature")),
        ),
    )

    first, second = write((START, *thoughts[0], *thoughts[1], *END), request)[-1]["response"]["output"]

    assert first["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    for item, content, proof in (
        (first, ("Hm.",), ir.Proof("gateway", "", "words")),
        (second, (), ir.Proof("messages", "sig", "signature")),
    ):
        assert is_sealed(item["encrypted_content"])
        sent_back = {"type": "reasoning", "summary": [], "content": None, "encrypted_content": item["encrypted_content"]}
        again = DIALECT.read_request(Call("/responses", json.dumps({"model": "m", "input": [sent_back]}).encode()))
        thought = again.items[0]
        assert isinstance(thought, ir.Reasoning)
        assert (thought.content, thought.proof) == (content, proof)


def test_a_whole_reply_echoes_the_request() -> None:
    body = {
        "model": "m",
        "instructions": "Be brief.",
        "input": "x",
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
        "tool_choice": "required",
        "text": {"verbosity": "low"},
        "reasoning": {"effort": "low"},
        "metadata": {"a": "b"},
        "truncation": "auto",
    }
    request = DIALECT.read_request(Call("/responses", json.dumps(body).encode()))
    fold = Fold()
    for event in (START, ev.TextStarted(0), ev.TextDelta(0, "Hi."), ev.PartEnded(0), ev.UsageReported(Usage(3, 1)), *END):
        fold.feed(event)

    response = json.loads(DIALECT.write_response(fold.response(), request))

    Response.model_validate(response)
    assert {name: response[name] for name in body if name not in ("input", "model")} == {
        **{name: value for name, value in body.items() if name not in ("input", "model")},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "reasoning": {"effort": "low", "summary": None},
    }
    (message,) = response["output"]
    assert (message["role"], message["status"], message["content"]) == (
        "assistant",
        "completed",
        [{"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}],
    )


def test_a_whole_reply_of_this_dialect_is_written_as_it_was() -> None:
    reply = {
        "id": "odd id",
        "object": "response",
        "created_at": 5,
        "status": "incomplete",
        "error": None,
        "incomplete_details": {"reason": "max_messages"},
        "model": "m",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [], "content": [], "encrypted_content": "gAAAA"},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
                    {"type": "output_text", "text": "b", "annotations": [{"type": "file_citation", "file_id": "f"}], "logprobs": []},
                ],
            },
            {"type": "mcp_call", "id": "mcp_1", "name": "n", "arguments": "{}", "output": "o", "server_label": "s"},
            {
                "type": "function_call",
                "id": "fc_1",
                "call_id": "c",
                "name": "f",
                "arguments": "{}",
                "status": "in_progress",
                "caller": {"x": 1},
            },
        ],
        "usage": None,
        "service_tier": "flex",
        "billing": {"payer": "x"},
    }
    fold = Fold()
    for event in DIALECT.read_response(json.dumps(reply).encode(), Quirks()):
        fold.feed(event)

    written = json.loads(DIALECT.write_response(fold.response(), REQUEST))

    assert {name: written[name] for name in reply} == reply


def test_a_stream_that_a_sign_of_life_opens_is_dated_by_its_question() -> None:
    writer = DIALECT.writer(msgspec.structs.replace(REQUEST, asked_s=5))

    opened = writer.ping() + writer.feed(ev.Started("resp_1", "m", 7)) + writer.feed(ev.Ended())

    dates = [json.loads(frame.data)["response"]["created_at"] for frame in DIALECT.framer().feed(opened)]
    assert dates == [5, 5, 5]
