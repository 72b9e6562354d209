"""Answers in the form of the Responses API, written independently of the gateway's own writer.

Events, their order and their fields follow https://platform.openai.com/docs/api-reference/responses-streaming and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from dragoman.simulator.performance import Beat, Dice, Said
from dragoman.simulator.reply import SAID, Compacted, Counted, Found, Part, Reply, Search, Text, Thought, ToolUse, pieces
from dragoman.simulator.shapes import as_dict, as_list
from dragoman.simulator.stamp import Stamp
from dragoman.simulator.view import View


class _Cited(Text, frozen=True):
    """Words that name the pages they were taken from."""

    found: tuple[Found, ...] = ()


class Synthesis:
    """One answer: `stream` gives its events, `body` the whole reply. Use one of them, once."""

    def __init__(self, view: View, reply: Reply, usage: Counted | None, dice: Dice, stamp: Stamp) -> None:
        self._view = view
        self._reply = reply
        self._usage = usage
        self._dice = dice
        self._now_s = stamp.now_s
        self._stamp = stamp
        self._tail = dice.hexadecimal(32)
        self._number = 0
        self._beats: list[Beat] = []
        options = as_dict(view.body.get("stream_options"))
        self._obfuscated = options.get("include_obfuscation") is not False
        self._parts = tuple(one for part in reply.parts for one in _split(part))
        self._id = self._new_id("resp")
        self._said: Said = ""

    def stream(self) -> list[Beat]:
        """Every event of the answer in order."""
        self._emit("response.created", "opening", response=self._response("in_progress", []))
        self._emit("response.in_progress", "opening", response=self._response("in_progress", []))
        output = [self._play(index, part) for index, part in enumerate(self._parts)]
        status = self._status
        self._emit(f"response.{status}", "end", response=self._response(status, output))
        return self._beats

    def body(self) -> bytes:
        """The whole reply as one JSON object."""
        return msgspec.json.encode(self._response(self._status, [self._item(part) for part in self._parts]))

    def failure(self, code: str, message: str, sent: int) -> list[Beat]:
        """The events of an error inside a stream after so many events: `error`, then `response.failed`."""
        self._beats = []
        self._number = sent
        error = {"type": "server_error", "code": code, "message": message, "param": None}
        self._emit("error", "end", error=error)
        failed = {**self._response("failed", []), "error": {"code": code, "message": message}}
        self._emit("response.failed", "end", response=failed)
        return self._beats

    @property
    def _status(self) -> str:
        return "incomplete" if self._reply.finish in _INCOMPLETE else "completed"

    def _play(self, index: int, part: Part) -> dict[str, Any]:
        item = self._item(part)
        self._said = "text" if isinstance(part, _Cited) else SAID.get(type(part), "")
        self._PLAY[type(part)](self, index, part, item)
        self._emit("response.output_item.done", output_index=index, item=item)
        self._said = ""
        return item

    def _play_text(self, index: int, part: Text, item: dict[str, Any]) -> None:
        where = {"item_id": item["id"], "output_index": index, "content_index": 0}
        self._emit("response.output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []})
        self._emit("response.content_part.added", **where, part={**_OUTPUT_TEXT, "text": ""})
        for piece in pieces(part.text, self._reply.pace):
            self._delta("response.output_text.delta", **where, delta=piece, logprobs=[])
        for number, annotation in enumerate(_annotations(part).get("annotations", ())):
            self._emit("response.output_text.annotation.added", **where, annotation_index=number, annotation=annotation)
        self._emit("response.output_text.done", **where, text=part.text, logprobs=[])
        self._emit("response.content_part.done", **where, part={**_OUTPUT_TEXT, **_annotations(part), "text": part.text})

    def _play_thought(self, index: int, part: Thought, item: dict[str, Any]) -> None:
        self._emit("response.output_item.added", output_index=index, item={**item, "summary": [], **({"content": []} if part.text else {})})
        if part.summary:
            self._play_summary({"item_id": item["id"], "output_index": index, "summary_index": 0}, part.summary)
        if part.text:
            where = {"item_id": item["id"], "output_index": index, "content_index": 0}
            for piece in pieces(part.text, self._reply.pace):
                self._delta("response.reasoning_text.delta", **where, delta=piece)
            self._emit("response.reasoning_text.done", **where, text=part.text)

    def _play_summary(self, where: dict[str, Any], summary: str) -> None:
        self._emit("response.reasoning_summary_part.added", **where, part={"type": "summary_text", "text": ""})
        for piece in pieces(summary, self._reply.pace):
            self._delta("response.reasoning_summary_text.delta", **where, delta=piece)
        self._emit("response.reasoning_summary_text.done", **where, text=summary)
        self._emit("response.reasoning_summary_part.done", **where, part={"type": "summary_text", "text": summary})

    def _play_call(self, index: int, part: ToolUse, item: dict[str, Any]) -> None:
        if part.kind == "tool_search":
            self._emit("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
            return
        field, event = _CALLS[part.kind]
        where = {"item_id": item["id"], "output_index": index}
        self._emit("response.output_item.added", output_index=index, item={**item, "status": "in_progress", field: ""})
        for piece in pieces(part.payload, self._reply.pace):
            self._delta(f"response.{event}.delta", **where, delta=piece)
        self._emit(f"response.{event}.done", **where, **{field: part.payload})

    def _play_search(self, index: int, part: Search, item: dict[str, Any]) -> None:
        where = {"item_id": item["id"], "output_index": index}
        begun = {name: value for name, value in item.items() if name != "action"}
        self._emit("response.output_item.added", output_index=index, item={**begun, "status": "in_progress"})
        for stage in ("in_progress", "searching", "completed"):
            self._emit(f"response.web_search_call.{stage}", **where)

    def _play_compacted(self, index: int, part: Compacted, item: dict[str, Any]) -> None:
        self._emit("response.output_item.added", output_index=index, item=item)

    def _item(self, part: Part) -> dict[str, Any]:
        return self._ITEM[type(part)](self, part)

    def _text_item(self, part: Text) -> dict[str, Any]:
        phase = "commentary" if part.commentary else "final_answer"
        content = [{**_OUTPUT_TEXT, **_annotations(part), "text": part.text}]
        is_whole = self._status == "completed" or part is not self._parts[-1]
        status = "completed" if is_whole else "incomplete"
        return {"id": self._new_id("msg"), "type": "message", "status": status, "role": "assistant", "phase": phase, "content": content}

    def _thought_item(self, part: Thought) -> dict[str, Any]:
        item: dict[str, Any] = {"id": self._new_id("rs"), "type": "reasoning"}
        item["summary"] = [{"type": "summary_text", "text": part.summary}] if part.summary else []
        if part.text:
            item["content"] = [{"type": "reasoning_text", "text": part.text}]
        if self._wants_encrypted:
            item["encrypted_content"] = part.encrypted or self._stamp.reasoning(part.text or part.summary)
        return item

    def _call_item(self, part: ToolUse) -> dict[str, Any]:
        call_id = f"call_{self._dice.letters(24)}"
        if part.kind == "tool_search":
            arguments: Any = msgspec.json.decode(part.payload)
            form = {"type": "tool_search_call", "status": "completed", "execution": "client", "arguments": arguments}
            return {"id": self._new_id("tsc"), **form, "call_id": call_id}
        field, _ = _CALLS[part.kind]
        prefix, kind = ("fc", "function_call") if part.kind == "function" else ("ctc", "custom_tool_call")
        item = {"id": self._new_id(prefix), "type": kind, "status": "completed", field: part.payload, "call_id": call_id, "name": part.name}
        return item if part.namespace is None else {**item, "namespace": part.namespace}

    def _search_item(self, part: Search) -> dict[str, Any]:
        action = {"type": "search", "query": part.query, "queries": [part.query]}
        return {"id": self._new_id("ws"), "type": "web_search_call", "status": "completed", "action": action}

    def _compacted_item(self, part: Compacted) -> dict[str, Any]:
        return {"id": self._new_id("cmp"), "type": "compaction", "encrypted_content": self._stamp.compaction(part.summary)}

    @property
    def _wants_encrypted(self) -> bool:
        return "reasoning.encrypted_content" in as_list(self._view.body.get("include"))

    def _response(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        body = self._view.body
        text = as_dict(body.get("text"))
        reasoning = as_dict(body.get("reasoning"))
        over = status in ("completed", "incomplete")
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._now_s,
            "status": status,
            "background": False,
            "completed_at": self._now_s if status == "completed" else None,
            "error": None,
            "frequency_penalty": 0.0,
            "incomplete_details": {"reason": _INCOMPLETE[self._reply.finish]} if status == "incomplete" else None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": body.get("max_tool_calls"),
            "model": self._reply.model or self._view.model,
            "moderation": None,
            "output": output,
            "parallel_tool_calls": self._view.parallel,
            "presence_penalty": 0.0,
            "previous_response_id": body.get("previous_response_id"),
            "prompt_cache_key": body.get("prompt_cache_key"),
            "prompt_cache_retention": body.get("prompt_cache_retention"),
            "reasoning": {"effort": reasoning.get("effort", "medium"), "summary": _summary_kind(reasoning.get("summary"))},
            "safety_identifier": body.get("safety_identifier"),
            "service_tier": "default" if over else body.get("service_tier", "auto"),
            "store": body.get("store") is not False,
            "temperature": _or(body.get("temperature"), 1.0),
            "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity", "medium")},
            "tool_choice": _or(body.get("tool_choice"), "auto"),
            "tools": body.get("tools") or [],
            "top_logprobs": 0,
            "top_p": _or(body.get("top_p"), 1.0),
            "truncation": "disabled",
            "usage": self._usage_object() if over else None,
            "user": body.get("user"),
            "metadata": body.get("metadata") or {},
        }

    def _usage_object(self) -> dict[str, Any] | None:
        usage = self._usage
        if usage is None:
            return None
        return {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.written},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.total,
        }

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_{self._dice.hexadecimal(18)}{self._tail}"

    def _delta(self, event: str, /, **fields: Any) -> None:
        if self._obfuscated:
            fields["obfuscation"] = self._dice.padding()
        self._emit(event, "delta", **fields)

    def _emit(self, event: str, kind: Any = "event", /, **fields: Any) -> None:
        data = msgspec.json.encode({"type": event, "sequence_number": self._number, **fields})
        self._number += 1
        self._beats.append(Beat(b"event: " + event.encode() + b"\ndata: " + data + b"\n\n", kind, self._said))

    _PLAY: ClassVar[dict[type, Callable[[Any, int, Any, dict[str, Any]], None]]] = {
        Text: _play_text,
        _Cited: _play_text,
        Thought: _play_thought,
        ToolUse: _play_call,
        Search: _play_search,
        Compacted: _play_compacted,
    }
    _ITEM: ClassVar[dict[type, Callable[[Any, Any], dict[str, Any]]]] = {
        Text: _text_item,
        _Cited: _text_item,
        Thought: _thought_item,
        ToolUse: _call_item,
        Search: _search_item,
        Compacted: _compacted_item,
    }


def _split(part: Part) -> tuple[Part, ...]:
    """A search is an item of its own, and its words another."""
    if not isinstance(part, Search):
        return (part,)
    return part, _Cited(" ".join(one.text for one in part.found), found=part.found)


def _annotations(part: Text) -> dict[str, Any]:
    """Where in the words, counted in characters, each page is used."""
    if not isinstance(part, _Cited):
        return {}
    made: list[dict[str, Any]] = []
    start = 0
    for one in part.found:
        end = start + len(one.text)
        made.append({"type": "url_citation", "start_index": start, "end_index": end, "url": one.url, "title": one.title})
        start = end + 1
    return {"annotations": made}


def _summary_kind(asked: Any) -> str | None:
    return "detailed" if asked == "auto" else asked


def _or(value: Any, fallback: Any) -> Any:
    return fallback if value is None else value


_OUTPUT_TEXT: dict[str, Any] = {"type": "output_text", "annotations": [], "logprobs": []}
_CALLS = {"function": ("arguments", "function_call_arguments"), "custom": ("input", "custom_tool_call_input")}
_INCOMPLETE = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}
