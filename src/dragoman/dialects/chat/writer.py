"""Neutral events to the chunks that a client of the API expects.

https://platform.openai.com/docs/api-reference/chat/streaming

Thoughts go out as `reasoning_content`, the field that most clients read. A ping is an SSE comment: routers have sent them on this
API for years, every client's parser skips them, and a chunk before the first would have to invent a role.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.chat.citations import write_citation
from dragoman.dialects.chat.errors import error_frame
from dragoman.dialects.chat.proofs import CONTENT, DETAILS, proven
from dragoman.dialects.chat.remainder import NAME, own, own_fields
from dragoman.dialects.chat.shown import is_shown, own_form
from dragoman.dialects.chat.tools import LEGACY
from dragoman.dialects.chat.usage import write_usage
from dragoman.dialects.remainder import JsonObject
from dragoman.dialects.unsaid import unsaid
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Call, Citation, FunctionTool, Item, Message, Reasoning, Request, Text

_encode = msgspec.json.Encoder().encode

_DONE = b"data: [DONE]\n\n"
_PING = b": ping\n\n"

_REASONS: dict[str, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "context_window": "length",
    "other": "stop",
}


def head(started: ev.Started, request: Request, kind: str) -> JsonObject:
    """The fields of every chunk and of a completion."""
    return {
        "id": started.id or "chatcmpl-0",
        "object": kind,
        "created": started.created_s or request.asked_s or 0,
        "model": started.model or request.model,
        **(own(started.extra) or {}),
    }


def reason_word(reason: str, *, legacy: bool, refused: bool) -> str:
    """The finish reason as this API has it. `refused`: the refusal stands in its own field."""
    if legacy and reason == "tool_calls":
        return "function_call"
    if reason == "refusal" and not refused:
        return "content_filter"
    return _REASONS[reason]


def wants_legacy(request: Request) -> bool:
    """Whether the client offers `functions` and so expects `function_call`."""
    return any(isinstance(tool, FunctionTool) and LEGACY in (own(tool.extra) or ()) for tool in request.tools)


_EARLIER = (False, -1)
"""The section of thoughts that a new thought comes after."""


class _Part(msgspec.Struct, gc=False):
    """A part under way: what stands around the JSON text of its deltas. `section` is where its thoughts are, `call` its index, `chars` the
    length of its words, `cited` what these are from."""

    choice: int
    before: bytes
    after: bytes
    section: tuple[bool, int] | None = None
    call: int | None = None
    is_words: bool = False
    chars: int = 0
    cited: tuple[Citation, ...] = ()


class _Choice(msgspec.Struct, gc=False):
    """What was written of a choice. `chars`: the length of its content so far."""

    before: bytes
    opened: bool = False
    message_id: str | None = None
    thought: bool = False
    refused: bool = False
    calls: int = 0
    chars: int = 0


class Writer:
    """Writes one stream."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._usage_wanted = request.stream_usage
        self._legacy = wants_legacy(request)
        self._usage: JsonObject | None = None
        self._head = b""
        # OpenAI marks every chunk before the last with a null usage when it was asked for.
        self._tail = b'],"usage":null}\n\n' if self._usage_wanted else b"]}\n\n"
        self._unfinished = b',"logprobs":null,"finish_reason":null}' + self._tail
        self._choices: dict[int, _Choice] = {}
        self._parts: dict[int, _Part] = {}
        self._heard: set[str] = set()
        """Fields of sound that were told as they came."""
        self._over = False
        self._on_started(ev.Started())

    def feed(self, event: ev.Event) -> bytes:
        """The chunks that this event makes."""
        return self._TABLE[type(event)](self, event)

    def close(self) -> bytes:
        """Nothing more will come: an error, if no end was written."""
        return self._fail(GatewayError(Kind.CUT, "the provider's answer ended before it was complete", source="upstream"))

    def ping(self) -> bytes:
        """A comment."""
        return b"" if self._over else _PING

    def _on_started(self, event: ev.Started) -> bytes:
        self._head = b"data: " + _encode(head(event, self._request, "chat.completion.chunk"))[:-1] + b',"choices":['
        return b""

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(self._head + b'{"index":%d,"delta":' % index)
        return choice

    def _chunk(self, choice: _Choice, delta: bytes) -> bytes:
        return choice.before + delta + self._unfinished

    def _open(self, choice: _Choice, content: bytes = b'""') -> bytes:
        if choice.opened:
            return b""
        choice.opened = True
        return self._chunk(choice, b'{"role":"assistant","content":%b}' % content)

    # ---- words and thoughts ----------------------------------------------------------------------------------------------

    def _on_text_started(self, event: ev.TextStarted) -> bytes:
        choice = self._choice(event.choice)
        opening = self._open(choice)
        field = b'{"refusal":' if event.refusal else b'{"content":'
        self._parts[event.part] = _Part(event.choice, choice.before + field, b"}" + self._unfinished, is_words=not event.refusal)
        if event.refusal:
            choice.refused = True
            return opening
        if choice.chars and choice.message_id != event.message_id:
            # Two messages of one turn are one here.
            opening += self._chunk(choice, b'{"content":"\\n\\n"}')
            choice.chars += 2
        choice.message_id = event.message_id
        return opening

    def _on_delta(self, event: ev.TextDelta | ev.CallDelta) -> bytes:
        part = self._parts.get(event.part)
        if part is None:
            return b""
        part.chars += len(event.text)
        if type(event) is ev.TextDelta and event.logprobs is not None:
            logprobs = _encode({"content": event.logprobs, "refusal": None})
            return part.before + _encode(event.text) + b'},"logprobs":%b,"finish_reason":null}' % logprobs + self._tail
        return part.before + _encode(event.text) + part.after

    def _on_cited(self, event: ev.Cited) -> bytes:
        part = self._parts.get(event.part)
        if part is None:
            return b""
        if event.citation.dialect != NAME:
            # It may be all of the text that is cited, so it is told when that is over.
            part.cited += (event.citation,)
            return b""
        return self._chunk(self._choice(part.choice), _encode({"annotations": [event.citation.value]}))

    def _on_reasoning_started(self, event: ev.ReasoningStarted) -> bytes:
        choice = self._choice(event.choice)
        before = choice.before + b'{"reasoning_content":'
        self._parts[event.part] = _Part(event.choice, before, b"}" + self._unfinished, _EARLIER if choice.thought else None)
        return self._open(choice)

    def _on_reasoning(self, event: ev.ReasoningDelta) -> bytes:
        part = self._parts[event.part]
        section = (event.summary, event.section)
        text = event.text if part.section in (None, section) else "\n\n" + event.text
        if part.section != section:
            part.section = section
            self._choice(part.choice).thought = True
        return part.before + _encode(text) + part.after

    # ---- calls -----------------------------------------------------------------------------------------------------------

    def _on_call_started(self, event: ev.CallStarted) -> bytes:
        if event.executor == "provider":
            # The client would try to run it.
            return b""
        choice = self._choice(event.choice)
        kind, field = ("custom", "input") if event.kind == "custom" else ("function", "arguments")
        if self._legacy:
            before = choice.before + b'{"function_call":{"arguments":'
            first = _encode({"function_call": {"name": event.name, "arguments": ""}})
        else:
            before = choice.before + b'{"tool_calls":[{"index":%d,"%b":{"%b":' % (choice.calls, kind.encode(), field.encode())
            entry = {"index": choice.calls, "id": event.call_id, "type": kind, kind: {"name": event.name, field: ""}}
            first = _encode({"tool_calls": [entry]})
        after = b"}}" if self._legacy else b"}}]}"
        self._parts[event.part] = _Part(event.choice, before, after + self._unfinished, call=choice.calls)
        choice.calls += 1
        return self._open(choice, b"null") + self._chunk(choice, first)

    def _on_ended_part(self, event: ev.PartEnded) -> bytes:
        part = self._parts.pop(event.part, None)
        if part is None:
            return b""
        if part.is_words:
            return self._end_words(part)
        kept = own_fields(event.extra) if part.call is not None and not self._legacy else {}
        kept |= proven(event.proof, CONTENT)
        delta: JsonObject = {"tool_calls": [{"index": part.call, **kept}]} if kept else proven(event.proof, DETAILS)
        return self._chunk(self._choice(part.choice), _encode(delta)) if delta else b""

    def _end_words(self, part: _Part) -> bytes:
        choice = self._choice(part.choice)
        begin, choice.chars = choice.chars, choice.chars + part.chars
        annotations = [written for each in part.cited if (written := write_citation(each, begin, part.chars)) is not None]
        return self._chunk(choice, _encode({"annotations": annotations})) if annotations else b""

    def _on_given(self, event: ev.ItemGiven) -> bytes:
        said = b"".join(self.feed(each) for each in _as_stream(event))
        form = own_form(event.item) if isinstance(event.item, Message) else {}
        if not form or not self._heard.isdisjoint(form):
            return said
        choice = self._choice(event.choice)
        return said + self._open(choice) + self._chunk(choice, _encode(form))

    # ---- the end ---------------------------------------------------------------------------------------------------------

    def _on_usage(self, event: ev.UsageReported) -> bytes:
        self._usage = write_usage(event.usage)
        return b""

    def _on_finished(self, event: ev.Finished) -> bytes:
        choice = self._choice(event.choice)
        reason = reason_word(event.reason, legacy=self._legacy, refused=choice.refused)
        last = choice.before + b'{},"logprobs":null,"finish_reason":%b}' % _encode(reason) + self._tail
        return self._open(choice) + last

    def _on_ended(self, event: ev.Ended) -> bytes:
        if self._over:
            return b""
        self._over = True
        if not self._usage_wanted:
            return _DONE
        return self._head + b'],"usage":%b}\n\n' % _encode(self._usage) + _DONE

    def _on_failed(self, event: ev.Failed) -> bytes:
        return self._fail(event.error)

    def _fail(self, error: GatewayError) -> bytes:
        if self._over:
            return b""
        self._over = True
        return error_frame(error)

    def _on_opaque(self, event: ev.Opaque) -> bytes:
        if event.dialect != NAME or not self._head:
            return b""
        if event.name == "delta.audio":
            self._heard.add("audio")
        value: JsonObject = msgspec.json.decode(event.data)
        value.setdefault("choices", [])
        return self._head[: -len(b',"choices":[')] + b"," + _encode(value)[1:] + b"\n\n"

    def _nothing(self, event: ev.Event) -> bytes:
        return b""

    def _on_pinged(self, event: ev.Pinged) -> bytes:
        return self.ping()

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        ev.Started: _on_started,
        ev.TextStarted: _on_text_started,
        ev.TextDelta: _on_delta,
        ev.Cited: _on_cited,
        ev.ReasoningStarted: _on_reasoning_started,
        ev.ReasoningDelta: _on_reasoning,
        ev.CallStarted: _on_call_started,
        ev.CallDelta: _on_delta,
        ev.ItemGiven: _on_given,
        ev.PartEnded: _on_ended_part,
        ev.UsageReported: _on_usage,
        ev.Finished: _on_finished,
        ev.Ended: _on_ended,
        ev.Failed: _on_failed,
        ev.Warned: _nothing,
        ev.Opaque: _on_opaque,
        ev.Pinged: _on_pinged,
    }


