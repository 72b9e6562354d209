"""No field of a request vanishes in silence: for each field of each API, towards each other API, something else is asked, or a warning is
told, or the request is refused.

The lists follow the published types: OpenAI's OpenAPI document, the SDKs of Anthropic and Google, and what servers of Chat document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError
from dragoman.lower.lower import lower
from dragoman.profiles.families import capabilities, quirks_of
from dragoman.profiles.registry import profile

Json = dict[str, Any]

SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
MARK: Json = {"type": "ephemeral", "ttl": "1h"}
BASE: dict[str, Json] = {
    "responses": {
        "model": "m",
        "input": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}],
    },
    "chat": {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
    },
    "messages": {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
    },
    "generate": {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}],
    },
}


def _user(of: str, /, *parts: Any, **more: Any) -> Json:
    """The base request with these parts in its question."""
    if of == "generate":
        return {"contents": [{"role": "user", "parts": [{"text": "hi"}, *parts], **more}]}
    kind = "input_text" if of == "responses" else "text"
    said = [{"role": "user", "content": [{"type": kind, "text": "hi"}, *parts], **more}]
    return {"input" if of == "responses" else "messages": said}


def _after(name: str, *items: Any) -> Json:
    """The base request with these items or turns before a further question."""
    place = {"responses": "input", "generate": "contents"}.get(name, "messages")
    return {place: [*BASE[name][place], *items, *BASE[name][place]]}


def _tool(name: str, more: Json) -> Json:
    """The base request with a tool that says more."""
    first = BASE[name]["tools"][0]
    return {"tools": [{**first, **more}]}


CALL: dict[str, Any] = {
    "responses": {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    "chat": {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
}
FIELDS: dict[str, dict[str, Json]] = {
    "responses": {
        "background": {"background": True},
        "context_management": {"context_management": [{"type": "compaction", "compact_threshold": 1000}]},
        "conversation": {"conversation": "conv_1"},
        "include": {"include": ["message.output_text.logprobs"]},
        "instructions": {"instructions": "be brief"},
        "max_output_tokens": {"max_output_tokens": 50},
        "max_tool_calls": {"max_tool_calls": 3},
        "metadata": {"metadata": {"a": "b"}},
        "moderation": {"moderation": {"model": "omni"}},
        "parallel_tool_calls": {"parallel_tool_calls": False},
        "previous_response_id": {"previous_response_id": "resp_1"},
        "prompt": {"prompt": {"id": "pmpt_1"}},
        "prompt_cache_key": {"prompt_cache_key": "k"},
        "reasoning.effort": {"reasoning": {"effort": "high"}},
        "reasoning.summary": {"reasoning": {"summary": "detailed"}},
        "reasoning.generate_summary": {"reasoning": {"generate_summary": "detailed"}},
        "safety_identifier": {"safety_identifier": "u"},
        "service_tier": {"service_tier": "flex"},
        "store": {"store": True},
        "stream": {"stream": True},
        "temperature": {"temperature": 0.5},
        "text.format": {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
        "text.verbosity": {"text": {"verbosity": "low"}},
        "tool_choice": {"tool_choice": {"type": "function", "name": "f"}},
        "tool_choice.hosted": {"tool_choice": {"type": "web_search"}},
        "tools.custom": {"tools": [{"type": "custom", "name": "g"}]},
        "tools.mcp": {"tools": [{"type": "mcp", "server_label": "l", "server_url": "https://x.test"}]},
        "tools.description": _tool("responses", {"description": "does"}),
        "tools.strict": _tool("responses", {"strict": True}),
        "tools.defer_loading": _tool("responses", {"defer_loading": True}),
        "top_logprobs": {"top_logprobs": 3, "include": ["message.output_text.logprobs"]},
        "top_p": {"top_p": 0.5},
        "truncation": {"truncation": "auto"},
        "user": {"user": "u"},
        "input.image": _user("responses", {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"}),
        "input.file": _user("responses", {"type": "input_file", "file_url": "https://x.test/a.pdf"}),
        "input.audio": _user("responses", {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
        "input.later": _user("responses", {"type": "input_later", "later": 1}),
        "input.web_search_call": _after(
            "responses", {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}}
        ),
        "input.image_generation_call": _after(
            "responses", {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "AAAA"}
        ),
        "input.item_reference": _after("responses", {"type": "item_reference", "id": "msg_1"}),
        "input.reasoning": _after(
            "responses",
            {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e"},
            CALL["responses"],
            {"type": "function_call_output", "call_id": "c", "output": "o"},
        ),
    },
    "chat": {
        "audio": {"audio": {"voice": "alloy", "format": "mp3"}, "modalities": ["text", "audio"]},
        "cache_control": {"cache_control": MARK},
        "enable_thinking": {"enable_thinking": True},
        "frequency_penalty": {"frequency_penalty": 0.5},
        "function_call": {"function_call": "none", "functions": [{"name": "g", "parameters": SCHEMA}]},
        "logit_bias": {"logit_bias": {"1": 5}},
        "logprobs": {"logprobs": True},
        "max_completion_tokens": {"max_completion_tokens": 50},
        "max_tokens": {"max_tokens": 50},
        "metadata": {"metadata": {"a": "b"}},
        "modalities": {"modalities": ["text", "image"]},
        "moderation": {"moderation": {"model": "omni"}},
        "models": {"models": ["a/b"]},
        "n": {"n": 2},
        "parallel_tool_calls": {"parallel_tool_calls": False},
        "plugins": {"plugins": [{"id": "web"}]},
        "prediction": {"prediction": {"type": "content", "content": "x"}},
        "presence_penalty": {"presence_penalty": 0.5},
        "prompt_cache_key": {"prompt_cache_key": "k"},
        "provider": {"provider": {"order": ["x"]}},
        "reasoning_effort": {"reasoning_effort": "high"},
        "repetition_penalty": {"repetition_penalty": 1.1},
        "response_format": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
        "safety_identifier": {"safety_identifier": "u"},
        "seed": {"seed": 7},
        "service_tier": {"service_tier": "flex"},
        "stop": {"stop": ["END"]},
        "store": {"store": True},
        "stream": {"stream": True},
        "temperature": {"temperature": 0.5},
        "thinking": {"thinking": {"type": "enabled"}},
        "tool_choice": {"tool_choice": "required"},
        "tool_stream": {"tool_stream": True},
        "tools.custom": {"tools": [{"type": "custom", "custom": {"name": "g"}}]},
        "tools.web_search": {"tools": [{"type": "web_search", "web_search": {"enable": True}}]},
        "tools.cache_control": _tool("chat", {"cache_control": MARK}),
        "top_k": {"top_k": 5},
        "top_logprobs": {"logprobs": True, "top_logprobs": 3},
        "top_p": {"top_p": 0.5},
        "user": {"user": "u"},
        "verbosity": {"verbosity": "low"},
        "web_search_options": {"web_search_options": {}},
        "messages.name": _user("chat", name="ada"),
        "messages.image": _user("chat", {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}),
        "messages.audio": _user("chat", {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
        "messages.file": _user("chat", {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}}),
        "messages.video": _user("chat", {"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}),
        "messages.cache_control": _user("chat", {"type": "text", "text": "there", "cache_control": MARK}),
        "messages.refusal": _after("chat", {"role": "assistant", "content": None, "refusal": "no"}),
        "messages.audio_of_answer": _after("chat", {"role": "assistant", "content": "a", "audio": {"id": "audio_1"}}),
        "messages.tool_calls": _after("chat", CALL["chat"], {"role": "tool", "tool_call_id": "c", "content": "o"}),
    },
    "messages": {
        "billing_policy": {"billing_policy": {"type": "x"}},
        "cache_control": {"cache_control": MARK},
        "compaction": {"compaction": {"type": "auto"}},
        "container": {"container": "container_1"},
        "context_management": {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
        "diagnostics": {"diagnostics": {"x": True}},
        "fallbacks": {"fallbacks": [{"model": "n"}]},
        "inference_geo": {"inference_geo": "us"},
        "max_tokens": {"max_tokens": 50},
        "mcp_servers": {"mcp_servers": [{"type": "url", "url": "https://x.test", "name": "n"}]},
        "metadata": {"metadata": {"user_id": "u"}},
        "metadata.more": {"metadata": {"later": "u"}},
        "output_config.effort": {"output_config": {"effort": "low"}},
        "output_config.format": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "output_config.task_budget": {"output_config": {"task_budget": {"type": "tokens", "total": 1000}}},
        "service_tier": {"service_tier": "standard_only"},
        "speed": {"speed": "fast"},
        "stop_sequences": {"stop_sequences": ["END"]},
        "stream": {"stream": True},
        "system": {"system": "be brief"},
        "temperature": {"temperature": 0.5},
        "thinking": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        "thinking.adaptive": {"thinking": {"type": "adaptive"}},
        "thinking.disabled": {"thinking": {"type": "disabled"}},
        "thinking.display": {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
        "thread": {"thread": "t"},
        "tool_choice": {"tool_choice": {"type": "any"}},
        "tool_choice.parallel": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        "tools.cache_control": _tool("messages", {"cache_control": MARK}),
        "tools.defer_loading": _tool("messages", {"defer_loading": True}),
        "tools.allowed_callers": _tool("messages", {"allowed_callers": ["code_execution_20250825"]}),
        "tools.input_examples": _tool("messages", {"input_examples": [{"a": "b"}]}),
        "tools.eager_input_streaming": _tool("messages", {"eager_input_streaming": True}),
        "tools.strict": _tool("messages", {"strict": True}),
        "tools.bash": {"tools": [{"type": "bash_20250124", "name": "bash"}]},
        "top_k": {"top_k": 5},
        "top_p": {"top_p": 0.5},
        "messages.image": _user("messages", {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}),
        "messages.document": _user("messages", {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
        "messages.document.context": _user(
            "messages",
            {"type": "document", "context": "c", "citations": {"enabled": True}, "source": {"type": "url", "url": "https://x.test/a.pdf"}},
        ),
        "messages.search_result": _user(
            "messages", {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}
        ),
        "messages.cache_control": _user("messages", {"type": "text", "text": "there", "cache_control": MARK}),
        "messages.thinking": _after(
            "messages",
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "a"}]},
        ),
        "messages.server_tool_use": _after(
            "messages", {"role": "assistant", "content": [{"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}]}
        ),
        "messages.is_error": _after(
            "messages",
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "o", "is_error": True}]},
        ),
    },
    "generate": {
        "cachedContent": {"cachedContent": "cachedContents/1"},
        "generationConfig.audioTimestamp": {"generationConfig": {"audioTimestamp": True}},
        "generationConfig.candidateCount": {"generationConfig": {"candidateCount": 2}},
        "generationConfig.enableAffectiveDialog": {"generationConfig": {"enableAffectiveDialog": True}},
        "generationConfig.frequencyPenalty": {"generationConfig": {"frequencyPenalty": 0.5}},
        "generationConfig.imageConfig": {"generationConfig": {"imageConfig": {"aspectRatio": "1:1"}}},
        "generationConfig.logprobs": {"generationConfig": {"responseLogprobs": True, "logprobs": 3}},
        "generationConfig.maxOutputTokens": {"generationConfig": {"maxOutputTokens": 50}},
        "generationConfig.mediaResolution": {"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}},
        "generationConfig.presencePenalty": {"generationConfig": {"presencePenalty": 0.5}},
        "generationConfig.responseJsonSchema": {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}},
        "generationConfig.responseMimeType": {"generationConfig": {"responseMimeType": "text/x.enum"}},
        "generationConfig.responseModalities": {"generationConfig": {"responseModalities": ["IMAGE"]}},
        "generationConfig.routingConfig": {"generationConfig": {"routingConfig": {"manualMode": {"modelName": "x"}}}},
        "generationConfig.seed": {"generationConfig": {"seed": 7}},
        "generationConfig.speechConfig": {"generationConfig": {"speechConfig": {"languageCode": "de-DE"}}},
        "generationConfig.stopSequences": {"generationConfig": {"stopSequences": ["END"]}},
        "generationConfig.temperature": {"generationConfig": {"temperature": 0.5}},
        "generationConfig.thinkingConfig.thinkingBudget": {"generationConfig": {"thinkingConfig": {"thinkingBudget": 2000}}},
        "generationConfig.thinkingConfig.thinkingLevel": {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}},
        "generationConfig.thinkingConfig.includeThoughts": {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}},
        "generationConfig.topK": {"generationConfig": {"topK": 5}},
        "generationConfig.topP": {"generationConfig": {"topP": 0.5}},
        "labels": {"labels": {"a": "b"}},
        "modelArmorConfig": {"modelArmorConfig": {"promptTemplateName": "x"}},
        "safetySettings": {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
        "serviceTier": {"serviceTier": "flex"},
        "systemInstruction": {"systemInstruction": {"parts": [{"text": "be brief"}]}},
        "toolConfig": {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        "toolConfig.retrievalConfig": {"toolConfig": {"retrievalConfig": {"latLng": {"latitude": 1, "longitude": 2}}}},
        "tools.googleMaps": {"tools": [{"googleMaps": {}}]},
        "tools.response": {
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA, "response": {"type": "STRING"}}]}]
        },
        "tools.behavior": {
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA, "behavior": "NON_BLOCKING"}]}]
        },
        "contents.inlineData": _user("generate", {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        "contents.fileData": _user("generate", {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.test/a.pdf"}}),
        "contents.videoMetadata": _user(
            "generate", {"fileData": {"fileUri": "https://x.test/a.mp4", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 1}}
        ),
        "contents.mediaResolution": _user(
            "generate", {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}
        ),
        "contents.executableCode": _after(
            "generate", {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "1"}}]}
        ),
    },
}

SILENT: dict[tuple[str, str], str] = {
    ("responses", "prompt_cache_key"): "helps a cache that every API has in its own way",
    ("chat", "prompt_cache_key"): "the same",
    ("responses", "truncation"): "tells the API what to do with a conversation that is too long for it; others refuse that",
    ("responses", "tools.defer_loading"): "spares words until a tool is searched for; it is offered at once",
    ("messages", "tools.defer_loading"): "the same",
    ("messages", "tools.eager_input_streaming"): "arguments come as the target sends them",
    ("messages", "service_tier"): "asks for what is usual",
    ("responses", "reasoning.summary"): "tells how thoughts are shown, if there are any",
    ("generate", "generationConfig.thinkingConfig.includeThoughts"): "the same",
}
"""What may vanish, and why that takes nothing from anybody."""

TARGETS = {
    "responses": capabilities(profile("openai"), "responses", "gpt-5.5"),
    "chat": capabilities(profile("openai-compatible"), "chat", "some-model"),
    "messages": capabilities(profile("anthropic"), "messages", "claude-opus-4-8"),
    "generate": capabilities(profile("gemini"), "generate", "gemini-3.1-pro-preview"),
}
QUIRKS = {
    "responses": Quirks(store=None),
    "chat": Quirks(store=None),
    "messages": quirks_of(profile("anthropic"), "claude-opus-4-8"),
    "generate": quirks_of(profile("gemini"), "gemini-3.1-pro-preview"),
}


def _carried(name: str, body: Json, target: str) -> tuple[Any, list[Any]] | None:
    """The call and the warnings; None where the request is refused."""
    spoken = dialect(name)
    try:
        request = spoken.read_request(Call(spoken.path.replace("{model}", "m"), json.dumps(body).encode()))
        if spoken.state_fields(request):
            return None
        lowered = lower(request, TARGETS[target])
        call, unsaid = dialect(target).write_request(lowered.request, QUIRKS[target])
    except GatewayError:
        return None
    return call, [*lowered.warnings, *unsaid]


def _pairs() -> Iterator[tuple[str, str, str]]:
    for name, fields in FIELDS.items():
        for field in fields:
            yield from ((name, field, target) for target in BASE if target != name)


@pytest.mark.parametrize(("name", "field", "target"), list(_pairs()))
def test_a_field_is_carried_warned_of_or_refused(name: str, field: str, target: str) -> None:
    plain = _carried(name, BASE[name], target)

    asked = _carried(name, {**BASE[name], **FIELDS[name][field]}, target)

    assert plain is not None
    assert asked is None or asked != plain or (name, field) in SILENT


@pytest.mark.parametrize(("name", "field"), list(SILENT))
def test_what_may_vanish_does_so_somewhere(name: str, field: str) -> None:
    asked = {**BASE[name], **FIELDS[name][field]}

    assert any(_carried(name, asked, target) == _carried(name, BASE[name], target) for target in BASE if target != name)
