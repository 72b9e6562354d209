"""What exchanges that nobody recorded (tests/corpus/imagined*.py) found, one golden for each defect."""

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

ASKED = ir.Request("m", (), stream=True)
HI = ir.Message("user", (ir.Text("hi"),))


def body(name: str, request: ir.Request) -> Any:
    return json.loads(dialect(name).write_request(request, Quirks())[0].body)


def lost(name: str, request: ir.Request) -> list[str]:
    return [field for field, _ in dialect(name).write_request(request, Quirks())[1]]


def read(name: str, value: dict[str, Any]) -> ir.Request:
    return dialect(name).read_request(Call(dialect(name).path, json.dumps(value).encode()))


def test_an_assistants_refusal_without_an_id_is_plain_words_for_responses() -> None:
    refused = ir.Message("assistant", (ir.Text("Well, "), ir.Text("no.", refusal=True)))

    assert body("responses", ir.Request("m", (HI, refused)))["input"][1] == {"type": "message", "role": "assistant", "content": "Well, no."}


def test_a_schema_that_chat_leaves_out_is_said_to_responses() -> None:
    request = ir.Request("m", (HI,), output=ir.OutputFormat("schema", "answer"))

    assert body("responses", request)["text"]["format"] == {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}


@pytest.mark.parametrize("item", [{"id": "msg_1"}, {"id": "msg_1", "type": None}])
def test_an_item_of_nothing_but_an_id_is_a_reference(item: dict[str, Any]) -> None:
    asked = {"model": "m", "input": [item]}

    request = read("responses", asked)

    assert request.items == (ir.OpaqueItem("responses", "item_reference", item),)
    assert body("responses", request)["input"] == [item]


def test_standard_only_is_the_default_tier_elsewhere() -> None:
    request = read(
        "messages", {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "service_tier": "standard_only"}
    )

    assert request.service_tier == "default"
    assert body("messages", request)["service_tier"] == "standard_only"


def test_a_tier_that_only_responses_has_becomes_the_next_one_in_chat() -> None:
    request = ir.Request("m", (HI,), service_tier="ultrafast")

    assert body("chat", request)["service_tier"] == "fast"
    assert "service_tier" in lost("chat", request)


def test_a_forced_choice_among_hosted_tools_alone_is_told_as_lost_to_gemini() -> None:
    search = ir.HostedTool("web_search", "messages", {"type": "web_search_20250305", "name": "web_search"})

    assert "tool_choice" in lost("generate", ir.Request("m", (HI,), tools=(search,), tool_choice=ir.ToolChoice("required")))
    assert lost("generate", ir.Request("m", (HI,), tools=(search,), tool_choice=ir.ToolChoice("auto"))) == []


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("name", ["chat", "messages", "generate"])
def test_a_thought_with_summary_and_full_text_is_told_whole(name: str, streamed: bool) -> None:
    events = [
        *(ev.Started("r", "m"), ev.ReasoningStarted(0), ev.ReasoningDelta(0, "in short", True), ev.ReasoningDelta(0, "in full")),
        *(ev.PartEnded(0), ev.TextStarted(1), ev.TextDelta(1, "hi"), ev.PartEnded(1), ev.Finished("stop"), ev.Ended()),
    ]
    spoken = dialect(name)

    if streamed:
        writer, framer, reader = spoken.writer(ASKED), spoken.framer(), spoken.reader(Quirks())
        data = b"".join([*(writer.feed(event) for event in events), writer.close()])
        again = [event for frame in (*framer.feed(data), *framer.close()) for event in reader.feed(frame)]
    else:
        again = spoken.read_response(spoken.write_response(_folded(events), ASKED), Quirks())

    assert "".join(event.text for event in again if isinstance(event, ev.ReasoningDelta)) == "in short\n\nin full"


def _folded(events: list[ev.Event]) -> Response:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold.response()


def test_words_after_a_refusal_do_not_begin_with_a_blank_line_in_chat() -> None:
    no = ir.Message("assistant", (ir.Text("no", refusal=True),), id="a")
    yes = ir.Message("assistant", (ir.Text("yes"),), id="b")
    events = [
        *(ev.Started("r", "m"), ev.TextStarted(0, message_id="a", refusal=True), ev.TextDelta(0, "no"), ev.PartEnded(0)),
        *(ev.TextStarted(1, message_id="b"), ev.TextDelta(1, "yes"), ev.PartEnded(1), ev.Finished("stop"), ev.Ended()),
    ]

    whole = json.loads(dialect("chat").write_response(Response("r", "m", (Choice(0, (no, yes)),)), ASKED))
    writer = dialect("chat").writer(ASKED)
    stream = b"".join(writer.feed(event) for event in events)

    assert whole["choices"][0]["message"]["content"] == "yes"
    assert b'"content":"\\n\\n"' not in stream


def test_a_compaction_keeps_its_signature_in_a_stream() -> None:
    block = {"type": "compaction", "content": "so far", "encrypted_content": "ZW5j", "signature": "c2ln", "tool_changes": [{"a": 1}]}
    item = ir.Compaction(ir.Proof("messages", json.dumps(block), "compaction"))
    spoken = dialect("messages")
    writer, framer, reader = spoken.writer(ASKED), spoken.framer(), spoken.reader(Quirks())

    data = writer.feed(ev.Started("msg_1", "m")) + writer.feed(ev.ItemGiven(0, item)) + writer.feed(ev.Ended())

    frames = [*framer.feed(data), *framer.close()]
    given = [event.item for frame in frames for event in reader.feed(frame) if isinstance(event, ev.ItemGiven)]
    assert [json.loads(each.proof.data) for each in given if isinstance(each, ir.Compaction)] == [block]
    starts = [json.loads(frame.data)["content_block"] for frame in frames if frame.name == "content_block_start"]
    assert starts == [{"type": "compaction", "content": None, "signature": "c2ln", "tool_changes": [{"a": 1}]}]
