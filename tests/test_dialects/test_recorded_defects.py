"""What recordings of other projects' traffic found, one golden for each defect. The words in them are ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from spoken_in import body, folded, read, streamed, whole

from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.response import Choice, Response
from dragoman.ir.usage import Usage
from dragoman.profiles.registry import profile
from dragoman.wire.frame import Frame

HI = {"role": "user", "content": "hi"}


def lost(name: str, request: ir.Request) -> list[tuple[str, str]]:
    return dialect(name).write_request(request, Quirks())[1]


EVERY_FORM = {
    "role": "assistant",
    "content": "",
    "refusal": "",
    "function_call": {"name": "", "arguments": ""},
    "tool_calls": [
        {"id": "call_1", "type": "function", "custom": {"name": "", "input": ""}, "function": {"name": "look", "arguments": '{"at":1}'}}
    ],
}
LOOKED = Choice(0, (ir.Call("call_1", "look", '{"at":1}'),), "tool_calls")


def test_empty_forms_of_other_kinds_beside_a_call_are_no_calls() -> None:
    head: dict[str, Any] = {"id": "c1", "model": "m", "choices": []}

    told = whole("chat", {**head, "choices": [{"index": 0, "message": EVERY_FORM, "finish_reason": ""}]})
    piece = streamed("chat", {**head, "choices": [{"index": 0, "delta": EVERY_FORM, "finish_reason": "tool_calls"}]})

    assert told.choices == (LOOKED,)
    assert piece.choices == (LOOKED,)


def test_pieces_of_a_custom_call_that_name_no_type_stay_with_it() -> None:
    head: dict[str, Any] = {"id": "c1", "model": "m"}
    first = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "patch", "input": "a"}}
    pieces = [{"tool_calls": [first]}, {"tool_calls": [{"index": 0, "custom": {"input": "b"}}]}]

    frames = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in pieces]
    told = streamed("chat", *frames, {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})

    assert told.choices == (Choice(0, (ir.Call("call_1", "patch", "ab", kind="custom"),), "tool_calls"),)


def test_an_address_for_a_files_data_goes_on_as_it_came() -> None:
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "https://files.example/a.pdf"}}
    asked = {"model": "m", "messages": [{"role": "user", "content": [file]}]}

    request = read("chat", asked)

    assert body("chat", request) == asked
    assert lost("chat", request) == []
    assert body("responses", request)["input"][0]["content"] == [
        {"type": "input_file", "file_url": "https://files.example/a.pdf", "filename": "a.pdf"}
    ]


def test_a_schema_without_a_name_is_one_of_chat_and_gets_a_name_elsewhere() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    asked: dict[str, Any] = {"model": "m", "messages": [HI], "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}

    request = read("chat", asked)

    assert body("chat", request) == asked
    assert body("responses", request)["text"]["format"] == {"type": "json_schema", "name": "output", "schema": schema}


@pytest.mark.parametrize("name", [7, ["answer"]])
def test_a_schemas_name_that_is_no_string_is_refused(name: Any) -> None:
    with pytest.raises(GatewayError, match=r"response_format\.json_schema\.name"):
        read("chat", {"model": "m", "messages": [HI], "response_format": {"type": "json_schema", "json_schema": {"name": name}}})


def test_items_of_one_answer_that_share_an_id_are_all_told() -> None:
    output: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "AAAA"},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "BBBB"},
    ]
    reply: dict[str, Any] = {"id": "resp_1", "model": "m", "status": "completed", "output": output}
    done = [{"type": "response.output_item.done", "output_index": index, "item": item} for index, item in enumerate(output)]

    told = whole("responses", reply).choices
    piece = streamed("responses", *done[:2], {"type": "response.completed", "response": reply}).choices

    assert [getattr(item, "proof", None) for item in told[0].items] == [
        ir.Proof("responses", "AAAA", "encrypted_content"),
        None,
        ir.Proof("responses", "BBBB", "encrypted_content"),
    ]
    assert piece == told


def test_a_tier_that_only_another_server_has_is_not_asked_of_responses() -> None:
    request = read("chat", {"model": "m", "messages": [HI], "service_tier": "on_demand"})

    assert "service_tier" not in body("responses", request)
    assert lost("responses", request) == [("service_tier", "the Responses API knows no tier `on_demand`")]
    assert body("chat", request)["service_tier"] == "on_demand"
    assert echoed(request)["service_tier"] == "auto"


def test_a_tier_and_an_effort_that_a_server_of_responses_has_beyond_the_api_go_on() -> None:
    request = read("responses", {"model": "m", "input": "hi", "service_tier": "batch", "reasoning": {"effort": "default"}})

    assert body("responses", request)["service_tier"] == "batch"
    assert lost("responses", request) == []
    assert echoed(request)["service_tier"] == "batch"
    assert echoed(request)["reasoning"]["effort"] == "default"


def test_an_effort_that_only_another_server_knows_is_not_echoed_by_responses() -> None:
    request = read("chat", {"model": "m", "messages": [HI], "reasoning_effort": "default"})

    assert echoed(request)["reasoning"] == {"effort": None, "summary": None}


def echoed(request: ir.Request) -> Any:
    """What an answer to this request says of it."""
    return json.loads(dialect("responses").write_response(Response(id="r", model="m", choices=(Choice(0, ()),)), request))


def test_gemini_takes_the_bare_entry_for_a_list_of_one() -> None:
    declared: dict[str, Any] = {"name": "look", "parameters": {"type": "OBJECT", "properties": {}}}
    bare: dict[str, Any] = {
        "system_instruction": {"parts": {"text": "Be brief."}},
        "contents": {"role": "user", "parts": {"text": "hi"}},
        "tools": {"function_declarations": declared},
    }
    listed: dict[str, Any] = {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"function_declarations": [declared]}],
    }

    request = read("generate", bare)

    assert body("generate", request) == {**listed, "tools": bare["tools"]}
    assert body("chat", request) == body("chat", read("generate", listed))


@pytest.mark.parametrize("field", ["contents", "tools"])
def test_gemini_takes_no_words_for_a_list(field: str) -> None:
    with pytest.raises(GatewayError, match=f"`{field}` must be a list"):
        read("generate", {"contents": [], field: "hi"})


def test_numbers_of_enums_are_words_of_gemini() -> None:
    schema: dict[str, Any] = {"type": 6, "properties": {"at": {"type": 3}, "names": {"type": 5, "items": {"type": 1}}}}
    asked: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "look", "parameters": schema}]}],
        "toolConfig": {"functionCallingConfig": {"mode": 2}},
    }

    request = read("generate", asked)

    assert body("generate", request) == asked
    assert body("chat", request)["tool_choice"] == "required"
    assert body("chat", request)["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"at": {"type": "integer"}, "names": {"type": "array", "items": {"type": "string"}}},
    }


@pytest.mark.parametrize(("number", "reason", "detail"), [(1, "stop", None), (2, "length", "MAX_TOKENS"), (16, "other", "16")])
def test_a_finish_reason_that_is_a_number_ends_the_answer(number: int, reason: str, detail: str | None) -> None:
    reply: dict[str, Any] = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi."}]}, "finishReason": number}]}
    tap = dialect("generate").tap()
    tap.whole(json.dumps(reply).encode())

    told = [(choice.reason, choice.detail) for choice in (*whole("generate", reply).choices, *streamed("generate", reply).choices)]

    assert told == [(reason, detail)] * 2
    assert tap.may_end


def test_a_block_that_is_a_number_is_told_in_its_word() -> None:
    with pytest.raises(GatewayError, match=r"blocked the prompt \(`BLOCKLIST`\)") as caught:
        whole("generate", {"promptFeedback": {"blockReason": 3}})

    assert caught.value.kind is Kind.CONTENT_POLICY


TOLD_MORE_CACHED = {"cached_tokens": 161}
FROM_CACHE = {
    "chat": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8, "prompt_tokens_details": TOLD_MORE_CACHED},
    "responses": {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8, "input_tokens_details": TOLD_MORE_CACHED},
}


@pytest.mark.parametrize("name", FROM_CACHE)
def test_no_more_comes_from_the_cache_than_was_given(name: str) -> None:
    answers: dict[str, dict[str, Any]] = {
        "chat": {"id": "c1", "choices": [{"index": 0, "message": {"content": "Hi."}, "finish_reason": "stop"}]},
        "responses": {"id": "r1", "status": "completed", "output": []},
    }
    told = whole(name, {**answers[name], "model": "m", "usage": FROM_CACHE[name]})
    request = read("chat", {"model": "m", "messages": [HI]})
    said = {to: json.loads(dialect(to).write_response(told, request))["usage"] for to in (name, "messages")}

    assert told.usage is not None
    assert (told.usage.input_tokens, told.usage.cache_read_tokens) == (7, 7)
    assert (said["messages"]["input_tokens"], said["messages"]["cache_read_input_tokens"]) == (0, 7)
    assert said[name][{"chat": "prompt_tokens_details", "responses": "input_tokens_details"}[name]]["cached_tokens"] == 161


def test_what_was_written_to_the_cache_and_read_from_it_at_once_is_counted_once_by_messages() -> None:
    usage = Usage(2168, 100, cache_read_tokens=2161, cache_write_tokens=2161)
    told = Response(id="r", model="m", choices=(Choice(0, ()),), usage=usage)

    said = json.loads(dialect("messages").write_response(told, read("chat", {"model": "m", "messages": [HI]})))["usage"]

    assert said == {"input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2161, "output_tokens": 100}


@pytest.mark.parametrize("arguments", ["[]", "null", "", " [ ] "])
def test_an_empty_list_of_arguments_is_an_object_without_fields(arguments: str) -> None:
    items = (ir.Message("user", (ir.Text("hi"),)), ir.Call("call_1", "look", arguments), ir.Result("call_1", (ir.Text("ok"),)))

    request = ir.Request("m", items)

    assert body("messages", request)["messages"][1]["content"][0]["input"] == {}
    assert body("generate", request)["contents"][1]["parts"][0]["functionCall"]["args"] == {}


def test_an_incomplete_response_without_a_reason_came_to_its_limit() -> None:
    reply: dict[str, Any] = {"id": "r1", "model": "m", "status": "incomplete", "output": []}
    no_details: tuple[Any, ...] = (None, {})

    told = [whole("responses", {**reply, "incomplete_details": details}).choices[0].reason for details in no_details]
    piece = streamed("responses", {"type": "response.incomplete", "response": reply}).choices[0].reason

    assert [*told, piece] == ["length"] * 3


def test_words_of_the_system_that_are_moved_are_told_of() -> None:
    asked = {"model": "m", "messages": [HI, {"role": "assistant", "content": "Hi."}, {"role": "system", "content": "Be brief."}, HI]}

    request = read("chat", asked)

    assert [turn["role"] for turn in body("messages", request)["messages"]] == ["user", "assistant", "user", "system"]
    assert ("messages", "a system message before words of the user is told after them, as the API demands") in lost("messages", request)


def test_instructions_that_become_the_question_are_told_of() -> None:
    request = read("chat", {"model": "m", "messages": [{"role": "system", "content": "Say hi."}]})

    assert [turn["role"] for turn in body("messages", request)["messages"]] == ["user"]
    assert ("messages", "the conversation is instructions only; the last of them is told as the user's question") in lost(
        "messages", request
    )


@pytest.mark.parametrize("name", ["chat", "responses"])
@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "Incorrect API key provided. You can get one from https://console.example.", Kind.PROVIDER_KEY),
        (400, "This model's maximum context length is 4096 tokens. However, your request has 5000.", Kind.CONTEXT_OVERFLOW),
        (400, "This model's maximum prompt length is 131072 but the request contains 200000 tokens.", Kind.CONTEXT_OVERFLOW),
        (400, "The model `mini` does not exist.", Kind.MODEL_NOT_FOUND),
        (400, "`temperature` must be at most 2.", Kind.INVALID_REQUEST),
        (401, "The model `mini` does not exist.", Kind.PROVIDER_KEY),
    ],
)
def test_servers_of_openais_apis_are_understood_by_their_words(name: str, status: int, words: str, kind: Kind) -> None:
    error = dialect(name).read_error(status, (), json.dumps({"code": "invalid-argument", "error": words}).encode())

    assert (error.kind, error.message) == (kind, words)


@pytest.mark.parametrize("value", [{"title": "Figs", "sizes": [1, 2.5]}, [{"title": "Figs"}], [1, 2], 7, True])
def test_an_answer_that_is_the_value_itself_is_told_as_its_json(value: Any) -> None:
    reply = {"id": "c1", "model": "m", "choices": [{"index": 0, "message": {"content": value}, "finish_reason": "stop"}]}

    told = whole("chat", reply)
    said = [json.loads(dialect(name).write_response(told, ir.Request("m", ()))) for name in ("chat", "messages")]

    assert json.loads(said[0]["choices"][0]["message"]["content"]) == value
    assert json.loads(said[1]["content"][0]["text"]) == value


def sse(*values: Any) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(value).encode() for value in values)


def test_counts_that_groq_streams_in_a_field_of_its_own_are_seen_in_passing() -> None:
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    said = {"model": "m", "choices": [{"index": 0, "delta": {"content": "Hi."}}]}
    end: dict[str, Any] = {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "x_groq": {"usage": counts}}
    tap = dialect("chat").tap()

    for chunk in (sse(said), sse(end)):
        tap.feed(chunk)

    assert tap.usage == Usage(3, 2, total_tokens=5)
    assert streamed("chat", said, end).usage == tap.usage


def test_counts_of_gemini_hold_where_a_later_chunk_tells_none() -> None:
    counts = {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}}
    first = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}}]}
    end = {"candidates": [{"content": {"role": "model", "parts": [{"text": "."}]}, "finishReason": "STOP"}]}
    tap = dialect("generate").tap()

    for chunk in (sse(first), sse(counts), sse(end)):
        tap.feed(chunk)

    assert tap.usage == streamed("generate", first, counts, end).usage
    assert tap.usage is not None
    assert (tap.usage.input_tokens, tap.usage.output_tokens) == (3, 2)


def test_a_host_behind_openrouter_that_gives_no_finish_reason_has_ended_its_answer() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    head: dict[str, Any] = {"id": "gen-1", "model": "m"}
    said = {**head, "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    last = {**head, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": None}], "usage": counts}
    reader = dialect("chat").reader(profile("openrouter").quirks)
    frames = [Frame(json.dumps(said).encode()), Frame(json.dumps(last).encode()), Frame(b"[DONE]")]

    told = folded([event for frame in frames for event in reader.feed(frame)])

    assert told.choices == (Choice(0, (ir.Call("call_1", "look", "{}"),), "tool_calls"),)


def test_arguments_that_were_streamed_in_patches_are_arguments_in_the_history() -> None:
    patches: list[Any] = [{"jsonPath": "$.at.row", "numberValue": 2}, {"jsonPath": "$.name", "stringValue": "figs"}]
    asked: dict[str, Any] = {
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {
                "role": "model",
                "parts": [{"functionCall": {"id": "c1", "name": "look", "args": {"deep": {"a": 1}}, "partialArgs": patches}}],
            },
            {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "look", "response": {"output": "ok"}}}]},
        ]
    }

    request = read("generate", asked)

    call = body("messages", request)["messages"][1]["content"][0]
    assert call == {"type": "tool_use", "id": "c1", "name": "look", "input": {"deep": {"a": 1}, "at": {"row": 2}, "name": "figs"}}
    assert body("generate", request) == asked
