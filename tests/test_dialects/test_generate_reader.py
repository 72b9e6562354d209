"""Replies of the dialect `generate` as neutral events: the same however the bytes are cut, as events or as one JSON array."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Quirks
from dragoman.dialects.generate import DIALECT
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.response import Choice
from dragoman.ir.usage import Usage

COUNTS = {
    "promptTokenCount": 10,
    "cachedContentTokenCount": 4,
    "toolUsePromptTokenCount": 3,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 7,
}
USAGE = {**COUNTS, "totalTokenCount": 25}


def chunk(*parts: Any, reason: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if reason is not None:
        candidate["finishReason"] = reason
    return {"candidates": [{**candidate, **more}], "modelVersion": "gemini-x", "responseId": "r1"}


def as_events(*chunks: Any) -> bytes:
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(each).encode() for each in chunks)


def as_array(*chunks: Any) -> bytes:
    return b"[" + b",\r\n".join(json.dumps(each).encode() for each in chunks) + b"]"


def read(data: bytes, size: int | None = None) -> list[ev.Event]:
    framer, reader, grammar = DIALECT.framer(), DIALECT.reader(Quirks()), Grammar()
    events: list[ev.Event] = []
    for at in range(0, len(data), size or 1_000_000):
        for frame in framer.feed(data[at : at + (size or 1_000_000)]):
            events += reader.feed(frame)
    for frame in framer.close():
        events += reader.feed(frame)
    events += reader.close()
    for event in events:
        grammar.feed(event)
    return events


def fold(*chunks: Any) -> Choice:
    folded = Fold()
    for event in read(as_events(*chunks)):
        folded.feed(event)
    return folded.response().choices[0]


def sign(text: str) -> ir.Proof:
    return ir.Proof("generate", text, "thought_signature")


LONG: tuple[dict[str, Any], ...] = (
    chunk({"text": "Let me \u00e9", "thought": True}),
    chunk({"text": " think", "thought": True}),
    chunk({"text": 'He said "'}),
    chunk({"text": 'x" \\ {['}, {"functionCall": {"name": "f", "args": {"a": [1]}}, "thoughtSignature": "YQ=="}, reason="STOP"),
    {"candidates": [], "usageMetadata": USAGE},
)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("form", [as_events, as_array])
def test_any_chunking_of_either_form_gives_the_same_events(form: Any, size: int) -> None:
    assert repr(read(form(*LONG), size)) == repr(read(as_events(*LONG)))


def test_thoughts_words_and_calls_follow_one_another() -> None:
    events = read(as_events(*LONG))

    call_id = next(event.call_id for event in events if isinstance(event, ev.CallStarted))
    assert events == [
        ev.Started("r1", "gemini-x"),
        ev.ReasoningStarted(0),
        ev.ReasoningDelta(0, "Let me \u00e9", True),
        ev.ReasoningDelta(0, " think", True),
        ev.PartEnded(0),
        ev.TextStarted(1),
        ev.TextDelta(1, 'He said "'),
        ev.TextDelta(1, 'x" \\ {['),
        ev.PartEnded(1),
        ev.CallStarted(2, call_id, "f"),
        ev.CallDelta(2, '{"a":[1]}'),
        ev.PartEnded(2, proof=sign("YQ==")),
        ev.UsageReported(
            Usage(13, 12, cache_read_tokens=4, reasoning_tokens=7, total_tokens=25, extra={"generate": {"toolUsePromptTokenCount": 3}})
        ),
        ev.Finished("tool_calls"),
        ev.Ended(),
    ]


def test_ids_of_calls_without_one_differ_and_are_the_same_each_time() -> None:
    calls = chunk(
        {"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "id": "own"}}, reason="STOP"
    )

    first, again = (([item.call_id for item in fold(calls).items if isinstance(item, ir.Call)]) for _ in range(2))

    assert first == again
    assert len(set(first)) == 3
    assert first[2] == "own"


def test_a_signature_among_words_does_not_split_them() -> None:
    choice = fold(chunk({"text": "Five"}, {"text": " and", "thoughtSignature": "YQ=="}), chunk({"text": " six"}, reason="STOP"))

    assert choice.items == (
        ir.Message("assistant", (ir.Text("Five and six"),)),
        ir.Reasoning(proof=sign("YQ=="), extra={"generate": {"on": "text"}}),
    )


def test_a_signature_on_an_empty_part_is_kept() -> None:
    choice = fold(chunk({"text": "Hi"}), chunk({"text": "", "thoughtSignature": "YQ=="}, reason="STOP"))

    assert choice.items[1] == ir.Reasoning(proof=sign("YQ=="))


def test_a_signature_on_a_thought_ends_it() -> None:
    choice = fold(chunk({"text": "hm", "thought": True, "thoughtSignature": "YQ=="}), chunk({"text": "Hi"}, reason="STOP"))

    assert choice.items[0] == ir.Reasoning(summary=("hm",), proof=sign("YQ=="))


def test_arguments_that_come_in_patches_become_one_object() -> None:
    def patch(path: str, will_continue: bool, **value: Any) -> Any:
        return chunk({"functionCall": {"partialArgs": [{"jsonPath": path, **value, "willContinue": will_continue}], "willContinue": True}})

    choice = fold(
        chunk({"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "YQ=="}),
        patch("$.a", True, stringValue="one "),
        patch("$.a", False, stringValue="two"),
        patch("$.list[1]['b.c']", False, numberValue=2),
        patch("$.on", False, boolValue=True),
        patch("$.none", False, nullValue="NULL_VALUE"),
        chunk({"functionCall": {}}, reason="STOP"),
    )

    (call,) = choice.items
    assert isinstance(call, ir.Call)
    assert json.loads(call.arguments) == {"a": "one two", "list": [None, {"b.c": 2}], "on": True, "none": None}
    assert call.proof == sign("YQ==")


def test_what_the_provider_ran_itself_is_given_whole() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1+1"}, "thoughtSignature": "YQ=="}
    result = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}}

    call, answer = fold(chunk(code, result, reason="STOP")).items

    assert isinstance(call, ir.Call)
    assert isinstance(answer, ir.Result)
    assert (call.name, call.executor, call.proof) == ("code_execution", "provider", sign("YQ=="))
    assert (answer.call_id, answer.executor, answer.is_error, answer.parts) == (call.call_id, "provider", True, (ir.Text("no"),))


def test_a_call_that_is_answered_in_the_same_breath_is_not_the_clients() -> None:
    choice = fold(
        chunk({"functionCall": {"name": "f", "args": {}}}, {"functionResponse": {"name": "f", "response": {"output": "1"}}}, reason="STOP")
    )

    assert [item.executor for item in choice.items if isinstance(item, ir.Call | ir.Result)] == ["provider", "provider"]
    assert choice.reason == "stop"


def test_pictures_and_unknown_parts_are_kept() -> None:
    picture, unknown = fold(chunk({"inlineData": {"mimeType": "image/png", "data": "_-A="}}, {"new": 1}, reason="STOP")).items

    assert isinstance(picture, ir.Message)
    assert picture.parts[0] == ir.Image(ir.Inline("image/png", "/+A="))
    assert unknown == ir.OpaqueItem("generate", "part", {"new": 1})


def test_sources_are_attached_to_the_words() -> None:
    segment, source = {"endIndex": 2, "text": "Hi"}, {"web": {"uri": "https://a", "title": "A"}}
    grounding = {"groundingChunks": [source], "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 9]}]}

    choice = fold(chunk({"text": "Hi"}, reason="STOP", groundingMetadata=grounding))

    (message,) = choice.items
    assert isinstance(message, ir.Message)
    cited = ir.Citation("generate", {"segment": segment, "chunk": source}, ir.Page("https://a", "A", 0, 2))
    assert message.parts == (ir.Text("Hi", citations=(cited,)),)


@pytest.mark.parametrize(
    ("said", "reason", "detail"),
    [
        ("STOP", "stop", None),
        ("MAX_TOKENS", "length", "MAX_TOKENS"),
        ("CONTINUATION", "length", "CONTINUATION"),
        ("SAFETY", "content_filter", "SAFETY"),
        ("PROHIBITED_CONTENT", "content_filter", "PROHIBITED_CONTENT"),
        ("LANGUAGE", "other", "LANGUAGE"),
        ("SOMETHING_NEW", "other", "SOMETHING_NEW"),
    ],
)
def test_reasons_are_told(said: str, reason: Any, detail: str | None) -> None:
    assert read(as_events(chunk({"text": "x"}, reason=said)))[-2] == ev.Finished(reason, 0, detail)


@pytest.mark.parametrize("said", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"])
def test_a_call_that_the_model_got_wrong_is_a_failure(said: str) -> None:
    last = read(as_events(chunk({"text": "x"}), chunk(reason=said, finishMessage="why")))[-1]

    assert isinstance(last, ev.Failed)
    assert (last.error.kind, last.error.code, last.error.message) == (
        Kind.SERVER_ERROR,
        said,
        f"the model's answer broke off with `{said}`: why",
    )


def test_a_blocked_prompt_is_a_failure() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}

    last = read(as_events(blocked))[-1]

    assert isinstance(last, ev.Failed)
    assert last.error.kind is Kind.CONTENT_POLICY
    with pytest.raises(GatewayError):
        DIALECT.read_response(json.dumps(blocked).encode(), Quirks())


def test_a_stream_without_a_reason_was_cut() -> None:
    for data in (as_events(chunk({"text": "Hi"})), b"", as_array(chunk({"text": "Hi"}, reason="STOP"))[:-40]):
        last = read(data)[-1]

        assert isinstance(last, ev.Failed)
        assert last.error.kind is Kind.CUT


@pytest.mark.parametrize("form", [as_events, as_array])
def test_an_error_inside_a_stream_ends_it(form: Any) -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}

    events = read(form(chunk({"text": "Hi"}), error, chunk({"text": "more"})))

    assert isinstance(events[-1], ev.Failed)
    assert events[-1].error.kind is Kind.OVERLOADED


def test_candidates_are_choices() -> None:
    two = {"candidates": [{"index": index, "content": {"parts": [{"text": str(index)}]}, "finishReason": "STOP"} for index in (0, 1)]}

    folded = Fold()
    for event in DIALECT.read_response(json.dumps(two).encode(), Quirks()):
        folded.feed(event)

    assert [choice.items for choice in folded.response().choices] == [
        (ir.Message("assistant", (ir.Text("0"),)),),
        (ir.Message("assistant", (ir.Text("1"),)),),
    ]


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: []\n\n", b"data: 1\n\n", b"data: \xff\n\n", b"[1,", b"<html>\n\n", b'{"a"'])
def test_garbage_never_raises(data: bytes) -> None:
    events = read(data)

    assert isinstance(events[-1], ev.Failed)


ODD: list[Any] = [
    None,
    1,
    "x",
    [],
    {},
    [1],
    {"parts": 1},
    {"parts": [None, {"text": None}, {"functionCall": 1}, {"functionCall": {"args": []}}]},
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_json_is_read_without_a_crash(odd: Any) -> None:
    value = {"candidates": [{"content": odd, "finishReason": "STOP", "index": odd, "groundingMetadata": odd}], "usageMetadata": odd}

    events = read(as_events(value, {"promptFeedback": odd, "candidates": odd, "responseId": odd, "createTime": odd}))

    assert isinstance(events[-1], ev.Ended)
