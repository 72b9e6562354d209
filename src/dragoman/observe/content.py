"""What was said in an exchange, as the GenAI conventions write it: only where config wants content in traces.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ (gen_ai.input.messages, gen_ai.output.messages and their JSON schemas)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from dragoman.dialects.contract import Call as WireCall
from dragoman.dialects.contract import Dialect
from dragoman.dialects.playback import play
from dragoman.dialects.registry import dialect
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError
from dragoman.ir.fold import Fold
from dragoman.ir.record import Bodies, Record
from dragoman.wire.frame import WireError

MOST_BYTES = 256 * 1024
"""Of a conversation; of a longer one the latest messages are told. Collectors take 4 MB in one batch."""

Redact = Callable[[bytes], bytes]
_INSTRUCTIONS = frozenset({"system", "developer"})
_Json = dict[str, Any]


def read_content(record: Record, bodies: Bodies, redact: Redact) -> dict[str, str]:
    """The attributes that hold instructions, messages, tools and answer. Nothing of what cannot be read, and nothing at all where the
    client or its key wants nothing kept; `redact` takes secrets out where they are not to be kept either."""
    if bodies.mode == "none" or bodies.client_request is None:
        return {}
    known = dialect(record.dialect)
    told = {**_asked(known, record, bodies.client_request), **_answered(known, record, bodies.client_response or [])}
    clean: Redact = redact if bodies.mode != "full" else _as_it_is
    return {name: clean(msgspec.json.encode(value)).decode("utf-8", "replace") for name, value in told.items() if value}


def _as_it_is(text: bytes) -> bytes:
    return text


def _asked(known: Dialect, record: Record, body: bytes) -> dict[str, list[_Json]]:
    try:
        request = known.read_request(WireCall(record.path, body))
    except GatewayError:
        return {}
    instructions = [item for item in request.items if isinstance(item, ir.Message) and item.role in _INSTRUCTIONS]
    others = [item for item in request.items if item not in instructions]
    return {
        "gen_ai.system_instructions": [part for item in instructions for part in _parts(item.parts)],
        "gen_ai.input.messages": _latest(list(_messages(others))),
        "gen_ai.tool.definitions": [definition for tool in request.tools if (definition := _tool(tool)) is not None],
    }


def _answered(known: Dialect, record: Record, pieces: Sequence[bytes]) -> dict[str, list[_Json]]:
    """The answer, as far as it was delivered."""
    parts = [part for message in _messages(_delivered(known, record, b"".join(pieces))) for part in message["parts"]]
    reason = record.stop_reason if record.stop_reason and record.error is None else "error" if record.error else "stop"
    return {"gen_ai.output.messages": [{"role": "assistant", "parts": parts, "finish_reason": reason}] if parts else []}


def _delivered(known: Dialect, record: Record, body: bytes) -> list[ir.Item]:
    fold, items = Fold(), list[ir.Item]()
    try:
        for event in play(known, body, stream=record.stream):
            item = fold.feed(event)
            if item is not None:
                items.append(item)
    except (GatewayError, WireError):
        # What cannot be read, as an error's body, is no answer; what came before it is.
        pass
    return [*items, *fold.cut()]


def _latest(messages: list[_Json]) -> list[_Json]:
    """The last of them, as many as there is room for."""
    left = MOST_BYTES
    for number, message in enumerate(reversed(messages)):
        left -= len(msgspec.json.encode(message))
        if left < 0:
            return messages[len(messages) - number :]
    return messages


def _messages(items: Iterable[ir.Item]) -> Iterator[_Json]:
    """One message for each turn: what the assistant thought, said and called belongs together."""
    message: _Json | None = None
    for item in items:
        write = _ITEMS.get(type(item))
        if write is None:
            continue
        role, parts = write(item)
        if not parts:
            continue
        if message is not None and message["role"] == role:
            message["parts"] += parts
            continue
        if message is not None:
            yield message
        message = {"role": role, "parts": parts}
    if message is not None:
        yield message


def _message(item: ir.Message) -> tuple[str, list[_Json]]:
    return item.role, _parts(item.parts)


def _reasoning(item: ir.Reasoning) -> tuple[str, list[_Json]]:
    return "assistant", [{"type": "reasoning", "content": text} for text in (*item.summary, *item.content)]


def _call(item: ir.Call) -> tuple[str, list[_Json]]:
    return "assistant", [{"type": "tool_call", "id": item.call_id, "name": item.name, "arguments": item.arguments}]


def _result(item: ir.Result) -> tuple[str, list[_Json]]:
    said = "".join([part.text for part in item.parts if isinstance(part, ir.Text)])
    others = _parts(part for part in item.parts if not isinstance(part, ir.Text))
    return "tool", [{"type": "tool_call_response", "id": item.call_id, "response": said}, *others]


def _parts(parts: Iterable[ir.Part]) -> list[_Json]:
    return [write(part) for part in parts if (write := _PARTS.get(type(part))) is not None]


def _text(part: ir.Text) -> _Json:
    return {"type": "text", "content": part.text}


def _media(modality: str) -> Callable[[Any], _Json]:
    """Media by where it is. What stands in the request itself is told by its type alone: a trace is no place for pictures."""

    def write(part: ir.Image | ir.File | ir.Audio) -> _Json:
        where = part.where
        if isinstance(where, ir.Url):
            return {"type": "uri", "modality": modality, "uri": where.url}
        if isinstance(where, ir.FileId):
            return {"type": "file", "modality": modality, "file_id": where.id}
        return {"type": "blob", "modality": modality, "mime_type": where.media_type, "content": ""}

    return write


def _tool(tool: ir.Tool) -> _Json | None:
    if not isinstance(tool, ir.FunctionTool | ir.CustomTool):
        return None
    parameters = tool.parameters if isinstance(tool, ir.FunctionTool) else None
    told = {"type": "function", "name": tool.name, "description": tool.description, "parameters": parameters}
    return {name: value for name, value in told.items() if value is not None}


_ITEMS: Mapping[type, Callable[[Any], tuple[str, list[_Json]]]] = {
    ir.Message: _message,
    ir.Reasoning: _reasoning,
    ir.Call: _call,
    ir.Result: _result,
}
_PARTS: Mapping[type, Callable[[Any], _Json]] = {
    ir.Text: _text,
    ir.Image: _media("image"),
    ir.File: _media("document"),
    ir.Audio: _media("audio"),
}
