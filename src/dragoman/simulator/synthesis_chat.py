"""Answers in the form of Chat Completions, written independently of the gateway's own writer.

Chunks follow https://platform.openai.com/docs/api-reference/chat-streaming and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from dragoman.simulator.performance import Beat, Dice, Said
from dragoman.simulator.reply import SAID, Compacted, Counted, Part, Reply, Search, Text, Thought, ToolUse, pieces
from dragoman.simulator.shapes import as_dict
from dragoman.simulator.stamp import Stamp
from dragoman.simulator.view import View


class Synthesis:
    """One answer: `stream` gives its chunks, `body` the whole reply. Use one of them, once."""

    def __init__(self, view: View, reply: Reply, usage: Counted | None, dice: Dice, stamp: Stamp) -> None:
        self._reply = reply
        self._usage = usage
        self._dice = dice
        options = as_dict(view.body.get("stream_options"))
        self._with_usage = options.get("include_usage") is True
        self._obfuscated = options.get("include_obfuscation") is not False
        self._beats: list[Beat] = []
        self._calls = 0
        self._said: Said = ""
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{dice.letters(29)}",
            "created": stamp.now_s,
            "model": reply.model or view.model,
            "service_tier": "default",
            "system_fingerprint": f"fp_{dice.hexadecimal(10)}",
        }

    def stream(self) -> list[Beat]:
        """Every chunk of the answer in order, `[DONE]` last."""
        self._chunk("opening", {"role": "assistant", "content": "" if self._has_text else None, "refusal": None})
        for part in self._reply.parts:
            self._said = SAID.get(type(part), "")
            self._PLAY[type(part)](self, part)
        self._said = ""
        self._chunk("end", {}, self._finish)
        if self._with_usage and self._usage is not None:
            self._write("end", [], self._usage_object())
        self._beats.append(Beat(b"data: [DONE]\n\n", "end"))
        return self._beats

    def body(self) -> bytes:
        """The whole reply as one JSON object."""
        text = "".join(map(_words, self._reply.parts))
        thoughts = "".join(part.text or part.summary for part in self._reply.parts if isinstance(part, Thought))
        calls = [self._call(part) for part in self._reply.parts if isinstance(part, ToolUse)]
        message: dict[str, Any] = {"role": "assistant", "content": text if self._has_text else None}
        if thoughts:
            message["reasoning_content"] = thoughts
        if calls:
            message["tool_calls"] = calls
        message |= {"refusal": None, "annotations": []}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        reply = {**self._head, "object": "chat.completion", "choices": [choice]}
        if self._usage is not None:
            reply["usage"] = self._usage_object()
        return msgspec.json.encode(reply)

    def failure(self, code: str, message: str, sent: int) -> list[Beat]:
        """The one chunk of an error inside a stream; nothing follows it."""
        error = {"message": message, "type": "server_error", "param": None, "code": code}
        return [Beat(b"data: " + msgspec.json.encode({"error": error}) + b"\n\n", "end")]

    @property
    def _has_text(self) -> bool:
        return any(isinstance(part, Text | Search) for part in self._reply.parts)

    @property
    def _finish(self) -> str:
        if self._reply.finish != "stop":
            return _FINISHES[self._reply.finish]
        return "tool_calls" if any(isinstance(part, ToolUse) for part in self._reply.parts) else "stop"

    def _play_text(self, part: Text) -> None:
        for piece in pieces(part.text, self._reply.pace):
            self._chunk("delta", {"content": piece})

    def _play_thought(self, part: Thought) -> None:
        # OpenAI shows no thoughts here; compatible providers do, most of them in this field.
        for piece in pieces(part.text or part.summary, self._reply.pace):
            self._chunk("delta", {"reasoning_content": piece})

    def _play_call(self, part: ToolUse) -> None:
        index = self._calls
        self._calls += 1
        whole = self._call(part)
        kind = whole["type"]
        field = _PAYLOAD[kind]
        opening = {"index": index, **whole, kind: {**whole[kind], field: ""}}
        self._chunk("event", {"tool_calls": [opening]})
        for piece in pieces(part.payload, self._reply.pace):
            self._chunk("delta", {"tool_calls": [{"index": index, kind: {field: piece}}]})

    def _play_search(self, part: Search) -> None:
        for piece in pieces(_words(part), self._reply.pace):
            self._chunk("delta", {"content": piece})

    def _play_compacted(self, part: Compacted) -> None:
        self._chunk("delta", {"content": part.summary})

    def _call(self, part: ToolUse) -> dict[str, Any]:
        kind = "custom" if part.kind == "custom" else "function"
        return {"id": f"call_{self._dice.letters(24)}", "type": kind, kind: {"name": part.name, _PAYLOAD[kind]: part.payload}}

    def _chunk(self, kind: Any, delta: dict[str, Any], finish: str | None = None) -> None:
        self._write(kind, [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], None)

    def _write(self, kind: Any, choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> None:
        chunk: dict[str, Any] = {**self._head, "object": "chat.completion.chunk", "choices": choices}
        if self._with_usage:
            chunk["usage"] = usage
        if self._obfuscated:
            chunk["obfuscation"] = self._dice.padding()
        self._beats.append(Beat(b"data: " + msgspec.json.encode(chunk) + b"\n\n", kind, self._said))

    def _usage_object(self) -> dict[str, Any] | None:
        usage = self._usage
        if usage is None:
            return None
        spared = {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
        return {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.total,
            "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning, **spared},
        }

    _PLAY: ClassVar[dict[type[Part], Callable[[Any, Any], None]]] = {
        Text: _play_text,
        Thought: _play_thought,
        ToolUse: _play_call,
        Search: _play_search,
        Compacted: _play_compacted,
    }


def _words(part: Part) -> str:
    if isinstance(part, Search):
        return " ".join(one.text for one in part.found)
    return part.text if isinstance(part, Text) else ""


_FINISHES = {
    "length": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "context_window": "length",
    "malformed_call": "stop",
}
_PAYLOAD = {"function": "arguments", "custom": "input"}
