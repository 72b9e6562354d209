"""What a writer has under way: messages with their text parts, thoughts, calls. Each knows the frames that begin and end it."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.remainder import JsonObject
from dragoman.dialects.responses.citations import write_citations
from dragoman.dialects.responses.envelope import item_id
from dragoman.dialects.responses.frames import DeltaForm, frame
from dragoman.dialects.responses.items import write_item
from dragoman.dialects.responses.parts import write_likelihoods
from dragoman.dialects.responses.remainder import own_fields
from dragoman.dialects.responses.sealed import SEALED, carrier, close_seal
from dragoman.ir import events as ev
from dragoman.ir.request import Call, Item, Message, Reasoning, Text

_PREFIXES = {"function": "fc", "custom": "ctc", "search": "tsc"}


class Line:
    """The running numbers of one stream: frames and output items, and the finished items in their order."""

    __slots__ = ("_stem", "items", "output", "sequence", "used")

    def __init__(self, stem: str) -> None:
        self.sequence = 0
        self.output: dict[int, JsonObject] = {}
        self.items = 0
        self.used: set[str] = set()
        self._stem = stem

    def number(self) -> int:
        """The next frame's number."""
        self.sequence += 1
        return self.sequence - 1

    def frame(self, kind: str, **fields: Any) -> bytes:
        """The next frame."""
        return frame(kind, self.number(), **fields)

    def place(self) -> int:
        """The next item's index."""
        self.items += 1
        return self.items - 1

    def id(self, prefix: str, given: str | None, index: int) -> str:
        """The id given for an item unless it is taken, else one made of the response's."""
        chosen = given if given and given not in self.used else item_id(prefix, self._stem, index)
        self.used.add(chosen)
        return chosen

    def done(self, index: int, item: JsonObject) -> bytes:
        """An item is complete."""
        self.output[index] = item
        return self.frame("response.output_item.done", output_index=index, item=item)

    def added(self, index: int, item: JsonObject) -> bytes:
        """An item begins."""
        return self.frame("response.output_item.added", output_index=index, item=item)


class Spoken:
    """A message under way; several text parts may belong to it."""

    def __init__(self, line: Line, start: ev.TextStarted) -> None:
        self.index = line.place()
        self.given = start.message_id
        self.id = line.id("msg", start.message_id, self.index)
        self.live = 0
        self._phase = start.phase
        self._contents: dict[int, JsonObject] = {}
        self._status = "completed"
        self._extra: JsonObject = {}

    def begin(self, line: Line) -> bytes:
        """The frame that announces it."""
        return line.added(self.index, self._item("in_progress", []))

    def next_content(self) -> int:
        """The place of a further part."""
        self.live += 1
        place = len(self._contents)
        self._contents[place] = {}
        return place

    def close_part(self, place: int, part: JsonObject, end: ev.PartEnded) -> None:
        """One of its parts is complete."""
        self.live -= 1
        self._contents[place] = part
        self._status = end.status or self._status
        self._extra.update(own_fields(end.extra))

    def end(self, line: Line) -> bytes:
        """The frame that ends it, with the message whole."""
        return line.done(self.index, {**self._item(self._status, list(self._contents.values())), **self._extra})

    def _item(self, status: str, content: list[JsonObject]) -> JsonObject:
        item: JsonObject = {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}
        if self._phase is not None:
            item["phase"] = self._phase
        return item


class OpenText:
    """A text part of a message."""

    def __init__(self, message: Spoken, refusal: bool) -> None:
        self.message = message
        self._refusal = refusal
        self._cited = 0
        self._where: JsonObject = {"item_id": message.id, "output_index": message.index, "content_index": message.next_content()}
        kind = "response.refusal.delta" if refusal else "response.output_text.delta"
        self.form = DeltaForm(kind, self._where, {} if refusal else {"logprobs": []})

    def begin(self, line: Line) -> bytes:
        """The frame that announces it."""
        return line.frame("response.content_part.added", **self._where, part=self._part("", [], []))

    def delta_with_logprobs(self, line: Line, text: str, logprobs: list[Any]) -> bytes:
        """A delta with the likelihoods of its tokens."""
        return line.frame("response.output_text.delta", **self._where, delta=text, logprobs=logprobs)

    def cite(self, line: Line, annotation: JsonObject) -> bytes:
        """A citation."""
        self._cited += 1
        number = self._cited - 1
        return line.frame("response.output_text.annotation.added", **self._where, annotation_index=number, annotation=annotation)

    def end(self, line: Line, item: Item, end: ev.PartEnded) -> bytes:
        """The frames that end it. The message stays open for further parts."""
        text = item.parts[0] if isinstance(item, Message) and item.parts else Text("")
        said = text if isinstance(text, Text) else Text("")
        annotations = write_citations(said)
        logprobs = write_likelihoods(said.logprobs)
        part = self._part(said.text, annotations, logprobs)
        self.message.close_part(self._where["content_index"], part, end)
        cited = b"".join([self.cite(line, annotation) for annotation in annotations[self._cited :]])
        if self._refusal:
            done = line.frame("response.refusal.done", **self._where, refusal=said.text)
        else:
            done = line.frame("response.output_text.done", **self._where, text=said.text, logprobs=logprobs)
        return cited + done + line.frame("response.content_part.done", **self._where, part=part)

    def _part(self, text: str, annotations: list[JsonObject], logprobs: list[Any]) -> JsonObject:
        if self._refusal:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "annotations": annotations, "logprobs": logprobs, "text": text}


