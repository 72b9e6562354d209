"""Answers in the form of Gemini's generateContent, written independently of the gateway's own writer.

Chunks follow https://ai.google.dev/api/generate-content and recorded traffic: no event names, no end marker, calls in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from dragoman.simulator.gemini import gemini
from dragoman.simulator.performance import Beat, Dice, Said
from dragoman.simulator.reply import SAID, Compacted, Counted, Part, Reply, Search, Text, Thought, ToolUse, pieces
from dragoman.simulator.shapes import as_dict
from dragoman.simulator.stamp import Stamp
from dragoman.simulator.thought_signatures import call_words
from dragoman.simulator.view import View
from dragoman.simulator.view_generate import either

Json = dict[str, Any]


class Synthesis:
    """One answer: `stream` gives its chunks, `body` the whole reply. Use one of them, once."""

    def __init__(self, view: View, reply: Reply, usage: Counted | None, dice: Dice, stamp: Stamp) -> None:
        self._view = view
        self._reply = reply
        self._usage = usage
        self._dice = dice
        self._stamp = stamp
        self._gemini = gemini(view.model)
        config = as_dict(either(as_dict(either(view.body, "generationConfig")), "thinkingConfig"))
        self._with_thoughts = either(config, "includeThoughts") is True
        self._thinks = self._gemini.thinks and either(config, "thinkingBudget") != 0
        self._is_signed = False
        self._id = dice.letters(23)

    def stream(self) -> list[Beat]:
        """Every chunk of the answer in order: SSE, or the elements of one array."""
        chunks: list[tuple[Any, Json, Said]] = []
        for part in self._reply.parts:
            chunks.extend(("delta", self._chunk([one]), SAID.get(type(part), "")) for one in self._deltas(part))
        last: Json = {"text": ""}
        if not self._has_calls and self._signs_text:
            last["thoughtSignature"] = self._stamp.thought("")
        chunks.append(("end", self._chunk([last], self._finish), ""))
        return _as_array(chunks) if self._view.array else [_as_event(*chunk) for chunk in chunks]

    def body(self) -> bytes:
        """The whole reply as one JSON object."""
        parts = [one for part in self._reply.parts for one in self._PARTS[type(part)](self, part)]
        words = [one for one in parts if "text" in one and "thought" not in one]
        if words and not self._has_calls and self._signs_text:
            words[-1]["thoughtSignature"] = self._stamp.thought(words[-1]["text"])
        return msgspec.json.encode(self._chunk(parts, self._finish))

    def failure(self, code: str, message: str, sent: int) -> list[Beat]:
        """The one chunk of an error inside a stream; nothing follows it."""
        status = code if code.isupper() else "INTERNAL"
        error: Json = {"error": {"code": _CODES.get(status, 500), "message": message, "status": status}}
        if self._view.array:
            return [Beat(b",\r\n" + msgspec.json.encode(error) + b"]", "end")]
        return [_as_event("end", error)]

    @property
    def _has_calls(self) -> bool:
        return any(isinstance(part, ToolUse) for part in self._reply.parts)

    @property
    def _signs_text(self) -> bool:
        return self._thinks and (self._gemini.demands_signatures or bool(self._view.tools))

    @property
    def _finish(self) -> str:
        # A call ends the turn with STOP like any other answer.
        return _FINISHES[self._reply.finish]

    def _deltas(self, part: Part) -> Iterable[Json]:
        for whole in self._PARTS[type(part)](self, part):
            if "text" not in whole:
                yield whole
                continue
            for piece in pieces(whole["text"], self._reply.pace):
                yield {**whole, "text": piece}

    def _text(self, part: Text) -> Iterable[Json]:
        yield {"text": part.text}

    def _thought(self, part: Thought) -> Iterable[Json]:
        if self._with_thoughts and self._thinks and not part.redacted:
            yield {"text": part.summary or part.text, "thought": True}

    def _call(self, part: ToolUse) -> Iterable[Json]:
        name = part.name if part.namespace is None else f"{part.namespace}__{part.name}"
        call: Json = {"name": name, "args": _arguments(part.payload)}
        if self._gemini.names_calls:
            call["id"] = self._dice.letters(8).lower()
        whole: Json = {"functionCall": call}
        # Only the first of a parallel set is signed.
        if not self._is_signed and self._signs_text:
            self._is_signed = True
            whole["thoughtSignature"] = self._stamp.thought(call_words(call))
        yield whole

    def _search(self, part: Search) -> Iterable[Json]:
        for one in part.found:
            yield {"text": f"{one.text} "}

    def _compacted(self, part: Compacted) -> Iterable[Json]:
        yield {"text": part.summary}

    def _chunk(self, parts: list[Json], finish: str | None = None) -> Json:
        candidate: Json = {"content": {"parts": parts, "role": "model"}}
        if finish is not None:
            candidate["finishReason"] = finish
        if finish == "MALFORMED_FUNCTION_CALL":
            candidate |= {"content": {}, "finishMessage": "Malformed function call: call:demo{"}
        candidate["index"] = 0
        if finish is not None and self._grounding:
            candidate["groundingMetadata"] = self._grounding
        if finish == "CONTINUATION":
            candidate["continuationToken"] = self._dice.letters(40)
        chunk: Json = {"candidates": [candidate]}
        if self._usage is not None:
            chunk["usageMetadata"] = _usage_object(self._usage)
        return {**chunk, "modelVersion": self._reply.model or self._view.model, "responseId": self._id}

    @property
    def _grounding(self) -> Json:
        searches = [part for part in self._reply.parts if isinstance(part, Search)]
        if not searches:
            return {}
        found = [one for part in searches for one in part.found]
        supports: list[Json] = []
        start = 0
        for index, one in enumerate(found):
            end = start + len(one.text.encode())
            supports.append({"segment": {"startIndex": start, "endIndex": end, "text": one.text}, "groundingChunkIndices": [index]})
            start = end + 1
        return {
            "searchEntryPoint": {"renderedContent": "<div></div>"},
            "groundingChunks": [{"web": {"uri": one.url, "title": one.title}} for one in found],
            "groundingSupports": supports,
            "webSearchQueries": [part.query for part in searches],
        }

    _PARTS: ClassVar[dict[type[Part], Callable[[Any, Any], Iterable[Json]]]] = {
        Text: _text,
        Thought: _thought,
        ToolUse: _call,
        Search: _search,
        Compacted: _compacted,
    }


def _usage_object(usage: Counted) -> Json:
    words = usage.output - usage.reasoning
    told: Json = {"promptTokenCount": usage.input}
    if usage.cached:
        told["cachedContentTokenCount"] = usage.cached
    if words:
        told["candidatesTokenCount"] = words
    told["totalTokenCount"] = usage.total
    told["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.input}]
    if usage.reasoning:
        told["thoughtsTokenCount"] = usage.reasoning
    return {**told, "serviceTier": "standard"}


def _as_event(kind: Any, chunk: Json, said: Said = "") -> Beat:
    return Beat(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n", kind, said)


def _as_array(chunks: list[tuple[Any, Json, Said]]) -> list[Beat]:
    beats: list[Beat] = []
    for index, (kind, chunk, said) in enumerate(chunks):
        tail = b"]" if index == len(chunks) - 1 else b""
        beats.append(Beat((b",\r\n" if index else b"[") + msgspec.json.encode(chunk) + tail, kind, said))
    return beats


def _arguments(payload: str) -> Any:
    try:
        return msgspec.json.decode(payload) if payload else {}
    except msgspec.DecodeError:
        return {"input": payload}


_FINISHES = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "PROHIBITED_CONTENT",
    "pause": "CONTINUATION",
    "context_window": "MAX_TOKENS",
    "malformed_call": "MALFORMED_FUNCTION_CALL",
}
_CODES = {"INVALID_ARGUMENT": 400, "RESOURCE_EXHAUSTED": 429, "INTERNAL": 500, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504}
