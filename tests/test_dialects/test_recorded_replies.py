"""What recordings of other projects' traffic found in replies and requests, one golden for each defect. The words in them are ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from spoken_in import body, read, streamed, whole

from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Frame

HEAD: dict[str, Any] = {"id": "c1", "model": "m"}


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": reason, **more}]}


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_the_last_of_a_thought_in_one_delta_with_the_first_words_stays_with_the_thought(field: str) -> None:
    told = streamed("chat", chunk({field: "Figs"}), chunk({"content": "Fi", field: ", then."}), chunk({"content": "gs."}, "stop"))

    assert told.choices[0].items == (ir.Reasoning(content=("Figs, then.",)), ir.Message("assistant", (ir.Text("Figs."),)))


def test_pages_that_were_found_while_the_model_thought_are_cited_at_its_words() -> None:
    page = {"type": "url_citation", "url": "https://figs.example", "title": "Figs"}

    told = streamed(
        "chat",
        chunk({"annotations": [page]}),
        chunk({"reasoning_content": "Hm"}),
        chunk({"reasoning_content": ", figs", "annotations": [page]}),
        chunk({"content": "Figs."}, "stop"),
    )

    thought, message = told.choices[0].items
    assert thought == ir.Reasoning(content=("Hm, figs",))
    assert isinstance(message, ir.Message)
    (text,) = message.parts
    assert isinstance(text, ir.Text)
    assert (text.text, [citation.value for citation in text.citations]) == ("Figs.", [page, page])


def test_pages_without_any_words_are_not_lost() -> None:
    told = streamed("chat", chunk({"annotations": [{"type": "url_citation", "url": "https://figs.example"}]}), chunk({}, "stop"))

    (message,) = told.choices[0].items
    assert isinstance(message, ir.Message)
    assert isinstance(message.parts[0], ir.Text)
    assert len(message.parts[0].citations) == 1


@pytest.mark.parametrize("content", [None, [{"token": "Figs", "logprob": -0.5, "bytes": None, "top_logprobs": []}]])
def test_how_likely_thoughts_were_goes_back_to_clients_of_the_same_api(content: Any) -> None:
    logprobs = {"content": content, "reasoning_content": [{"token": "Hm", "logprob": -0.1}]}
    message = {"role": "assistant", "content": "Figs", "reasoning_content": "Hm"}
    reply = {**HEAD, "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}]}
    request = ir.Request("m", ())

    written = json.loads(dialect("chat").write_response(whole("chat", reply), request))
    reader, writer = dialect("chat").reader(Quirks()), dialect("chat").writer(request)
    frames = [chunk({"reasoning_content": "Hm"}, logprobs={"reasoning_content": logprobs["reasoning_content"]}), chunk({}, "stop")]
    out = b"".join(writer.feed(event) for value in frames for event in reader.feed(Frame(json.dumps(value).encode())))

    assert {name: value for name, value in written["choices"][0]["logprobs"].items() if value is not None} == {
        name: value for name, value in logprobs.items() if value is not None
    }
    assert b'"reasoning_content":[{"token":"Hm","logprob":-0.1}]' in out


@pytest.mark.parametrize("field", ["systemInstruction", "system_instruction", "toolConfig", "safetySettings"])
def test_a_setting_of_gemini_that_is_null_stays_null(field: str) -> None:
    value = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], field: None}

    assert body("generate", read("generate", value)) == value


@pytest.mark.parametrize(
    ("told", "kind"), [("UklGRiQA", "audio/wav"), ("T2dnUwAC", "audio/ogg"), ("ZkxhQwAA", "audio/flac"), ("//NkxAAA", "audio/mpeg")]
)
def test_sound_that_mistral_takes_without_its_format_is_heard_elsewhere(told: str, kind: str) -> None:
    value = {"model": "m", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": told}]}]}

    request = read("chat", value)

    assert body("chat", request) == value
    assert body("generate", request)["contents"][0]["parts"] == [{"inlineData": {"mimeType": kind, "data": told}}]


def test_an_address_of_sound_stays_one() -> None:
    value = {"model": "m", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": "https://figs.example/a"}]}]}

    request = read("chat", value)

    assert body("chat", request) == value
    assert body("generate", request)["contents"][0]["parts"] == [{"fileData": {"fileUri": "https://figs.example/a"}}]


def test_a_schema_right_beside_its_type_and_likelihoods_by_number_are_understood() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    value = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": {"type": "json_schema", "schema": schema},
        "logprobs": 2,
    }

    request = read("chat", value)

    assert body("chat", request) == value
    assert body("responses", request)["text"]["format"] == {"type": "json_schema", "name": "output", "schema": schema}
    assert (request.sampling.logprobs, request.sampling.top_logprobs) == (True, 2)


def test_a_whole_reply_of_gemini_that_says_something_has_ended_without_a_reason() -> None:
    said = {"candidates": [{"content": {"parts": [{"text": "Figs."}]}}]}

    assert whole("generate", said).choices[0].reason == "stop"
    for cut in ([said], {"candidates": [{"content": {}}]}, {"candidates": []}):
        with pytest.raises(GatewayError) as refused:
            whole("generate", cut)
        assert refused.value.kind is Kind.CUT


@pytest.mark.parametrize("told", [{}, {"bytes": None}, {"bytes": "Rmlncw=="}])
def test_likelihoods_have_their_bytes_in_responses_whatever_chat_told(told: dict[str, Any]) -> None:
    entry = {"token": "Figs", "logprob": -0.5, **told}
    logprobs = {"content": [{**entry, "top_logprobs": [entry]}]}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Figs"}, "logprobs": logprobs, "finish_reason": "stop"}
    request = ir.Request("m", ())
    reply = whole("chat", {**HEAD, "choices": [choice]})
    meant = {"token": "Figs", "logprob": -0.5, "bytes": [70, 105, 103, 115]}

    (message,) = json.loads(dialect("responses").write_response(reply, request))["output"]
    writer = dialect("responses").writer(request)
    events = dialect("chat").read_response(json.dumps({**HEAD, "choices": [choice]}).encode(), Quirks())
    out = b"".join(map(writer.feed, events))
    last = json.loads(out.rpartition(b"data: ")[2])["response"]["output"][0]

    for spoken in (message, last):
        assert spoken["content"][0]["logprobs"] == [{**meant, "top_logprobs": [meant]}]


def test_words_that_stand_right_in_a_message_of_responses_are_words() -> None:
    message = {"type": "message", "id": "m1", "role": "assistant", "content": "Figs."}
    reply = {"id": "r1", "model": "m", "status": "completed", "output": [message]}

    told = whole("responses", reply)
    untyped = whole("responses", {**reply, "output": [{name: value for name, value in message.items() if name != "type"}]})

    for response in (told, untyped):
        (written,) = json.loads(dialect("responses").write_response(response, ir.Request("m", ())))["output"]
        assert written["content"] == [{"type": "output_text", "text": "Figs.", "annotations": [], "logprobs": []}]


def test_a_message_is_no_more_of_a_thought_with_its_id() -> None:
    thought = {"type": "reasoning", "id": "x1", "summary": []}
    message = {"type": "message", "id": "x1", "role": "assistant", "content": [{"type": "output_text", "text": "Figs."}]}

    response = whole("responses", {"id": "r1", "model": "m", "status": "completed", "output": [thought, message]})

    written = json.loads(dialect("responses").write_response(response, ir.Request("m", ())))["output"]
    assert [item["type"] for item in written] == ["reasoning", "message"]


@pytest.mark.parametrize("name", [["look"], None, 7, {}])
def test_a_tool_that_is_allowed_by_something_else_than_its_name_is_no_choice(name: Any) -> None:
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": name}, {"type": "function", "name": "look"}]}

    request = read("responses", {"model": "m", "input": "hi", "tools": tools, "tool_choice": allowed})

    assert request.tool_choice is not None
    assert request.tool_choice.names == ((None, "look"),)


def test_sources_on_a_block_without_words_go_back_to_clients_of_messages() -> None:
    cited = {"type": "char_location", "cited_text": "Figs.", "document_index": 0, "start_char_index": 0, "end_char_index": 5}
    blocks = [{"type": "text", "text": "Figs."}, {"type": "text", "text": "", "citations": [cited]}, {"type": "text", "text": ""}]
    reply = {"type": "message", "id": "msg_1", "role": "assistant", "model": "m", "content": blocks, "stop_reason": "end_turn"}

    written = json.loads(dialect("messages").write_response(whole("messages", reply), ir.Request("m", ())))

    assert written["content"] == blocks[:2]


def test_fields_of_a_part_of_gemini_that_are_null_are_not_there() -> None:
    nothing = dict.fromkeys(("functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "inlineData"))
    parts = [{"text": "Figs.", **nothing}, {**nothing, "text": None}, {**nothing, "functionCall": {"name": "look", "args": {}}}]
    chunks = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    end = {"candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP"}]}

    for told in (
        whole("generate", {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}),
        streamed("generate", *chunks, end),
    ):
        (choice,) = told.choices
        message, call = (item for item in choice.items if not isinstance(item, ir.OpaqueItem))
        assert isinstance(message, ir.Message)
        assert isinstance(call, ir.Call)
        assert (message.parts[0], call.name, choice.reason) == (ir.Text("Figs."), "look", "tool_calls")


@pytest.mark.parametrize("most", [0, -1])
def test_a_limit_of_no_tokens_is_none_for_messages_and_told(most: int) -> None:
    request = read("chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": most})

    call, lost = dialect("messages").write_request(request, Quirks())

    assert json.loads(call.body)["max_tokens"] > 1000
    assert lost == [("max_tokens", f"messages wants a limit of at least 1, not {most}; that of the gateway holds")]