class OpenThought:
    """A thought: paragraphs of its summary, or its full text."""

    def __init__(self, line: Line, start: ev.ReasoningStarted) -> None:
        self.index = line.place()
        self.id = line.id("rs", start.id, self.index)
        self._section: tuple[bool, int] | None = None
        self._said: list[str] = []
        self._form: DeltaForm | None = None

    def begin(self, line: Line) -> bytes:
        """The frame that announces it."""
        return line.added(self.index, {"id": self.id, "type": "reasoning", "summary": []})

    def delta(self, line: Line, event: ev.ReasoningDelta) -> bytes:
        """More of it; a new paragraph ends the one before."""
        section = (event.summary, event.section)
        turn = b"" if section == self._section else self._turn(line, section)
        self._said.append(event.text)
        assert self._form is not None
        return turn + self._form.frame(event.text, line.number())

    def end(self, line: Line, item: Item, end: ev.PartEnded, *, seals: bool) -> bytes:
        """The frames that end it. `seals`: the client wants `encrypted_content`."""
        written: JsonObject = {"id": self.id, "type": "reasoning", "summary": []}
        if end.status is not None:
            written["status"] = end.status
        if isinstance(item, Reasoning):
            written["summary"] = [{"type": "summary_text", "text": text} for text in item.summary]
            if item.content:
                written["content"] = [{"type": "reasoning_text", "text": text} for text in item.content]
            if item.proof is not None or (seals and item.content):
                written[SEALED] = close_seal(item.content, item.proof, item.extra)
        written.update(own_fields(end.extra))
        return self._close_section(line) + line.done(self.index, written)

    def _turn(self, line: Line, section: tuple[bool, int]) -> bytes:
        closed = self._close_section(line)
        self._section, self._said = section, []
        summary, _ = section
        kind = "response.reasoning_summary_text.delta" if summary else "response.reasoning_text.delta"
        self._form = DeltaForm(kind, self._where(), {})
        return closed + self._around(line, "added", "")

    def _close_section(self, line: Line) -> bytes:
        if self._section is None:
            return b""
        text = "".join(self._said)
        kind = "response.reasoning_summary_text.done" if self._section[0] else "response.reasoning_text.done"
        return line.frame(kind, **self._where(), text=text) + self._around(line, "done", text)

    def _around(self, line: Line, what: str, text: str) -> bytes:
        summary = self._section is not None and self._section[0]
        kind = "response.reasoning_summary_part" if summary else "response.content_part"
        part = {"type": "summary_text" if summary else "reasoning_text", "text": text}
        return line.frame(f"{kind}.{what}", **self._where(), part=part)

    def _where(self) -> JsonObject:
        summary, section = self._section or (True, 0)
        return {"item_id": self.id, "output_index": self.index, "summary_index" if summary else "content_index": section}


class OpenCall:
    """A tool call of the client's."""

    def __init__(self, line: Line, start: ev.CallStarted) -> None:
        self.index = line.place()
        self.id = line.id(_PREFIXES[start.kind], start.id, self.index)
        self._call = Call(start.call_id or f"call_{self.id}", start.name, "", start.kind, start.namespace, id=self.id)
        kind = "response.custom_tool_call_input.delta" if start.kind == "custom" else "response.function_call_arguments.delta"
        self._where: JsonObject = {"item_id": self.id, "output_index": self.index}
        # The API has no deltas for the arguments of a search, which are an object.
        self.form = DeltaForm(kind, self._where, {}) if start.kind != "search" else None

    def begin(self, line: Line) -> bytes:
        """The frame that announces it."""
        return line.added(self.index, self._item("", "in_progress"))

    def end(self, line: Line, item: Item, end: ev.PartEnded) -> bytes:
        """The frames that end it."""
        arguments = item.arguments if isinstance(item, Call) else ""
        kept = own_fields(end.extra)
        repeated = self._repeat(line, arguments)
        done = repeated + line.done(self.index, {**self._item(arguments, end.status or "completed"), **kept})
        return done + _carried(line, msgspec.structs.replace(self._call, proof=end.proof, extra=end.extra))

    def _repeat(self, line: Line, arguments: str) -> bytes:
        if self._call.kind == "function":
            return line.frame("response.function_call_arguments.done", **self._where, name=self._call.name, arguments=arguments)
        if self._call.kind == "custom":
            return line.frame("response.custom_tool_call_input.done", **self._where, input=arguments)
        return b""

    def _item(self, arguments: str, status: str) -> JsonObject:
        written = write_item(msgspec.structs.replace(self._call, arguments=arguments))
        return {**(written or {}), "status": status}


def _carried(line: Line, call: Call) -> bytes:
    """The item that brings the call's proof, if it has one: whole from its beginning."""
    item = carrier(call)
    if item is None:
        return b""
    index = line.place()
    item = {"id": line.id("rs", None, index), **item}
    return line.added(index, item) + line.done(index, item)