def _as_stream(event: ev.ItemGiven) -> list[ev.Event]:
    """A whole item as the events that would have told it; none for what this API has no words for."""
    item, part = event.item, event.part
    if isinstance(item, Message):
        text = "".join(each.text for each in item.parts if isinstance(each, Text) and not is_shown(each))
        return [ev.TextStarted(part, event.choice), ev.TextDelta(part, text), ev.PartEnded(part)] if text else []
    if isinstance(item, Reasoning):
        text = "\n\n".join((*item.summary, *item.content))
        started: list[ev.Event] = [ev.ReasoningStarted(part, event.choice)]
        return [*started, *([ev.ReasoningDelta(part, text)] if text else []), ev.PartEnded(part, proof=item.proof)]
    if isinstance(item, Call) and item.executor == "client":
        begin = ev.CallStarted(part, item.call_id, item.name, event.choice, item.kind, item.namespace)
        return [begin, ev.CallDelta(part, item.arguments), ev.PartEnded(part, proof=item.proof)]
    return []


def unsaid_of(item: Item) -> str | None:
    """What this API does not tell of an item of an answer."""
    if isinstance(item, Message) and item.parts and all(map(is_shown, item.parts)):
        return None
    return unsaid(item, NAME, lambda item: isinstance(item, Call) and item.executor == "client")
