"""What one streamed event costs in the translators alone: no sockets, one process, the best of several rounds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.bodies import body
from dragoman.dialects.contract import Call, Dialect, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.events import Event
from dragoman.wire.frame import Frame

_DELTAS = 400
_ROUNDS = 7
_ROUND_S = 0.1
_WORDS = ("The ", "quick ", "brown ", 'f"ox" ', "jümps ", "over\n", "the ", "lazy ", "dog", ". ")


def costs() -> list[tuple[str, float]]:
    """(what, microseconds an event), for each dialect and each pair of them. An event is one frame of the provider's stream."""
    found: list[tuple[str, float]] = []
    for upstream, chunks in STREAMS.items():
        read = dialect(upstream)
        frames = [frame for chunk in chunks for frame in read.framer().feed(chunk)]
        events = _events(read, frames)
        found.append((f"split the stream, {upstream}", _cost(lambda read=read, chunks=chunks: _split(read, chunks), len(chunks))))
        found.append((f"read, {upstream}", _cost(lambda read=read, frames=frames: _events(read, frames), len(frames))))
        found.append((f"tap of the relay lane, {upstream}", _cost(lambda read=read, chunks=chunks: _tap(read, chunks), len(chunks))))
        for client in STREAMS:
            write = _writing(client)
            found.append((f"write, {upstream} events as {client}", _cost(lambda write=write, events=events: write(events), len(events))))
            carry = _carrying(read, client)
            found.append((f"whole lane, {upstream} to {client}", _cost(lambda carry=carry, chunks=chunks: carry(chunks), len(chunks))))
    return found


def _cost(work: Callable[[], object], count: int) -> float:
    work()
    return min(_round(work) for _ in range(_ROUNDS)) / count * 1e6


def _round(work: Callable[[], object]) -> float:
    began_s, times = time.process_time(), 0
    while (spent_s := time.process_time() - began_s) < _ROUND_S:
        work()
        times += 1
    return spent_s / times


def _split(read: Dialect, chunks: list[bytes]) -> None:
    framer = read.framer()
    for chunk in chunks:
        framer.feed(chunk)


def _events(read: Dialect, frames: list[Frame]) -> list[Event]:
    reader = read.reader(Quirks())
    events = [event for frame in frames for event in reader.feed(frame)]
    return [*events, *reader.close()]


def _tap(read: Dialect, chunks: list[bytes]) -> None:
    tap = read.tap()
    for chunk in chunks:
        tap.feed(chunk)


def _writing(client: str) -> Callable[[list[Event]], object]:
    asked = _asked(client)

    def write(events: list[Event]) -> object:
        writer = dialect(client).writer(asked)
        return [writer.feed(event) for event in events]

    return write


def _carrying(read: Dialect, client: str) -> Callable[[list[bytes]], object]:
    """The translate lane's loop, as in core/translate.py."""
    asked = _asked(client)

    def carry(chunks: list[bytes]) -> object:
        framer, reader, writer = read.framer(), read.reader(Quirks()), dialect(client).writer(asked)
        return [b"".join([writer.feed(event) for frame in framer.feed(chunk) for event in reader.feed(frame)]) for chunk in chunks]

    return carry


def _asked(client: str) -> Any:
    spoken = dialect(client)
    return spoken.read_request(Call(spoken.path, body(client, "60k", "bench", stream=True)))


# ---- the providers' streams: words, then the arguments of a call ------------------------------------------------------------


def _chat_stream() -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _sse({**head, "choices": [choice]})

    head: dict[str, Any] = {
        "id": "chatcmpl-B1",
        "object": "chat.completion.chunk",
        "created": 1763725000,
        "model": "bench",
        "service_tier": "default",
    }
    yield chunk({"role": "assistant", "content": ""})
    yield from (chunk({"content": _WORDS[number % len(_WORDS)]}) for number in range(_DELTAS))
    yield chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "tool_0", "arguments": ""}}]})
    yield from (chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in _arguments())
    yield chunk({}, "tool_calls")
    yield _sse({**head, "choices": [], "usage": {"prompt_tokens": 1200, "completion_tokens": 500, "total_tokens": 1700}})
    yield b"data: [DONE]\n\n"


def _responses_stream() -> Iterator[bytes]:
    number = iter(range(1_000_000))

    def event(kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\n".encode() + _sse({"type": kind, "sequence_number": next(number), **fields})

    head: dict[str, Any] = {"id": "resp_1", "object": "response", "created_at": 1763725000, "model": "bench", "error": None, "metadata": {}}
    text = "".join(_WORDS[number % len(_WORDS)] for number in range(_DELTAS))
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    call: dict[str, Any] = {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "name": "tool_0",
        "call_id": "call_1",
        "arguments": "".join(_arguments()),
    }
    usage = {
        "input_tokens": 1200,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 500,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1700,
    }
    yield event("response.created", response={**head, "status": "in_progress", "output": [], "usage": None})
    yield event("response.in_progress", response={**head, "status": "in_progress", "output": [], "usage": None})
    yield event("response.output_item.added", output_index=0, item={**message, "status": "in_progress", "content": []})
    place: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    yield event("response.content_part.added", **place, part={**part, "text": ""})
    yield from (event("response.output_text.delta", **place, delta=_WORDS[number % len(_WORDS)], logprobs=[]) for number in range(_DELTAS))
    yield event("response.output_text.done", **place, text=text, logprobs=[])
    yield event("response.content_part.done", **place, part=part)
    yield event("response.output_item.done", output_index=0, item=message)
    yield event("response.output_item.added", output_index=1, item={**call, "status": "in_progress", "arguments": ""})
    yield from (event("response.function_call_arguments.delta", item_id="fc_1", output_index=1, delta=piece) for piece in _arguments())
    yield event("response.function_call_arguments.done", item_id="fc_1", output_index=1, arguments=call["arguments"])
    yield event("response.output_item.done", output_index=1, item=call)
    yield event("response.completed", response={**head, "status": "completed", "output": [message, call], "usage": usage})


def _arguments() -> list[str]:
    text = json.dumps({f"arg_{number}": "a value of some length" for number in range(12)})
    return [text[at : at + 6] for at in range(0, len(text), 6)]


def _sse(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


STREAMS: dict[str, list[bytes]] = {"chat": list(_chat_stream()), "responses": list(_responses_stream())}
