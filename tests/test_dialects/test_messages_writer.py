"""Streams and replies for clients of the dialect `messages`: the exact frames, one block at a time."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Quirks
from dragoman.dialects.messages import DIALECT
from dragoman.dialects.remainder import arguments_object
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.request import Call, Citation, Compaction, Message, OpaqueItem, Proof, Reasoning, Request, Result, Text
from dragoman.ir.response import Choice, Response
from dragoman.ir.usage import Usage
from dragoman.wire.sse import SseFramer

REQUEST = Request("asked-name", ())
USED = Usage(105, 7, 90, 5, 2)
WIRE_USED = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 5,
    "cache_read_input_tokens": 90,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 2},
}


def written(*events: ev.Event) -> bytes:
    writer = DIALECT.writer(REQUEST)
    return b"".join([writer.feed(event) for event in events]) + writer.close()


def frames(*events: ev.Event) -> list[Any]:
    found = SseFramer().feed(written(*events))
    values = [json.loads(frame.data) for frame in found]
    assert [frame.name for frame in found] == [value["type"] for value in values]
    return values


def blocks(*events: ev.Event) -> list[Any]:
    """What stands between message_start and message_delta."""
    told = frames(ev.Started("msg_1", "real-name"), *events, ev.Finished("stop"), ev.Ended())
    assert (told[0]["type"], told[-2]["type"], told[-1]["type"]) == ("message_start", "message_delta", "message_stop")
    return told[1:-2]


def start(index: int, **block: Any) -> Any:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **said: Any) -> Any:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **said}}


def stop(index: int) -> Any:
    return {"type": "content_block_stop", "index": index}


def use(index: int, id: str, name: str) -> list[Any]:
    return [start(index, type="tool_use", id=id, name=name, input={}), delta(index, "input_json_delta", partial_json="")]


def test_a_stream_in_full() -> None:
    told = frames(
        ev.UsageReported(Usage(105, 1, 90, 5)),
        ev.Started("resp_9", "real-name"),
        ev.TextStarted(0),
        ev.TextDelta(0, 'Hé"\n'),
        ev.PartEnded(0),
        ev.UsageReported(USED),
        ev.Finished("stop"),
        ev.Ended(),
    )

    assert told == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_resp_9",
                "type": "message",
                "role": "assistant",
                "model": "asked-name",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 10, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 1},
            },
        },
        start(0, type="text", text=""),
        delta(0, "text_delta", text='Hé"\n'),
        stop(0),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": WIRE_USED},
        {"type": "message_stop"},
    ]


def test_parts_that_overlap_are_told_one_after_the_other() -> None:
    assert blocks(
        ev.CallStarted(0, "a", "f"),
        ev.CallStarted(1, "b.c", "g"),
        ev.CallDelta(1, '{"y":'),
        ev.CallDelta(0, '{"x":1}'),
        ev.TextStarted(2),
        ev.TextDelta(2, "later"),
        ev.CallDelta(1, "2}"),
        ev.PartEnded(1),
        ev.PartEnded(0),
        ev.PartEnded(2),
    ) == [
        *use(0, "a", "f"),
        delta(0, "input_json_delta", partial_json='{"x":1}'),
        stop(0),
        *use(1, "drgid-Yi5j", "g"),
        delta(1, "input_json_delta", partial_json='{"y":'),
        delta(1, "input_json_delta", partial_json="2}"),
        stop(1),
        start(2, type="text", text=""),
        delta(2, "text_delta", text="later"),
        stop(2),
    ]


def test_empty_parts_leave_no_block() -> None:
    assert blocks(
        ev.TextStarted(0),
        ev.PartEnded(0),
        ev.ReasoningStarted(1),
        ev.PartEnded(1),
        ev.TextStarted(2),
        ev.TextDelta(2, "x"),
        ev.PartEnded(2),
    ) == [
        start(0, type="text", text=""),
        delta(0, "text_delta", text="x"),
        stop(0),
    ]


def test_thoughts_end_with_their_signature() -> None:
    told = blocks(
        ev.ReasoningStarted(0),
        ev.ReasoningDelta(0, "so"),
        ev.PartEnded(0, Proof("messages", "sig", "signature")),
        ev.ReasoningStarted(1),
        ev.PartEnded(1, Proof("messages", "sig2", "signature")),
        ev.ReasoningStarted(2),
        ev.PartEnded(2, Proof("messages", "eA==", "redacted")),
    )

    assert told == [
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="so"),
        delta(0, "signature_delta", signature="sig"),
        stop(0),
        start(1, type="thinking", thinking="", signature=""),
        delta(1, "signature_delta", signature="sig2"),
        stop(1),
        start(2, type="redacted_thinking", data="eA=="),
        stop(2),
    ]


def test_another_apis_proof_travels_sealed_in_the_signature() -> None:
    told = blocks(
        ev.ReasoningStarted(0), ev.ReasoningDelta(0, "brief", summary=True), ev.PartEnded(0, Proof("responses", "enc", "encrypted_content"))
    )

    assert told[1] == delta(0, "thinking_delta", thinking="brief")
    assert told[2]["delta"]["signature"].startswith("drg2~")


def test_citations_and_given_items_have_their_own_frames() -> None:
    cited = {"type": "char_location", "cited_text": "x"}
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    told = blocks(
        ev.TextStarted(0),
        ev.TextDelta(0, "x"),
        ev.Cited(0, Citation("messages", cited)),
        ev.Cited(0, Citation("responses", {})),
        ev.PartEnded(0),
        ev.ItemGiven(1, Call("s", "web_search", "{}", executor="provider", extra={"messages": {"$block": block}})),
        ev.ItemGiven(2, Result("s", (), executor="provider", extra={"messages": {"$block": found}})),
        ev.ItemGiven(3, Compaction(Proof("messages", '{"type":"compaction","content":"c"}', "compaction"))),
        ev.ItemGiven(4, OpaqueItem("messages", "odd", {"type": "odd"})),
        ev.ItemGiven(5, OpaqueItem("responses", "odd", {"type": "odd"})),
    )

    assert told == [
        start(0, type="text", text=""),
        delta(0, "text_delta", text="x"),
        delta(0, "citations_delta", citation=cited),
        stop(0),
        start(1, **{**block, "input": {}}),
        delta(1, "input_json_delta", partial_json='{"query":"q"}'),
        stop(1),
        start(2, **found),
        stop(2),
        start(3, type="compaction", content=None),
        delta(3, "compaction_delta", content="c"),
        stop(3),
        start(4, type="odd"),
        stop(4),
    ]


def last_delta(*events: ev.Event) -> Any:
    return frames(ev.Started(), *events)[-2]["delta"]


def test_why_it_ended_in_the_apis_words() -> None:
    def word(finished: ev.Finished) -> Any:
        return last_delta(finished, ev.Ended())["stop_reason"]

    assert word(ev.Finished("length")) == "max_tokens"
    assert word(ev.Finished("content_filter")) == "refusal"
    assert word(ev.Finished("context_window")) == "model_context_window_exceeded"
    assert word(ev.Finished("other", detail="compaction")) == "compaction"
    assert word(ev.Finished("other", detail="MALFORMED")) == "end_turn"
    assert last_delta(ev.Finished("stop_sequence", detail="END"), ev.Ended()) == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    # Some APIs end with a plain stop though they called a tool.
    assert last_delta(ev.CallStarted(0, "a", "f"), ev.PartEnded(0), ev.Finished("stop"), ev.Ended())["stop_reason"] == "tool_use"


def test_only_the_first_choice_is_told() -> None:
    assert (
        blocks(ev.TextStarted(0, choice=1), ev.TextDelta(0, "x"), ev.PartEnded(0), ev.CallStarted(1, "a", "f", choice=1), ev.PartEnded(1))
        == []
    )


def test_a_failure_is_one_error_event_and_the_last() -> None:
    failed = ev.Failed(GatewayError(Kind.OVERLOADED, "too busy", source="upstream"))

    assert frames(ev.Started("msg_1"), failed, ev.Ended(), failed)[1:] == [
        {"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}
    ]
    assert frames(ev.Started("msg_1"))[-1]["error"]["type"] == "api_error"


def test_ping_opens_the_stream_once() -> None:
    writer = DIALECT.writer(REQUEST)

    first, second, started = writer.ping(), writer.ping(), writer.feed(ev.Started("msg_9"))

    assert first.startswith(b"event: message_start\n")
    assert first.endswith(second)
    assert second == b'event: ping\ndata: {"type": "ping"}\n\n'
    assert started == b""


def test_a_whole_reply() -> None:
    items = (
        Reasoning(content=("so",), proof=Proof("messages", "sig", "signature")),
        Message("assistant", (Text("hi"), Text(""))),
        Call("a", "f", '{"x":1}', extra={"messages": {"caller": {"type": "direct"}}}),
    )

    body = json.loads(DIALECT.write_response(Response("msg_1", "real", (Choice(0, items, "stop"),), usage=USED), REQUEST))

    assert body == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "asked-name",
        "content": [
            {"type": "thinking", "thinking": "so", "signature": "sig"},
            {"type": "text", "text": "hi"},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}, "caller": {"type": "direct"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": WIRE_USED,
    }


STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["text", "thought", "call"]), st.text(max_size=3), st.booleans()), max_size=12
)


@given(STEPS)
def test_whatever_order_the_parts_come_in_what_was_said_arrives(steps: list[tuple[int, str, str, bool]]) -> None:
    events = _legal(steps)

    reader = DIALECT.reader(Quirks())
    again = [event for frame in SseFramer().feed(written(*events)) for event in reader.feed(frame)]

    assert _said(again) == [_told(said) for said in _said(events)]


def _told(said: Any) -> Any:
    """What was said as clients are told: arguments that begin as no object are one."""
    match said:
        case (str(call_id), str(arguments)) if not arguments.lstrip().startswith("{"):
            return call_id, msgspec.json.encode(arguments_object(arguments)).decode()
        case _:
            return said


def _legal(steps: list[tuple[int, str, str, bool]]) -> list[ev.Event]:
    starts: dict[str, Any] = {
        "text": ev.TextStarted,
        "thought": ev.ReasoningStarted,
        "call": lambda part: ev.CallStarted(part, f"c{part}", "f"),
    }
    deltas: dict[str, Any] = {"text": ev.TextDelta, "thought": ev.ReasoningDelta, "call": ev.CallDelta}
    events: list[ev.Event] = [ev.Started("msg_1", "m")]
    open_parts: dict[int, str] = {}
    numbers: dict[int, int] = {}
    for slot, kind, text, ends in steps:
        if slot not in open_parts:
            numbers[slot] = len(events)
            open_parts[slot] = kind
            events.append(starts[kind](numbers[slot]))
        events.append(deltas[open_parts[slot]](numbers[slot], text))
        if ends:
            events.append(_end(numbers[slot], open_parts.pop(slot)))
    events += [_end(numbers[slot], kind) for slot, kind in open_parts.items()]
    return [*events, ev.Finished("stop"), ev.Ended()]


def _end(part: int, kind: str) -> ev.PartEnded:
    return ev.PartEnded(part, Proof("messages", "s", "signature") if kind == "thought" else None)


def _said(events: list[ev.Event]) -> list[Any]:
    fold = Fold()
    for event in events:
        fold.feed(event)
    said: list[Any] = []
    for item in fold.response().choices[0].items:
        if isinstance(item, Message):
            said += [part.text for part in item.parts if isinstance(part, Text) and part.text]
        elif isinstance(item, Call):
            said.append((item.call_id, item.arguments or "{}"))
        elif isinstance(item, Reasoning):
            said.append(("".join(item.summary or item.content), item.proof))
    return said
