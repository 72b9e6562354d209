"""One candidate of a reply: its parts, one after another, to neutral parts that start, get deltas and end.

https://ai.google.dev/api/generate-content#candidate
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.generate.calls import (
    SIGNATURE,
    WHOLE,
    own_id,
    read_call,
    read_foreign_result,
    read_proof,
    read_provider_run,
)
from dragoman.dialects.generate.contents import ON
from dragoman.dialects.generate.grounding import read_citations
from dragoman.dialects.generate.partial import PartialArguments
from dragoman.dialects.generate.parts import read_media
from dragoman.dialects.generate.remainder import IN, NAME, keep, own, text_or_none, unmodelled
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir import events as ev
from dragoman.ir.errors import Kind
from dragoman.ir.request import Call, Message, OpaqueItem, Proof

_TEXT_KNOWN = frozenset({"text", "thought", SIGNATURE})
_CALL_KNOWN = frozenset({"functionCall", SIGNATURE, "thought"})
_FUNCTION_KNOWN = frozenset({"id", "name", "args", "partialArgs", "willContinue"})

_REASONS: dict[str, ev.FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}

UNDECLARED = "UNEXPECTED_TOOL_CALL"
"""The model called a tool that was not offered. Where the call came along, the client can answer it, and the model goes on."""

FAILING = {
    "MALFORMED_FUNCTION_CALL": Kind.SERVER_ERROR,
    "MALFORMED_RESPONSE": Kind.SERVER_ERROR,
    UNDECLARED: Kind.SERVER_ERROR,
    "TOO_MANY_TOOL_CALLS": Kind.SERVER_ERROR,
    "MISSING_THOUGHT_SIGNATURE": Kind.INVALID_REQUEST,
}
"""Finish reasons that tell of a failure: the model said what cannot be used."""


class _Streamed(msgspec.Struct, gc=False):
    """A call whose arguments arrive in patches."""

    part: int
    arguments: PartialArguments
    proof: Proof | None
    extra: JsonObject


class _Held(msgspec.Struct, gc=False):
    """A whole call of which it is open who runs it, and its part as it came."""

    call: Call
    part: JsonObject


class Candidate:
    """Feed it the `content` of every chunk of its candidate. `seed` makes ids of our own differ between replies.

    Calls that the provider runs itself (remote MCP servers) look like the client's until their answers follow: in the same chunk, or
    streamed in the ones after a chunk that already said why the candidate finished. So a call waits for the end of its chunk; the
    last ones, on which no client can act yet, for what follows them, or the end of the reply.
    """

    def __init__(self, index: int, parts: Iterator[int], seed: str) -> None:
        self.index = index
        self.reason: str | None = None
        self.detail: str | None = None
        self.spoke = False
        self._numbers = parts
        self._seed = seed
        self._text: int | None = None
        self._said: list[str] = []
        self._thought: int | None = None
        self._streamed: _Streamed | None = None
        self._held: list[_Held] = []
        self._run: list[_Held] = []
        self._over = False
        self._signs: list[tuple[Proof, bool]] = []
        self._called = False
        self._made = 0
        self._provider_id = ""

    def feed(self, content: JsonObject, out: list[ev.Event], *, over: bool) -> None:
        """Take the parts of a chunk. over: it says why the candidate finished."""
        self._over |= over
        parts = objects(content.get("parts"))
        self.spoke |= bool(parts)
        for part in parts:
            if "text" in part and part.get("functionCall") is None:
                self._words(part, out)
            else:
                if self._held and _is_answer(part):
                    self._give_run([other for other in parts if _is_answer(other)], out)
                self._other(part, out)
        if self._held and not self._over:
            self._give_held(out)

    def say(self, text: str, thought: bool, out: list[ev.Event]) -> None:
        """Take words, of a thought or of the answer."""
        if thought:
            out.append(ev.ReasoningDelta(self._begin_thought(out), text, True))
        else:
            out.append(ev.TextDelta(self._begin_words(out), text))
            self._said.append(text)

    def cite(self, grounding: JsonObject, out: list[ev.Event]) -> None:
        """The sources of the words so far."""
        if self._text is not None:
            number = self._text
            out += [ev.Cited(number, citation) for citation in read_citations(grounding, "".join(self._said))]

    def close(self, out: list[ev.Event]) -> None:
        """The candidate is over."""
        self._end_all(out)

    @property
    def called(self) -> bool:
        """Whether it calls a tool of the client's, as far as is known."""
        return self._called or bool(self._held)

    def finished(self) -> ev.Finished:
        """Why it ended. Calls end with STOP here; elsewhere that is a reason of its own."""
        said = self.reason or ""
        if said == UNDECLARED:
            return ev.Finished("tool_calls", self.index, said if self.detail is None else f"{said}: {self.detail}")
        reason = _REASONS.get(said, "other")
        if reason == "stop":
            return ev.Finished("tool_calls" if self._called else "stop", self.index, self.detail)
        return ev.Finished(reason, self.index, said if self.detail is None else f"{said}: {self.detail}")

    # ---- words and thoughts ----------------------------------------------------------------------------------------------

    def _words(self, part: JsonObject, out: list[ev.Event]) -> None:
        text, proof = part["text"], read_proof(part)
        if isinstance(text, str) and text:
            self.say(text, part.get("thought") is True, out)
        if proof is not None:
            self._sign(part, proof, out)
        if not _TEXT_KNOWN.issuperset(part):
            more = {name: value for name, value in part.items() if name not in _TEXT_KNOWN}
            out.append(ev.Opaque(NAME, "part", _in_candidate(self.index, {"content": {"parts": [{"text": "", **more}], "role": "model"}})))

    def _sign(self, part: JsonObject, proof: Proof, out: list[ev.Event]) -> None:
        """A signature ends the thought that it stands on. On words, or on nothing, it is a thought without words; it waits for the
        end of the words that it stands among, since it may stand on the first of them."""
        if part.get("thought") is True and self._thought is not None:
            out.append(ev.PartEnded(self._thought, proof=proof))
            self._thought = None
            return
        self._signs.append((proof, bool(part["text"])))
        if self._text is None:
            self._end_all(out)

    def _give_signs(self, out: list[ev.Event]) -> None:
        signs, self._signs = self._signs, []
        for proof, on_words in signs:
            number = next(self._numbers)
            out.append(ev.ReasoningStarted(number, self.index))
            out.append(ev.PartEnded(number, proof=proof, extra={NAME: {ON: "text"}} if on_words else None))

    def _begin_words(self, out: list[ev.Event]) -> int:
        if self._text is None:
            self._end_all(out)
            self._text = next(self._numbers)
            self._said = []
            out.append(ev.TextStarted(self._text, self.index))
        return self._text

    def _begin_thought(self, out: list[ev.Event]) -> int:
        if self._thought is None:
            self._end_all(out)
            self._thought = next(self._numbers)
            out.append(ev.ReasoningStarted(self._thought, self.index))
        return self._thought

    def _end_all(self, out: list[ev.Event]) -> None:
        if self._held:
            self._give_held(out)
        self._end_open(out)

    def _end_open(self, out: list[ev.Event]) -> None:
        if self._text is not None:
            out.append(ev.PartEnded(self._text))
            self._text = None
        if self._thought is not None:
            out.append(ev.PartEnded(self._thought))
            self._thought = None
        self._end_call(out)
        if self._signs:
            self._give_signs(out)

    # ---- calls -----------------------------------------------------------------------------------------------------------

    def _on_call(self, part: JsonObject, out: list[ev.Event]) -> None:
        value = object_or_empty(part["functionCall"])
        if self._streamed is not None and not value.get("name"):
            self._go_on(value, part, out)
            return
        if value.get("willContinue") or "partialArgs" in value:
            self._end_all(out)
            self._begin_call(value, part, out)
            return
        self._end_open(out)
        self._held.append(_Held(read_call(part, self._new_id()), part))

    def _give_held(self, out: list[ev.Event]) -> None:
        """No answers follow: the calls are the client's."""
        held, self._held = self._held, []
        self._called = True
        for call, part in ((one.call, one.part) for one in held):
            number = next(self._numbers)
            out.append(ev.CallStarted(number, call.call_id, call.name, self.index))
            out.append(ev.CallDelta(number, call.arguments))
            more = _call_extra(part, object_or_empty(part["functionCall"]))
            out.append(ev.PartEnded(number, proof=call.proof, extra={NAME: more} if more else None))

    def _give_run(self, answers: list[JsonObject], out: list[ev.Event]) -> None:
        """These answers follow: the calls that they are for were the provider's."""
        run = [held for held in self._held if any(_answers(part, held.part) for part in answers)]
        self._held = [held for held in self._held if held not in run]
        self._run += run
        for held in run:
            call = msgspec.structs.replace(held.call, executor="provider", extra={NAME: {WHOLE: held.part}})
            out.append(ev.ItemGiven(next(self._numbers), call, self.index))

    def _begin_call(self, value: JsonObject, part: JsonObject, out: list[ev.Event]) -> None:
        self._called = True
        number = next(self._numbers)
        call_id = text_or_none(value.get("id")) or self._new_id()
        out.append(ev.CallStarted(number, call_id, str(value.get("name") or ""), self.index))
        arguments = PartialArguments(dict(object_or_empty(value.get("args"))))
        self._streamed = _Streamed(number, arguments, read_proof(part), _call_extra(part, value))
        self._go_on(value, part, out)

    def _go_on(self, value: JsonObject, part: JsonObject, out: list[ev.Event]) -> None:
        streamed = self._streamed
        if streamed is None:
            return
        streamed.arguments.feed(value.get("partialArgs"))
        streamed.proof = streamed.proof or read_proof(part)
        if not value.get("willContinue"):
            self._end_call(out)

    def _end_call(self, out: list[ev.Event]) -> None:
        streamed = self._streamed
        if streamed is None:
            return
        self._streamed = None
        out.append(ev.CallDelta(streamed.part, msgspec.json.encode(streamed.arguments.value).decode()))
        out.append(ev.PartEnded(streamed.part, proof=streamed.proof, extra={NAME: streamed.extra} if streamed.extra else None))

    # ---- all else --------------------------------------------------------------------------------------------------------

    def _other(self, part: JsonObject, out: list[ev.Event]) -> None:
        for name, handler in self._TABLE.items():
            if part.get(name) is not None:
                handler(self, part, out)
                return
        proof = read_proof(part)
        if proof is not None and not part.keys() - _TEXT_KNOWN:
            self._sign({"text": "", **part}, proof, out)
        elif part:
            self._give(OpaqueItem(NAME, "part", part), out)

    def _on_provider_run(self, part: JsonObject, out: list[ev.Event]) -> None:
        item = read_provider_run(part, self._provider_id or self._new_id())
        self._provider_id = item.call_id if isinstance(item, Call) else ""
        self._give(item, out)

    def _on_answer(self, part: JsonObject, out: list[ev.Event]) -> None:
        self.reason = None  # it finished only to call; the model goes on
        asked = next((held for held in self._run if _answers(part, held.part)), None)
        if asked is None:
            self._give(read_foreign_result(part, self._new_id()), out)
            return
        # Further calls may wait for their answers, so nothing but this is told.
        self._run.remove(asked)
        out.append(ev.ItemGiven(next(self._numbers), read_foreign_result(part, asked.call.call_id), self.index))

    def _on_media(self, part: JsonObject, out: list[ev.Event]) -> None:
        media = read_media(part)
        if media is None:
            self._give(OpaqueItem(NAME, "part", part), out)
            return
        inline = part.get("inlineData")
        written = {"fileData": part.get("fileData")} if inline is None else {"inlineData": object_or_empty(inline)}
        self._give(Message("assistant", (msgspec.structs.replace(media, extra=keep(part, written)),)), out)

    def _give(self, item: Any, out: list[ev.Event]) -> None:
        self._end_all(out)
        out.append(ev.ItemGiven(next(self._numbers), item, self.index))

    def _new_id(self) -> str:
        self._made += 1
        return own_id(hashlib.sha256(f"{self._seed}/{self.index}/{self._made}".encode("utf-8", "surrogatepass")).hexdigest())

    _TABLE: ClassVar[dict[str, Callable[[Any, JsonObject, list[ev.Event]], None]]] = {
        "functionCall": _on_call,
        "functionResponse": _on_answer,
        "executableCode": _on_provider_run,
        "codeExecutionResult": _on_provider_run,
        "toolCall": _on_provider_run,
        "toolResponse": _on_provider_run,
        "inlineData": _on_media,
        "fileData": _on_media,
    }


def _is_answer(part: JsonObject) -> bool:
    return part.get("functionResponse") is not None


def _answers(part: JsonObject, asked: JsonObject) -> bool:
    """Whether a `functionResponse` is for a `functionCall`: by their ids where both have one, else by name."""
    response, call = object_or_empty(part["functionResponse"]), object_or_empty(asked["functionCall"])
    field = "id" if text_or_none(response.get("id")) and text_or_none(call.get("id")) else "name"
    return text_or_none(call.get(field)) is not None and call[field] == response.get(field)


def _call_extra(part: JsonObject, value: JsonObject) -> JsonObject:
    more = own(unmodelled(part, _CALL_KNOWN)) or {}
    inside = own(unmodelled(value, _FUNCTION_KNOWN))
    return {**more, IN: {"functionCall": inside}} if inside else more


def _in_candidate(index: int, value: JsonObject) -> bytes:
    return msgspec.json.encode({"candidates": [{"index": index, **value}]})
