"""Writes a Messages stream: neutral events in, the exact sequence of frames out.

message_start, then block after block (one at a time, whatever the order of the events is), message_delta, message_stop; or one error.
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.messages import frames
from dragoman.dialects.messages.envelope import ending, message_id, opening, split_ending
from dragoman.dialects.messages.errors import error_frame
from dragoman.dialects.messages.given import given_blocks, thought_block
from dragoman.dialects.messages.ids import legal_id
from dragoman.dialects.messages.remainder import NAME, own_fields
from dragoman.dialects.messages.usage import write_usage
from dragoman.dialects.remainder import JsonObject, arguments_object
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.request import Reasoning, Request
from dragoman.wire.sse import encode

_COMPACTED = ("content", "encrypted_content")
"""What of a compaction comes as a delta."""


class _Block:
    """A block of the answer: written at once while it is the first that is open, else kept until its turn comes."""

    __slots__ = ("asked", "ended", "form", "head", "kept", "kind", "odd", "section", "start")

    def __init__(self, start: JsonObject, kind: str) -> None:
        self.start = start
        self.kind = kind
        self.head: int | None = None
        self.form = b""
        self.kept: list[bytes | str] = []
        self.ended: list[JsonObject] | None = None
        self.section: tuple[bool, int] | None = None
        self.asked: list[str] | None = None
        """The arguments of a call so far, while it is open whether they are an object. `odd`: they are none."""
        self.odd = False


class Writer:
    """A StreamWriter. Writes the first choice; nothing after its terminal frame."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._fold = Fold()
        self._opened = False
        self._over = False
        self._called = False
        self._finished: ev.Finished | None = None
        self._index = 0
        self._blocks: dict[int, _Block] = {}
        self._kinds: dict[int, str] = {}

    def feed(self, event: ev.Event) -> bytes:
        """Translate one event."""
        handler = self._TABLE.get(type(event))
        return b"" if handler is None or self._over else handler(self, event)

    def close(self) -> bytes:
        """Nothing more will come: without an end before, the stream failed."""
        if self._over:
            return b""
        return self._fail(GatewayError(Kind.CUT, "the answer ended before it was complete", source="upstream"))

    def ping(self) -> bytes:
        """The API's own sign of life."""
        return b"" if self._over else self._open() + frames.PING

    # ---- the envelope ----

    def _open(self, started: ev.Started | None = None) -> bytes:
        if self._opened:
            return b""
        self._opened = True
        told = started or ev.Started()
        own_id = message_id(told.id, self._request, told.extra)
        return frames.frame("message_start", message=opening(self._request, id=own_id, usage=self._fold.usage, extra=told.extra))

    def _on_started(self, event: ev.Started) -> bytes:
        return self._open(event)

    def _on_usage(self, event: ev.UsageReported) -> bytes:
        self._fold.feed(event)
        return b""

    def _on_finished(self, event: ev.Finished) -> bytes:
        if event.choice == 0:
            self._finished = event
        return b""

    def _on_pinged(self, event: ev.Pinged) -> bytes:
        return self.ping()

    def _on_ended(self, event: ev.Ended) -> bytes:
        before = self._open()
        self._over = True
        delta, beside = split_ending(ending(self._finished, called=self._called, extra=event.extra))
        end = frames.frame("message_delta", delta=delta, usage=write_usage(self._fold.usage), **beside)
        return before + end + frames.STOP

    def _on_failed(self, event: ev.Failed) -> bytes:
        return self._fail(event.error)

    def _fail(self, error: GatewayError) -> bytes:
        self._over = True
        return error_frame(error)

    # ---- blocks, one at a time ----

    def _begin(self, part: int, block: _Block) -> bytes:
        before = self._open()
        self._blocks[part] = block
        return before + self._flush()

    def _flush(self) -> bytes:
        """Whatever may be written now: all of the first open block, and of those after it once it is complete."""
        out: list[bytes] = []
        while self._blocks:
            part = next(iter(self._blocks))
            block = self._blocks[part]
            if block.head is None:
                if not block.kept and block.ended is None and block.kind:
                    break  # nothing to say yet: an empty text is none
                if block.kind == "text_delta" and not block.kept:
                    del self._blocks[part]
                    continue
                block.head = self._index
                self._index += 1
                block.form = frames.text_form(block.head, block.kind) if block.kind else b""
                out.append(frames.block_start(block.head, block.start))
            out += [
                frames.fill(block.form, said) if isinstance(said, str) else frames.block_delta(block.head, msgspec.json.decode(said))
                for said in block.kept
            ]
            block.kept.clear()
            if block.ended is None:
                break
            out += [frames.block_delta(block.head, delta) for delta in block.ended]
            out.append(frames.block_stop(block.head))
            del self._blocks[part]
        return b"".join(out)

    def _say(self, part: int, text: str) -> bytes:
        block = self._blocks.get(part)
        if block is None or not text:
            return b""
        if block.form and not block.kept:
            return frames.fill(block.form, text)
        block.kept.append(text)
        return self._flush()

    # ---- the kinds of parts ----

    def _on_text_started(self, event: ev.TextStarted) -> bytes:
        if event.choice:
            return b""
        return self._begin(event.part, _Block({"type": "text", "text": ""}, "text_delta"))

    def _on_text(self, event: ev.TextDelta) -> bytes:
        return self._say(event.part, event.text)

    def _on_cited(self, event: ev.Cited) -> bytes:
        block = self._blocks.get(event.part)
        if block is None or event.citation.dialect != NAME:
            return b""
        block.kept.append(msgspec.json.encode({"type": "citations_delta", "citation": event.citation.value}))
        return self._flush()

    def _on_thought_started(self, event: ev.ReasoningStarted) -> bytes:
        if event.choice:
            return b""
        self._fold.feed(event)
        return self._begin(event.part, _Block({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta"))

    def _on_thought(self, event: ev.ReasoningDelta) -> bytes:
        if event.part not in self._blocks:
            return b""
        self._fold.feed(event)
        block, section = self._blocks[event.part], (event.summary, event.section)
        text = event.text if block.section in (None, section) or not event.text else "\n\n" + event.text
        block.section = section
        return self._say(event.part, text)

    def _on_call_started(self, event: ev.CallStarted) -> bytes:
        if event.choice or event.executor == "provider":
            return b""
        self._called = True
        self._fold.feed(event)
        start: JsonObject = {"type": "tool_use", "id": legal_id(event.call_id), "name": event.name, "input": {}, **own_fields(event.extra)}
        block = _Block(start, "input_json_delta")
        block.kept.append("")  # the API's own first delta: the block is announced before its arguments
        block.asked = []
        return self._begin(event.part, block)

    def _on_call(self, event: ev.CallDelta) -> bytes:
        block = self._blocks.get(event.part)
        if block is None or block.asked is None:
            return self._say(event.part, event.text)
        block.asked.append(event.text)
        begin = "" if block.odd else event.text.lstrip()
        if not begin:
            return b""
        if begin[0] != "{":
            block.odd = True  # no object, which clients of this API would choke on: told as one when all of it is there
            return b""
        told, block.asked = "".join(block.asked), None
        return self._say(event.part, told)

    def _on_part_ended(self, event: ev.PartEnded) -> bytes:
        block = self._blocks.get(event.part)
        if block is None:
            return b""
        if block.kind == "thinking_delta":
            self._end_thought(event, block)
        elif block.odd and block.asked:
            block.kept.append(msgspec.json.encode(arguments_object("".join(block.asked))).decode())
        if block.ended is None:
            block.ended = []
        return self._flush()

    def _end_thought(self, event: ev.PartEnded, block: _Block) -> None:
        item = self._fold.feed(event)
        written = thought_block(item) if isinstance(item, Reasoning) else None
        if written is None:
            block.kind, block.kept = "text_delta", []  # it says nothing: passed over like an empty text
        elif written["type"] == "redacted_thinking":
            block.start, block.kind = written, ""
        elif written["signature"]:
            block.ended = [{"type": "signature_delta", "signature": written["signature"]}]

    def _on_given(self, event: ev.ItemGiven) -> bytes:
        if event.choice:
            return b""
        out = b""
        for number, written in enumerate(given_blocks(event.item)):
            block = _Block(written, "")
            block.ended = []
            if written.get("type") in ("server_tool_use", "mcp_tool_use"):
                block.start = {**written, "input": {}}
                block.ended = [{"type": "input_json_delta", "partial_json": msgspec.json.encode(written.get("input", {})).decode()}]
            elif written.get("type") == "text":
                block.start = {**written, "text": ""}
                block.ended = [{"type": "text_delta", "text": written["text"]}]
            elif written.get("type") == "compaction":
                block.start = {**{name: value for name, value in written.items() if name not in _COMPACTED}, "content": None}
                block.ended = [{"type": "compaction_delta", **{name: written[name] for name in _COMPACTED if name in written}}]
            out += self._begin(-1 - event.part * 1000 - number, block)
        return out

    def _on_opaque(self, event: ev.Opaque) -> bytes:
        if event.dialect != NAME:
            return b""
        return self._open() + encode(event.data, event.name.encode() or None)

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        ev.Started: _on_started,
        ev.TextStarted: _on_text_started,
        ev.TextDelta: _on_text,
        ev.Cited: _on_cited,
        ev.ReasoningStarted: _on_thought_started,
        ev.ReasoningDelta: _on_thought,
        ev.CallStarted: _on_call_started,
        ev.CallDelta: _on_call,
        ev.ItemGiven: _on_given,
        ev.PartEnded: _on_part_ended,
        ev.UsageReported: _on_usage,
        ev.Finished: _on_finished,
        ev.Ended: _on_ended,
        ev.Failed: _on_failed,
        ev.Opaque: _on_opaque,
        ev.Pinged: _on_pinged,
    }
