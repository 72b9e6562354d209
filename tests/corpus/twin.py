"""A stream and the whole reply that says the same give the same reply. The whole is made of the stream's own frames, the way that the
API's documentation says to put them together, without any code of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.corpus.difference import differences
from tests.corpus.exchange import Exchange
from tests.corpus.meaning import of_reply
from tests.corpus.reading import fold, read_stream, read_whole

from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev

Json = dict[str, Any]


def twins_agree(exchange: Exchange) -> Iterator[str]:
    """The stream's reply is its whole twin's."""
    if exchange.stream is None:
        return
    spoken = dialect(exchange.dialect)
    events = read_stream(spoken, exchange.stream)
    if not isinstance(events[-1], ev.Ended):
        return
    framer = spoken.framer()
    frames = [frame.data for frame in (*framer.feed(exchange.stream), *framer.close()) if frame.data != b"[DONE]"]
    try:
        whole = _TOGETHER[exchange.dialect]([json.loads(data) for data in frames])
    except json.JSONDecodeError:
        return  # arguments that a limit cut short: no whole reply can say them
    told, twin = fold(events), fold(read_whole(spoken, json.dumps(whole).encode()))
    for line in differences(of_reply(twin, exchange.dialect), of_reply(told, exchange.dialect)):
        yield f"the whole twin's {line}"


def _responses(frames: list[Json]) -> Json:
    """https://platform.openai.com/docs/api-reference/responses-streaming: the last event bears it, but some servers leave the items out."""
    last = frames[-1]["response"]
    done = {frame["output_index"]: frame["item"] for frame in frames if frame["type"] == "response.output_item.done"}
    return last if last.get("output") else {**last, "output": [done[at] for at in sorted(done)]}


def _messages(frames: list[Json]) -> Json:
    """https://platform.claude.com/docs/en/build-with-claude/streaming"""
    message: Json = {}
    texts: dict[int, str] = {}
    for frame in frames:
        kind = frame["type"]
        if kind == "message_start":
            message = frame["message"]
        elif kind == "content_block_start":
            message["content"].append(frame["content_block"])
        elif kind == "content_block_delta":
            block, delta = message["content"][frame["index"]], frame["delta"]
            field = _DELTAS.get(delta["type"])
            if field is not None:
                block[field] = block.get(field, "") + delta[field]
            elif delta["type"] == "input_json_delta":
                texts[frame["index"]] = texts.get(frame["index"], "") + delta["partial_json"]
        elif kind == "message_delta":
            message.update(frame["delta"])
            message["usage"] = {**message["usage"], **{name: count for name, count in frame.get("usage", {}).items() if count is not None}}
    for index, text in texts.items():
        if text:
            message["content"][index]["input"] = json.loads(text)
    return message


_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def _generate(frames: list[Json]) -> list[Json]:
    """A stream without `alt=sse` is a JSON array of the same chunks."""
    return frames


def _chat(frames: list[Json]) -> Json:
    """https://platform.openai.com/docs/api-reference/chat/streaming, with the fields that compatible servers add."""
    whole: Json = {**frames[0], "object": "chat.completion", "choices": []}
    choices: dict[int, Json] = {}
    for frame in frames:
        if frame.get("usage") or frame.get("x_groq", {}).get("usage"):
            whole["usage"] = frame.get("usage") or frame["x_groq"]["usage"]
        whole.update({name: frame[name] for name in ("id", "model", "created") if frame.get(name)})
        for piece in frame.get("choices", ()):
            index = piece.get("index", 0)
            choice = choices.setdefault(index, {"index": index, "message": {"role": "assistant", "content": None}, "finish_reason": None})
            choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]
            _add(choice["message"], piece.get("delta") or piece.get("message") or {})
    return {**whole, "choices": [choices[at] for at in sorted(choices)]}


def _add(message: Json, delta: Json) -> None:
    for field, value in delta.items():
        if isinstance(value, str) and field != "role":
            known = message.get(field) or ""
            message[field] = [*known, {"type": "text", "text": value}] if isinstance(known, list) else known + value
        elif field == "audio" and isinstance(value, dict):
            known = message.setdefault("audio", {})
            known |= {name: known.get(name, "") + part if name in _PIECES else part for name, part in value.items()}
        elif field == "tool_calls":
            for call in value or ():
                _add_call(message.setdefault("tool_calls", []), call)
        elif isinstance(value, list) and value:
            message[field] = [*message.get(field, []), *value] if isinstance(message.get(field, []), list) else value


_PIECES = frozenset({"data", "transcript"})
"""What of sound comes piece by piece."""


def _add_call(calls: list[Json], call: Json) -> None:
    """By index; without one, whoever has an id is another call."""
    index = call.get("index")
    known = next((each for each in calls if index is not None and each["index"] == index), None)
    if known is None or (call.get("id") and known.get("id") and call["id"] != known["id"]):
        calls.append({**call, "index": index})
        return
    for kind, field in (("function", "arguments"), ("custom", "input")):
        said, more = known.get(kind) or {}, call.get(kind) or {}
        if said or more:
            known[kind] = {**said, "name": said.get("name") or more.get("name"), field: (said.get(field) or "") + (more.get(field) or "")}


_TOGETHER: dict[str, Callable[[list[Json]], Any]] = {
    "responses": _responses,
    "chat": _chat,
    "messages": _messages,
    "generate": _generate,
}
