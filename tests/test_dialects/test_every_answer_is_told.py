"""No part of an answer vanishes in silence: for each kind of item, part, reason and count of each API, clients of each other API are told
something else than without it, or what was lost is told on record.

The lists follow the published types: OpenAI's OpenAPI document, and the SDKs of Anthropic and Google.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.fold import Fold
from dragoman.ir.request import Request
from dragoman.wire.sse import SseFramer

Json = dict[str, Any]

ASKED = Request("m", (), stream=True)
SEARCHED: Json = {"type": "web_search_result", "url": "https://x.test", "title": "t", "encrypted_content": "e", "page_age": None}


def _text(words: str, *annotations: Json) -> Json:
    return {"type": "output_text", "text": words, "annotations": list(annotations), "logprobs": []}


def _message(*parts: Json, **more: Any) -> Json:
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": list(parts), **more}


def _of_responses(*items: Json, **more: Any) -> Json:
    output = [*items] if items else [_message(_text("hi"))]
    return {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": output, "usage": None, **more}


def _item(kind: str, **more: Any) -> Json:
    """An answer with this item before its words."""
    return _of_responses({"type": kind, "id": "i_1", "status": "completed", **more}, _message(_text("hi")))


def _of_chat(reason: str = "stop", usage: Json | None = None, **more: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi", **more}, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def _of_messages(*blocks: Json, **more: Any) -> Json:
    said = [*blocks, {"type": "text", "text": "hi"}]
    usage = {"input_tokens": 5, "output_tokens": 2}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": said,
        "stop_reason": "end_turn",
        "usage": usage,
        **more,
    }


def _run(name: str, kind: str, content: Any) -> Json:
    """An answer in which the provider ran a tool of its own."""
    called: Json = {"type": "server_tool_use", "id": "srv_1", "name": name, "input": {"query": "q"}}
    return _of_messages(called, {"type": kind, "tool_use_id": "srv_1", "content": content})


def _of_generate(*parts: Json, reason: str = "STOP", usage: Json | None = None, **more: Any) -> Json:
    said = {"role": "model", "parts": [*parts, {"text": "hi"}]}
    counts = usage or {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
    return {"candidates": [{"content": said, "finishReason": reason, "index": 0, **more}], "usageMetadata": counts}


BASE: dict[str, Json] = {"responses": _of_responses(), "chat": _of_chat(), "messages": _of_messages(), "generate": _of_generate()}
ANSWERS: dict[str, dict[str, Json]] = {
    "responses": {
        "refusal": _of_responses(_message({"type": "refusal", "refusal": "no"})),
        "two messages": _of_responses(_message(_text("so")), {**_message(_text("hi")), "id": "msg_2"}),
        "annotations.url_citation": _of_responses(
            _message(_text("hi", {"type": "url_citation", "url": "https://x.test", "title": "t", "start_index": 0, "end_index": 2}))
        ),
        "annotations.file_citation": _of_responses(_message(_text("hi", {"type": "file_citation", "file_id": "f", "index": 0}))),
        "annotations.container": _of_responses(
            _message(
                _text("hi", {"type": "container_file_citation", "container_id": "c", "file_id": "f", "start_index": 0, "end_index": 1})
            )
        ),
        "reasoning": _item("reasoning", summary=[{"type": "summary_text", "text": "why"}]),
        "reasoning.content": _item("reasoning", summary=[], content=[{"type": "reasoning_text", "text": "why"}]),
        "function_call": _item("function_call", call_id="c", name="f", arguments="{}"),
        "custom_tool_call": _item("custom_tool_call", call_id="c", name="f", input="x"),
        "tool_search_call": _item("tool_search_call", call_id="c", execution="client", arguments={"query": "q"}),
        "web_search_call": _item("web_search_call", action={"type": "search", "query": "q"}),
        "file_search_call": _item("file_search_call", queries=["q"], results=None),
        "code_interpreter_call": _item("code_interpreter_call", code="1", container_id="c", outputs=None),
        "image_generation_call": _item("image_generation_call", result="AAAA"),
        "computer_call": _item("computer_call", call_id="c", action={"type": "wait"}, pending_safety_checks=[]),
        "local_shell_call": _item("local_shell_call", call_id="c", action={"type": "exec", "command": ["ls"], "env": {}}),
        "shell_call": _item("shell_call", call_id="c", action={"commands": ["ls"]}),
        "shell_call_output": _item("shell_call_output", call_id="c", output=[]),
        "apply_patch_call": _item("apply_patch_call", call_id="c", operation={"type": "delete_file", "path": "a"}),
        "mcp_list_tools": _item("mcp_list_tools", server_label="l", tools=[]),
        "mcp_call": _item("mcp_call", server_label="l", name="f", arguments="{}"),
        "mcp_approval_request": _item("mcp_approval_request", server_label="l", name="f", arguments="{}"),
        "compaction": _item("compaction", encrypted_content="e"),
        "program": _item("program", call_id="c", code="1", fingerprint="f"),
        "later": _item("later", value=1),
        "incomplete.max_output_tokens": _of_responses(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        "incomplete.content_filter": _of_responses(status="incomplete", incomplete_details={"reason": "content_filter"}),
        "usage": _of_responses(usage={"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}),
        "model": _of_responses(model="other"),
    },
    "chat": {
        "content": _of_chat(content="ho"),
        "refusal": _of_chat(content=None, refusal="no"),
        "reasoning_content": _of_chat(reasoning_content="why"),
        "reasoning_details": _of_chat(reasoning_details=[{"type": "reasoning.text", "text": "why"}]),
        "annotations": _of_chat(
            annotations=[
                {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2, "url": "https://x.test", "title": "t"}}
            ]
        ),
        "audio": _of_chat(audio={"id": "a", "data": "AAAA", "transcript": "ho", "expires_at": 1}),
        "images": _of_chat(images=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]),
        "tool_calls.function": _of_chat(
            "tool_calls", tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
        ),
        "tool_calls.custom": _of_chat("tool_calls", tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}]),
        "function_call": _of_chat("function_call", function_call={"name": "f", "arguments": "{}"}),
        "finish_reason.length": _of_chat("length"),
        "finish_reason.content_filter": _of_chat("content_filter"),
        "usage": _of_chat(usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}),
        "model": {**_of_chat(), "model": "other"},
    },
    "messages": {
        "text": _of_messages({"type": "text", "text": "ho"}),
        "text.citations.page": _of_messages(
            {
                "type": "text",
                "text": "ho",
                "citations": [{"type": "web_search_result_location", "url": "https://x.test", "encrypted_index": "e", "cited_text": "h"}],
            }
        ),
        "thinking": _of_messages({"type": "thinking", "thinking": "why", "signature": "s"}),
        "tool_use": _of_messages({"type": "tool_use", "id": "c", "name": "f", "input": {}}, stop_reason="tool_use"),
        "web_search": _run("web_search", "web_search_tool_result", [SEARCHED]),
        "web_search.error": _run(
            "web_search", "web_search_tool_result", {"type": "web_search_tool_result_error", "error_code": "unavailable"}
        ),
        "web_fetch": _run("web_fetch", "web_fetch_tool_result", {"type": "web_fetch_tool_result_error", "error_code": "unavailable"}),
        "code_execution": _run(
            "code_execution",
            "code_execution_tool_result",
            {"type": "code_execution_result", "stdout": "1", "stderr": "", "return_code": 0, "content": []},
        ),
        "tool_search": _run(
            "tool_search_tool_bm25", "tool_search_tool_result", {"type": "tool_search_tool_search_result", "tool_references": []}
        ),
        "mcp_tool_use": _of_messages(
            {"type": "mcp_tool_use", "id": "mcp_1", "name": "f", "server_name": "s", "input": {}},
            {"type": "mcp_tool_result", "tool_use_id": "mcp_1", "is_error": False, "content": []},
        ),
        "container_upload": _of_messages({"type": "container_upload", "file_id": "f"}),
        "compaction": _of_messages({"type": "compaction", "content": "so far"}),
        "later": _of_messages({"type": "later", "value": 1}),
        "stop_reason.max_tokens": _of_messages(stop_reason="max_tokens"),
        "stop_reason.refusal": _of_messages(stop_reason="refusal"),
        "stop_reason.context": _of_messages(stop_reason="model_context_window_exceeded"),
        "usage.cache": _of_messages(usage={"input_tokens": 5, "cache_read_input_tokens": 3, "output_tokens": 2}),
        "model": _of_messages(model="other"),
    },
    "generate": {
        "text": _of_generate({"text": "ho"}),
        "thought": _of_generate({"text": "why", "thought": True}),
        "functionCall": _of_generate({"functionCall": {"name": "f", "args": {}}}),
        "executableCode": _of_generate({"executableCode": {"language": "PYTHON", "code": "1"}}),
        "codeExecutionResult": _of_generate(
            {"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
        ),
        "toolCall": _of_generate({"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {}, "id": "t"}}),
        "inlineData.image": _of_generate({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        "inlineData.audio": _of_generate({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
        "fileData": _of_generate({"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.test/a.pdf"}}),
        "later": _of_generate({"later": {"value": 1}}),
        "groundingMetadata": _of_generate(
            groundingMetadata={
                "groundingChunks": [{"web": {"uri": "https://x.test", "title": "t"}}],
                "groundingSupports": [{"segment": {"endIndex": 2}, "groundingChunkIndices": [0]}],
            }
        ),
        "finishReason.MAX_TOKENS": _of_generate(reason="MAX_TOKENS"),
        "finishReason.SAFETY": _of_generate(reason="SAFETY"),
        "usage.thoughts": _of_generate(
            usage={"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 10}
        ),
        "modelVersion": {**_of_generate(), "modelVersion": "other"},
    },
}
SILENT: dict[tuple[str, str, str], str] = {
    ("responses", "model", "messages"): "clients of Messages are answered by the name that they asked for",
    ("chat", "model", "messages"): "the same",
    ("generate", "modelVersion", "messages"): "the same",
    ("messages", "stop_reason.refusal", "responses"): "a refusal without words is an ordinary end there: agents would ask again five times",
}
"""What may vanish, and why that takes nothing from anybody."""


def _told(name: str, answer: Json, client: str) -> tuple[Any, Any, list[str]] | None:
    """What clients get, whole and streamed, and what is told on record as lost; None where the answer is told as an error."""
    spoken, heard = dialect(name), dialect(client)
    try:
        events = spoken.read_response(json.dumps(answer).encode(), Quirks())
    except GatewayError:
        return None
    fold, writer = Fold(), heard.writer(ASKED)
    for event in events:
        fold.feed(event)
    said = b"".join([*(writer.feed(event) for event in events), writer.close()])
    frames = [frame.data for frame in SseFramer().feed(said)]
    return json.loads(heard.write_response(fold.response(), ASKED)), frames, list(_lost(events, client))


def _lost(events: list[ev.Event], client: str) -> Iterator[str]:
    heard = dialect(client)
    for event in events:
        if isinstance(event, ev.Cited) and (event.citation.page is None or not heard.cites_pages):
            yield "citations"
        elif isinstance(event, ev.ItemGiven) and (lost := heard.unsaid(event.item)) is not None:
            yield lost
        elif isinstance(event, ev.Warned):
            yield event.field


def _cases() -> Iterator[tuple[str, str, str]]:
    for name, answers in ANSWERS.items():
        yield from ((name, field, client) for field in answers for client in BASE if client != name)


@pytest.mark.parametrize(("name", "field", "client"), list(_cases()))
def test_what_an_answer_says_reaches_clients_of_the_other_apis_or_is_on_record(name: str, field: str, client: str) -> None:
    plain, told = _told(name, BASE[name], client), _told(name, ANSWERS[name][field], client)

    assert plain is not None
    if (name, field, client) in SILENT:
        assert told == plain
    elif told is not None:
        # A frame tells it, or the record does; and so does a whole answer.
        assert (told[0], told[2]) != (plain[0], plain[2])
        assert (told[1], told[2]) != (plain[1], plain[2])
