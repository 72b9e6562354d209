"""Answers in the form of Anthropic Messages, written independently of the gateway's own writer.

Events, their order and their fields follow https://docs.claude.com/en/docs/build-with-claude/streaming and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from dragoman.simulator.claude import Claude, claude, is_thinking, shows_thoughts
from dragoman.simulator.performance import Beat, Dice, Said
from dragoman.simulator.reply import Compacted, Counted, Part, Reply, Search, Text, Thought, ToolUse, pieces
from dragoman.simulator.shapes import as_dict
from dragoman.simulator.stamp import Stamp
from dragoman.simulator.view import View

Block = dict[str, Any]


class Synthesis:
    """One answer: `stream` gives its events, `body` the whole reply. Use one of them, once."""

    def __init__(self, view: View, reply: Reply, usage: Counted | None, dice: Dice, stamp: Stamp) -> None:
        self._view = view
        self._reply = reply
        self._usage = usage
        self._dice = dice
        self._stamp = stamp
        self._claude: Claude = claude(view.model)
        self._beats: list[Beat] = []
        self._said: Said = ""
        self._id = f"msg_01{dice.letters(22)}"

    def stream(self) -> list[Beat]:
        """Every event of the answer in order."""
        head = {**self._message([], None), "usage": self._opening_usage()}
        self._emit("message_start", "opening", message=head)
        for index, block in enumerate(self._blocks()):
            self._play(index, block)
            if index == 0:
                self._beats.insert(2, Beat(_PING, "opening"))
        delta = {"stop_reason": self._stop_reason, "stop_sequence": None, "stop_details": self._stop_details}
        self._emit("message_delta", "end", delta=delta, usage=self._closing_usage(), **self._stamp.transformations)
        self._emit("message_stop", "end")
        return self._beats

    def body(self) -> bytes:
        """The whole reply as one JSON object."""
        message = self._message(list(self._blocks()), self._stop_reason)
        return msgspec.json.encode({**message, "usage": self._whole_usage(), **self._stamp.transformations})

    def failure(self, code: str, message: str, sent: int) -> list[Beat]:
        """The one event of an error inside a stream; nothing follows it."""
        kind = code if code.endswith("_error") else _ERROR_KINDS.get(code, "api_error")
        self._beats = []
        self._emit("error", "end", error={"type": kind, "message": message}, request_id=f"req_011C{self._dice.letters(20)}")
        return self._beats

    def _play(self, index: int, block: Block) -> None:
        kind = str(block["type"])
        self._said = _SAID.get(kind, "")
        opened, deltas = _DELTAS.get(kind, _whole)(self, block)
        self._emit("content_block_start", index=index, content_block=opened)
        for delta in deltas:
            self._emit("content_block_delta", "delta", index=index, delta=delta)
        self._emit("content_block_stop", index=index)
        self._said = ""

    def text_deltas(self, block: Block) -> tuple[Block, Iterable[Block]]:
        """A text block opens empty; its citations follow its words."""
        words = ({"type": "text_delta", "text": piece} for piece in pieces(block["text"], self._reply.pace))
        cited = ({"type": "citations_delta", "citation": one} for one in block.get("citations") or ())
        opened: Block = {"type": "text", "text": ""}
        if "citations" in block:
            opened["citations"] = []
        return opened, (*words, *cited)

    def thinking_deltas(self, block: Block) -> tuple[Block, Iterable[Block]]:
        """The signature comes last, in one piece."""
        words = ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], self._reply.pace))
        return {**block, "thinking": "", "signature": ""}, (*words, {"type": "signature_delta", "signature": block["signature"]})

    def input_deltas(self, block: Block) -> tuple[Block, Iterable[Block]]:
        """The first piece of JSON is an empty one; a call without arguments has no other."""
        payload = msgspec.json.encode(block["input"]).decode() if block["input"] else ""
        parts = ("", *pieces(payload, self._reply.pace))
        return {**block, "input": {}}, ({"type": "input_json_delta", "partial_json": piece} for piece in parts)

    def _blocks(self) -> Iterable[Block]:
        parts = self._reply.parts
        if as_dict(self._view.body.get("thinking")).get("type") == "enabled" and not self._view.rounds:
            # In the manual mode every turn begins with a thought.
            parts = parts if parts and isinstance(parts[0], Thought) else (_OPENING, *parts)
        for part in parts:
            yield from self._BLOCKS[type(part)](self, part)

    def _text(self, part: Text) -> Iterable[Block]:
        if self._claude.narrates_in_thoughts and part.commentary:
            yield self._thinking(part.text)
        elif part.text:
            yield {"type": "text", "text": part.text}

    def _thought(self, part: Thought) -> Iterable[Block]:
        if not is_thinking(self._view):
            return
        if part.redacted:
            yield {"type": "redacted_thinking", "data": self._stamp.redacted(part.text or part.summary)}
        else:
            yield self._thinking(part.text or part.summary)

    def _thinking(self, text: str) -> Block:
        shown = text if shows_thoughts(self._view) else ""
        return {"type": "thinking", "thinking": shown, "signature": self._stamp.signature(shown)}

    def _call(self, part: ToolUse) -> Iterable[Block]:
        name = part.name if part.namespace is None else f"{part.namespace}__{part.name}"
        call = {"type": "tool_use", "id": f"toolu_01{self._dice.letters(22)}", "name": name, "input": _arguments(part.payload)}
        yield {**call, "caller": {"type": "direct"}}

    def _search(self, part: Search) -> Iterable[Block]:
        call_id = f"srvtoolu_01{self._dice.letters(22)}"
        yield {"type": "server_tool_use", "id": call_id, "name": "web_search", "input": {"query": part.query}}
        found = [
            {
                "type": "web_search_result",
                "title": one.title,
                "url": one.url,
                "encrypted_content": self._stamp.opaque(f"{one.url} {one.text}"),
                "page_age": None,
            }
            for one in part.found
        ]
        yield {"type": "web_search_tool_result", "tool_use_id": call_id, "content": found, "caller": {"type": "direct"}}
        for one in part.found:
            index = self._stamp.opaque(one.url)
            cited = {"type": "web_search_result_location", "cited_text": one.text, "url": one.url, "title": one.title}
            yield {"type": "text", "text": one.text, "citations": [{**cited, "encrypted_index": index}]}

    def _compacted(self, part: Compacted) -> Iterable[Block]:
        yield {"type": "text", "text": part.summary}

    @property
    def _stop_reason(self) -> str:
        if self._reply.finish != "stop":
            return _STOPS[self._reply.finish]
        return "tool_use" if any(isinstance(part, ToolUse) for part in self._reply.parts) else "end_turn"

    @property
    def _stop_details(self) -> Block | None:
        if self._stop_reason != "refusal":
            return None
        told = "This request was declined because it may violate the usage policy."
        return {"type": "refusal", "category": "cyber", "explanation": told}

    def _message(self, content: list[Block], stop_reason: str | None) -> Block:
        return {
            "model": self._reply.model or self._view.model,
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "stop_details": self._stop_details if stop_reason else None,
        }

    def _input_usage(self) -> Block:
        usage = self._usage or Counted(0, 0, 0, 0)
        return {
            "input_tokens": usage.input - usage.cached - usage.written,
            "cache_creation_input_tokens": usage.written,
            "cache_read_input_tokens": usage.cached,
        }

    def _opening_usage(self) -> Block:
        written = self._usage.written if self._usage else 0
        created = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
        output = min(self._usage.output if self._usage else 1, 8)
        extra = {"output_tokens": output, "service_tier": "standard", "inference_geo": "not_available"}
        return {**self._input_usage(), "cache_creation": created, **extra}

    def _closing_usage(self) -> Block:
        usage = self._usage or Counted(0, 0, 0, 0)
        spent = {"output_tokens": usage.output, "output_tokens_details": {"thinking_tokens": usage.reasoning}}
        searches = sum(isinstance(part, Search) for part in self._reply.parts)
        served = {"server_tool_use": {"web_search_requests": searches, "web_fetch_requests": 0}} if searches else {}
        return {**self._input_usage(), **spent, **served}

    def _whole_usage(self) -> Block:
        return {**self._opening_usage(), **self._closing_usage()}

    def _emit(self, event: str, kind: Any = "event", /, **fields: Any) -> None:
        data = msgspec.json.encode({"type": event, **fields})
        self._beats.append(Beat(b"event: " + event.encode() + b"\ndata: " + data + b"\n\n", kind, self._said))

    _BLOCKS: ClassVar[dict[type[Part], Callable[[Any, Any], Iterable[Block]]]] = {
        Text: _text,
        Thought: _thought,
        ToolUse: _call,
        Search: _search,
        Compacted: _compacted,
    }


def _whole(_synthesis: Synthesis, block: Block) -> tuple[Block, Iterable[Block]]:
    """Blocks that come complete when they open."""
    return block, ()


def _arguments(payload: str) -> Any:
    try:
        return msgspec.json.decode(payload) if payload else {}
    except msgspec.DecodeError:
        return {"input": payload}


_OPENING = Thought("Let me see.")
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_DELTAS: dict[str, Callable[[Synthesis, Block], tuple[Block, Iterable[Block]]]] = {
    "text": Synthesis.text_deltas,
    "thinking": Synthesis.thinking_deltas,
    "tool_use": Synthesis.input_deltas,
    "server_tool_use": Synthesis.input_deltas,
}
_STOPS = {
    "length": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "context_window": "model_context_window_exceeded",
    "malformed_call": "end_turn",
}
_ERROR_KINDS = {"server_error": "api_error", "overloaded": "overloaded_error", "server_is_overloaded": "overloaded_error"} | {
    "rate_limit_exceeded": "rate_limit_error",
    "rate_limit": "rate_limit_error",
    "invalid_prompt": "invalid_request_error",
}
_SAID: dict[str, Said] = {"text": "text", "thinking": "thought", "redacted_thinking": "thought", "tool_use": "call"}
