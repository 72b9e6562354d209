"""Replies to neutral events: chunk by chunk, or a whole reply at once. Every chunk is a reply of its own, with the parts that are new.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent

When is a stream complete? There is no end mark: every candidate has said why it finished, and then the bytes are over.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.generate.candidate import FAILING, UNDECLARED, Candidate
from dragoman.dialects.generate.enums import BLOCK_REASON, FINISH_REASON, word
from dragoman.dialects.generate.errors import error_inside, is_error
from dragoman.dialects.generate.plain import PlainChunk, read_plain
from dragoman.dialects.generate.remainder import NAME, text_or_none
from dragoman.dialects.generate.searches import Searches
from dragoman.dialects.generate.usage import read_usage, tells_counts
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Frame
from dragoman.wire.not_json import NOT_JSON

_decode = msgspec.json.Decoder().decode

_TOP_KNOWN = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "promptFeedback", "error"})
_CANDIDATE_KNOWN = frozenset({"content", "finishReason", "finishMessage", "index"})

MORE = "$candidates"
"""Name in Ended.extra of a whole reply: what its candidates said that has no neutral form."""


class Reader:
    """Reads one reply. `feed` never raises: what is wrong becomes Failed."""

    def __init__(self, quirks: Quirks) -> None:
        self._parts = itertools.count()
        self._candidates: dict[int, Candidate] = {}
        self._started = False
        self._over = False
        self._seed = ""
        self._searches = Searches()
        self._usage: JsonObject = {}
        self._counts = b""
        """Counts that are newer than `_usage`, not yet decoded."""
        self._told: JsonObject = {}
        self.rest: JsonObject | None = None
        """Where the leftovers of a whole reply gather, which has no Opaque events: a fold keeps only what Ended says."""

    def feed(self, frame: Frame) -> Iterable[ev.Event]:
        """Translate one frame."""
        if self._over:
            return ()
        if self._candidates and (plain := read_plain(frame.data)) is not None and (said := self._plain(plain)) is not None:
            return said
        try:
            chunk: Any = _decode(frame.data)
        except NOT_JSON:
            return self._fail(_not_json(frame.data))
        out: list[ev.Event] = []
        if type(chunk) is dict and "error" not in chunk:
            self.chunk(chunk, out)  # pyright: ignore[reportUnknownArgumentType]
        elif is_error(chunk) or frame.name == "error" or not isinstance(chunk, dict):
            return self._fail(error_inside(chunk))
        else:
            self.chunk(chunk, out)  # pyright: ignore[reportUnknownArgumentType]
        return out

    def close(self) -> Iterable[ev.Event]:
        """The bytes are over."""
        if self._over:
            return ()
        if self._candidates and all(candidate.reason is not None for candidate in self._candidates.values()):
            return self.end()
        return self._fail(GatewayError(Kind.CUT, "the provider's answer ended before it was complete", source="upstream"))

    def chunk(self, chunk: JsonObject, out: list[ev.Event]) -> None:
        """Translate one decoded chunk."""
        if not self._started:
            self._start(chunk, out)
        usage = chunk.get("usageMetadata")
        if usage is not None and tells_counts(usage):
            # Counts run through all chunks; the last ones hold.
            self._usage, self._counts = usage, b""
        if not _TOP_KNOWN.issuperset(chunk):
            self._more(chunk, out)
        for value in objects(chunk.get("candidates")):
            self._candidate(value, out)
            if self._over:
                return
        if "promptFeedback" in chunk:
            self._feedback(chunk["promptFeedback"], out)

    def conclude(self) -> Iterable[ev.Event]:
        """The end of a reply that came in one piece: what said something has finished, also where no reason is given."""
        for candidate in self._candidates.values():
            if candidate.reason is None and candidate.spoke:
                candidate.reason = "STOP"
        return self.close()

    def end(self) -> list[ev.Event]:
        """The events of a proper end."""
        out: list[ev.Event] = []
        for candidate in self._candidates.values():
            candidate.close(out)
        self._report(out)
        out.extend(candidate.finished() for candidate in self._candidates.values())
        out.append(ev.Ended({NAME: self.rest} if self.rest else None))
        self._over = True
        return out

    def _plain(self, chunk: PlainChunk) -> list[ev.Event] | None:
        """A chunk of words for candidates that are known; None for any other."""
        out: list[ev.Event] = []
        counts = bytes(chunk.usageMetadata)
        if not counts.isascii():
            return None  # not checked to be text so far, and numbers need no other letters
        for said in chunk.candidates:
            if said.index not in self._candidates:
                return None
        for said in chunk.candidates:
            for part in said.content.parts:
                if part.text:
                    self._candidates[said.index].say(part.text, part.thought, out)
        if b'TokenCount"' in counts:
            self._counts = counts
        return out

    def _start(self, chunk: JsonObject, out: list[ev.Event]) -> None:
        self._started = True
        reply_id, model = text_or_none(chunk.get("responseId")) or "", text_or_none(chunk.get("modelVersion")) or ""
        created = chunk.get("createTime")
        self._seed = f"{reply_id}/{created}/{model}"
        head = {NAME: {"createTime": created}} if created is not None else None
        out.append(ev.Started(reply_id, model, _seconds(created), head))

    def _candidate(self, value: JsonObject, out: list[ev.Event]) -> None:
        index = value.get("index")
        index = index if type(index) is int else 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = Candidate(index, self._parts, self._seed)
        content, reason = value.get("content"), word(value.get("finishReason"), FINISH_REASON)
        if isinstance(content, dict):
            candidate.feed(content, out, over=reason is not None)  # pyright: ignore[reportUnknownArgumentType]
        if not _CANDIDATE_KNOWN.issuperset(value):
            grounding = object_or_empty(value.get("groundingMetadata"))
            self._searches.add(grounding)
            candidate.cite(grounding, out)
            self._candidate_more(index, value, out)
        if reason is not None:
            self._finish(candidate, reason, text_or_none(value.get("finishMessage")), out)

    def _finish(self, candidate: Candidate, reason: str, message: str | None, out: list[ev.Event]) -> None:
        kind = FAILING.get(reason)
        if kind is None or (reason == UNDECLARED and candidate.called):
            candidate.reason, candidate.detail = reason, message
            return
        words = f"the model's answer broke off with `{reason}`" + (f": {message}" if message else "")
        out.extend(self._fail(GatewayError(kind, words[:2000], source="upstream", code=reason)))

    def _feedback(self, value: Any, out: list[ev.Event]) -> None:
        feedback = object_or_empty(value)
        reason = word(feedback.get("blockReason"), BLOCK_REASON)
        if reason is None or self._candidates:
            self._opaque("promptFeedback", {"promptFeedback": feedback}, out)
            return
        message = text_or_none(feedback.get("blockReasonMessage"))
        words = f"the provider blocked the prompt (`{reason}`)" + (f": {message}" if message else "")
        out.extend(self._fail(GatewayError(Kind.CONTENT_POLICY, words[:2000], source="upstream", code=reason)))

    def _more(self, chunk: JsonObject, out: list[ev.Event]) -> None:
        more = {key: value for key, value in chunk.items() if key not in _TOP_KNOWN and self._told.get(key) != value}
        if more:
            self._told.update(more)
            self._opaque(next(iter(more)), more, out)

    def _candidate_more(self, index: int, value: JsonObject, out: list[ev.Event]) -> None:
        more = {key: field for key, field in value.items() if key not in _CANDIDATE_KNOWN}
        self._opaque(f"candidate.{next(iter(more))}", {"candidates": [{"index": index, **more}]}, out)

    def _opaque(self, name: str, value: JsonObject, out: list[ev.Event]) -> None:
        if self.rest is None:
            out.append(ev.Opaque(NAME, name, msgspec.json.encode(value)))
        elif "candidates" in value:
            self.rest.setdefault(MORE, []).extend(value["candidates"])
        else:
            self.rest.update(value)

    def _report(self, out: list[ev.Event]) -> None:
        if self._counts:
            counts = _decode(self._counts)
            self._usage = counts if tells_counts(counts) else self._usage
        if self._usage:
            out.append(ev.UsageReported(self._searches.counted(read_usage(self._usage))))

    def _fail(self, error: GatewayError) -> list[ev.Event]:
        out: list[ev.Event] = []
        self._report(out)
        self._over = True
        return [*out, ev.Failed(error)]


def read_response(body: bytes, quirks: Quirks) -> list[ev.Event]:
    """A whole reply as the events of a stream that arrived at once; a JSON array of chunks is one too.

    Raises GatewayError for an error that came with status 200 and for what is no reply.
    """
    try:
        value: Any = _decode(body)
    except NOT_JSON as error:
        raise _not_json(body) from error
    chunks: list[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
    reader = Reader(quirks)
    reader.rest = {}
    out: list[ev.Event] = []
    for chunk in chunks:
        if not isinstance(chunk, dict) or is_error(chunk):  # pyright: ignore[reportUnknownArgumentType]
            raise error_inside(chunk)
        reader.chunk(chunk, out)  # pyright: ignore[reportUnknownArgumentType]
    if not any(isinstance(event, ev.Failed) for event in out):
        out.extend(reader.close() if isinstance(value, list) else reader.conclude())
    failed = next((event for event in out if isinstance(event, ev.Failed)), None)
    if failed is not None:
        raise failed.error
    return out


def _seconds(created: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp()) if isinstance(created, str) else None
    except (ValueError, OverflowError):
        return None


def _not_json(data: bytes) -> GatewayError:
    start = data[:80].decode("utf-8", "replace")
    return GatewayError(Kind.GARBLED, f"the provider's answer is not JSON where JSON should be: `{start}`", source="upstream")
