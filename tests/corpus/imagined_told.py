"""Replies that nobody recorded, for each API: whole ones of what its SDK's types allow, and the streams that tell the same, taken apart
the way the API's documentation says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

from tests.corpus.exchange import Exchange
from tests.corpus.imagined import Imagination, Json, name_of, words

_USAGE_FREE = frozenset({"iterations", "fallback_credit"})


def whole(name: str, dice: Random) -> Exchange:
    """A whole reply of this dialect."""
    return Exchange(name, "told whole", 200, None, json.dumps(_WHOLE[name](dice)).encode(), None)


def stream(name: str, dice: Random) -> Exchange:
    """A stream of this dialect."""
    frames = _FRAMES[name](dice)
    named = name in ("responses", "messages")
    data = "".join((f"event: {frame['type']}\n" if named else "") + f"data: {json.dumps(frame)}\n\n" for frame in frames)
    return Exchange(name, "told streamed", 200, None, None, (data + ("data: [DONE]\n\n" if name == "chat" else "")).encode())


def _pieces(dice: Random, text: str) -> list[str]:
    cuts = sorted({0, len(text), *(dice.randrange(len(text) + 1) for _ in range(2))})
    return [text[start:end] for start, end in pairwise(cuts)]


# ---- Responses -----------------------------------------------------------------------------------------------------------

_RESPONSE = "openai.types.responses:Response"


def _response(dice: Random) -> Json:
    of = Imagination(_RESPONSE, dice)
    body = of.object(of.root, leave=frozenset({"output", "error", "incomplete_details", "usage", "status"}), often=0.3)
    # Results that a client gave are told of stored replies only.
    kinds = [kind for kind in of.members(of.root["properties"]["output"]["items"]) if not kind["title"].endswith("OutputItem")]
    output = [_output_item(of, kinds) for _ in range(dice.randint(1, 4))]
    for at, item in enumerate(output):
        item["id"] = f"{item['type']}_{at}"
        if "call_id" in item:
            item["call_id"] = f"call_{at}"
    incomplete = dice.choice((None, None, None, {"reason": "max_output_tokens"}, {"reason": "content_filter"}))
    return {
        **body,
        "created_at": int(body["created_at"]),
        "object": "response",
        "status": "incomplete" if incomplete else "completed",
        "incomplete_details": incomplete,
        "error": None,
        "output": output,
        "usage": _responses_usage(dice),
    }


_SPOKEN = ("ResponseOutputMessage", "ResponseFunctionToolCall", "ResponseReasoningItem", "ResponseCustomToolCall")


def _output_item(of: Imagination, kinds: list[Json]) -> Json:
    spoken = [kind for kind in kinds if kind.get("title") in _SPOKEN]
    item = of.object(of.dice.choice(spoken if of.dice.random() < 0.6 else kinds))
    if item["type"] == "message":
        item["status"] = "completed"
        item["content"] = item["content"] or [{"type": "output_text", "text": "Well.", "annotations": []}]
    if item["type"] in ("function_call", "custom_tool_call"):
        item["name"] = name_of(of.dice)
    if "input" in item:
        item["input"] = f"say {item['input']}"
    return item


def _responses_usage(dice: Random) -> Json | None:
    tokens = [dice.randint(0, 99) for _ in range(4)]
    return dice.choice(
        (
            None,
            {
                "input_tokens": tokens[0] + tokens[1],
                "input_tokens_details": {"cached_tokens": tokens[1], "cache_write_tokens": 0},
                "output_tokens": tokens[2] + tokens[3],
                "output_tokens_details": {"reasoning_tokens": tokens[3]},
                "total_tokens": sum(tokens),
            },
        )
    )


def _response_frames(dice: Random) -> list[Json]:
    body = _response(dice)
    bare = {**body, "output": [], "usage": None, "status": "in_progress", "incomplete_details": None}
    frames: list[Json] = [{"type": "response.created", "response": bare}, {"type": "response.in_progress", "response": bare}]
    for at, item in enumerate(body["output"]):
        tell = _TELL.get(item["type"], _tell_item)
        for frame in tell(dice, item):
            frames.append({**frame, "output_index": at, **({} if "item" in frame else {"item_id": item["id"]})})
    frames.append({"type": f"response.{body['status']}", "response": body})
    return [{**frame, "sequence_number": number} for number, frame in enumerate(frames)]


def _tell_item(dice: Random, item: Json) -> Iterator[Json]:
    yield {"type": "response.output_item.added", "item": {**item, **({"status": "in_progress"} if "status" in item else {})}}
    if item["type"] in ("web_search_call", "file_search_call", "image_generation_call", "mcp_call", "code_interpreter_call"):
        yield {"type": f"response.{item['type']}.in_progress"}
        yield {"type": f"response.{item['type']}.completed"}
    yield {"type": "response.output_item.done", "item": item}


def _tell_message(dice: Random, item: Json) -> Iterator[Json]:
    yield {"type": "response.output_item.added", "item": {**item, "status": "in_progress", "content": []}}
    for index, part in enumerate(item["content"]):
        is_refusal = part["type"] == "refusal"
        field, kind = ("refusal", "refusal") if is_refusal else ("text", "output_text")
        empty = {**part, field: "", **({} if is_refusal else {"annotations": [], "logprobs": []})}
        yield {"type": "response.content_part.added", "content_index": index, "part": empty}
        for piece in _pieces(dice, part[field]):
            logprobs = {} if is_refusal else {"logprobs": []}
            yield {"type": f"response.{kind}.delta", "content_index": index, "delta": piece, **logprobs, "obfuscation": "x1"}
        for number, note in enumerate(part.get("annotations", ())):
            place = {"content_index": index, "annotation_index": number}
            yield {"type": "response.output_text.annotation.added", **place, "annotation": note}
        yield {"type": f"response.{kind}.done", "content_index": index, field: part[field], **({} if is_refusal else {"logprobs": []})}
        yield {"type": "response.content_part.done", "content_index": index, "part": part}
    yield {"type": "response.output_item.done", "item": item}


def _tell_call(dice: Random, item: Json) -> Iterator[Json]:
    field, kind = ("input", "custom_tool_call_input") if item["type"] == "custom_tool_call" else ("arguments", "function_call_arguments")
    yield {"type": "response.output_item.added", "item": {**item, field: ""}}
    for piece in _pieces(dice, item[field]):
        yield {"type": f"response.{kind}.delta", "delta": piece}
    yield {"type": f"response.{kind}.done", field: item[field]}
    yield {"type": "response.output_item.done", "item": item}


def _tell_reasoning(dice: Random, item: Json) -> Iterator[Json]:
    yield {"type": "response.output_item.added", "item": {**item, "summary": [], **({"content": []} if item.get("content") else {})}}
    for index, part in enumerate(item["summary"]):
        yield {"type": "response.reasoning_summary_part.added", "summary_index": index, "part": {**part, "text": ""}}
        for piece in _pieces(dice, part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", "summary_index": index, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", "summary_index": index, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", "summary_index": index, "part": part}
    for index, part in enumerate(item.get("content") or ()):
        for piece in _pieces(dice, part["text"]):
            yield {"type": "response.reasoning_text.delta", "content_index": index, "delta": piece}
        yield {"type": "response.reasoning_text.done", "content_index": index, "text": part["text"]}
    yield {"type": "response.output_item.done", "item": item}


_TELL: dict[str, Callable[[Random, Json], Iterator[Json]]] = {
    "message": _tell_message,
    "function_call": _tell_call,
    "custom_tool_call": _tell_call,
    "reasoning": _tell_reasoning,
}

# ---- Chat ----------------------------------------------------------------------------------------------------------------

_COMPLETION = "openai.types.chat:ChatCompletion"


def _completion(dice: Random) -> Json:
    of = Imagination(_COMPLETION, dice)
    body = of.object(of.root, leave=frozenset({"choices", "usage"}))
    kind = of.members(of.root["properties"]["choices"]["items"])[0]
    choices = [_choice(of, kind, index) for index in range(dice.choice((1, 1, 1, 2)))]
    tokens = [dice.randint(0, 99) for _ in range(4)]
    usage = {
        "prompt_tokens": tokens[0] + tokens[1],
        "completion_tokens": tokens[2] + tokens[3],
        "total_tokens": sum(tokens),
        "prompt_tokens_details": dice.choice((None, {"cached_tokens": tokens[1], "audio_tokens": 0})),
        "completion_tokens_details": dice.choice((None, {"reasoning_tokens": tokens[3], "accepted_prediction_tokens": 0})),
    }
    return {**body, "choices": choices, **({"usage": usage} if dice.random() < 0.8 else {})}


def _choice(of: Imagination, kind: Json, index: int) -> Json:
    told = of.object(kind, leave=frozenset({"logprobs"}))
    message = told["message"]
    message.pop("audio", None)
    message.pop("function_call", None)
    for at, call in enumerate(message.get("tool_calls") or ()):
        call["id"] = f"call_{index}_{at}"
        call.get("function", call.get("custom", {}))["name"] = name_of(of.dice)
        if "custom" in call:
            call["custom"]["input"] = f"say {call['custom']['input']}"
    calls = bool(message.get("tool_calls"))
    reason = "tool_calls" if calls else of.dice.choice(("stop", "length", "content_filter"))
    return {**told, "index": index, "finish_reason": reason}


def _completion_frames(dice: Random) -> list[Json]:
    body = _completion(dice)
    head = {**{name: value for name, value in body.items() if name not in ("choices", "usage", "metadata", "moderation")}}
    head["object"] = "chat.completion.chunk"
    frames: list[Json] = []
    for choice in body["choices"]:
        deltas = list(_deltas(dice, choice["message"]))
        for at, delta in enumerate(deltas):
            reason = choice["finish_reason"] if at == len(deltas) - 1 else None
            frames.append({**head, "choices": [{"index": choice["index"], "delta": delta, "logprobs": None, "finish_reason": reason}]})
    if "usage" in body:
        frames.append({**head, "choices": [], "usage": body["usage"]})
    return frames


def _deltas(dice: Random, message: Json) -> Iterator[Json]:
    yield {"role": "assistant", "content": "", "refusal": None}
    for field in ("content", "refusal"):
        yield from ({field: piece} for piece in _pieces(dice, message.get(field) or ""))
    if message.get("annotations"):
        yield {"annotations": message["annotations"]}
    for index, call in enumerate(message.get("tool_calls") or ()):
        kind, field = ("function", "arguments") if call["type"] == "function" else ("custom", "input")
        yield {"tool_calls": [{"index": index, **call, kind: {**call[kind], field: ""}}]}
        for piece in _pieces(dice, call[kind][field]):
            yield {"tool_calls": [{"index": index, kind: {field: piece}}]}
    yield {}


# ---- Messages ------------------------------------------------------------------------------------------------------------

_MESSAGE = "anthropic.types.beta:BetaMessage"


def _message(dice: Random) -> Json:
    of = Imagination(_MESSAGE, dice)
    body = of.object(
        of.root, leave=frozenset({"content", "usage", "stop_reason", "stop_details", "stop_sequence", "input_transformations"})
    )
    kinds = of.members(of.root["properties"]["content"]["items"])
    spoken = [kind for kind in kinds if kind["title"] in ("BetaTextBlock", "BetaThinkingBlock", "BetaToolUseBlock")]
    content = [of.object(dice.choice(spoken if dice.random() < 0.6 else kinds)) for _ in range(dice.randint(1, 4))]
    for at, block in enumerate(content):
        _settle(block, at, dice)
    calls = any(block["type"] == "tool_use" for block in content)
    reasons = ("end_turn", "max_tokens", "stop_sequence", "pause_turn", "refusal", "model_context_window_exceeded")
    reason = "tool_use" if calls else dice.choice(reasons)
    usage = of.object(of.named("BetaUsage"), leave=_USAGE_FREE)
    details = usage.get("output_tokens_details")
    if details:
        details["thinking_tokens"] = min(details["thinking_tokens"], usage["output_tokens"])
    return {
        **body,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": "END" if reason == "stop_sequence" else None,
        "usage": usage,
    }


def _settle(block: Json, at: int, dice: Random) -> None:
    if "id" in block:
        block["id"] = f"toolu_{at}"
    if block["type"] == "tool_use":
        block["name"] = name_of(dice)
        block["input"] = {"a": words(dice)}
    if block["type"] == "text" and not block["text"].strip():
        block["text"] = "Well."


def _message_frames(dice: Random) -> list[Json]:
    body = _message(dice)
    first = {**body["usage"], "output_tokens": 1}
    bare = {**body, "content": [], "stop_reason": None, "stop_sequence": None, "usage": first}
    frames: list[Json] = [{"type": "message_start", "message": bare}, {"type": "ping"}]
    for index, block in enumerate(body["content"]):
        empty, deltas = _taken_apart(dice, block)
        frames.append({"type": "content_block_start", "index": index, "content_block": empty})
        frames += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        frames.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": body["stop_reason"], "stop_sequence": body["stop_sequence"]}
    counts = {name: body["usage"].get(name) for name in ("output_tokens", "input_tokens", "output_tokens_details") if name in body["usage"]}
    return [*frames, {"type": "message_delta", "delta": delta, "usage": counts}, {"type": "message_stop"}]


def _taken_apart(dice: Random, block: Json) -> tuple[Json, list[Json]]:
    match block["type"]:
        case "text":
            cited = [{"type": "citations_delta", "citation": each} for each in block.get("citations") or ()]
            said = [{"type": "text_delta", "text": piece} for piece in _pieces(dice, block["text"])]
            return {**block, "text": "", **({"citations": []} if block.get("citations") else {})}, [*said, *cited]
        case "thinking":
            said = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(dice, block["thinking"])]
            return {**block, "thinking": "", "signature": ""}, [*said, {"type": "signature_delta", "signature": block["signature"]}]
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            text = json.dumps(block["input"])
            pieces = ["", *_pieces(dice, text)] if block["input"] or dice.random() < 0.5 else []
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        case _:
            return block, []


# ---- Generate ------------------------------------------------------------------------------------------------------------

_GENERATED = "google.genai.types:GenerateContentResponse"
_PARTS = ("text", "text", "thought", "functionCall", "executableCode", "codeExecutionResult", "inlineData")
_HEAD = ("modelVersion", "responseId", "createTime", "modelStatus")


def _generated(dice: Random) -> Json:
    of = Imagination(_GENERATED, dice)
    body = _bare(
        of.object(
            of.root,
            leave=frozenset(
                {"candidates", "usageMetadata", "promptFeedback", "sdkHttpResponse", "parsed", "automaticFunctionCallingHistory"}
            ),
        )
    )
    body["modelVersion"] = "gemini-3-pro-preview"
    candidate = _bare(
        of.object(
            of.named("Candidate"), leave=frozenset({"content", "finishReason", "index", "logprobsResult", "continuationToken"}), often=0.3
        )
    )
    parts = [_part(of, dice.choice(_PARTS), at) for at in range(dice.randint(1, 4))]
    candidate |= {
        "content": {"role": "model", "parts": parts},
        "finishReason": dice.choice(("STOP", "STOP", "MAX_TOKENS", "SAFETY")),
        "index": 0,
    }
    usage = {"promptTokenCount": dice.randint(1, 99), "candidatesTokenCount": dice.randint(1, 99)}
    usage |= {"thoughtsTokenCount": dice.randint(0, 9), "cachedContentTokenCount": 1} if dice.random() < 0.5 else {}
    usage["totalTokenCount"] = sum(count for name, count in usage.items() if name != "cachedContentTokenCount")
    return {**body, "candidates": [candidate], "usageMetadata": usage}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if inner is not None}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _part(of: Imagination, kind: str, at: int) -> Json:
    signed = {"thoughtSignature": "c2ln"} if kind != "text" and of.dice.random() < 0.3 else {}
    match kind:
        case "text" | "thought":
            return {"text": words(of.dice), **({"thought": True} if kind == "thought" else {}), **signed}
        case "functionCall":
            named = {"id": f"call_{at}"} if of.dice.random() < 0.5 else {}
            return {"functionCall": {"name": name_of(of.dice), "args": {"a": words(of.dice)}, **named}, **signed}
        case "inlineData":
            return {"inlineData": {"mimeType": "image/png", "data": "aGk="}, **signed}
        case _:
            return {kind: _bare(of.object(of.members(of.named("Part")["properties"][kind])[0]))}


def _generated_frames(dice: Random) -> list[Json]:
    body = _generated(dice)
    head = {name: body[name] for name in _HEAD if name in body}
    candidate = body["candidates"][0]
    frames = [{**head, "candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]} for part in _split(dice, candidate)]
    last = {**{name: value for name, value in candidate.items() if name != "content"}}
    ends = [{"content": {"role": "model", "parts": [{"text": ""}]}, **last}, last]
    return [*frames, {**body, "candidates": [dice.choice(ends)]}]


def _split(dice: Random, candidate: Json) -> Iterator[Json]:
    for part in candidate["content"]["parts"]:
        if "text" not in part:
            yield part
            continue
        pieces = _pieces(dice, part["text"])
        yield from ({**({"thought": True} if part.get("thought") else {}), "text": piece} for piece in pieces[:-1])
        yield {**part, "text": pieces[-1]}


_WHOLE: dict[str, Callable[[Random], Any]] = {"responses": _response, "chat": _completion, "messages": _message, "generate": _generated}
_FRAMES: dict[str, Callable[[Random], list[Json]]] = {
    "responses": _response_frames,
    "chat": _completion_frames,
    "messages": _message_frames,
    "generate": _generated_frames,
}
