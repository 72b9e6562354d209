"""Fold a stream into a whole reply, and keep what writers need of the parts that are still open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec

from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Call, Citation, Item, Message, Reasoning, Text
from dragoman.ir.response import Choice, Response
from dragoman.ir.usage import Usage


class _Open(msgspec.Struct, gc=False):
    """A part under way: its start event and what came for it."""

    start: ev.TextStarted | ev.ReasoningStarted | ev.CallStarted
    texts: list[str]
    sections: dict[tuple[bool, int], list[str]]
    citations: list[Citation]
    logprobs: list[Any]


class Fold:
    """Feed it every event; `close_part` builds the finished item of a part, `response` the whole reply."""

    def __init__(self) -> None:
        self.started: ev.Started | None = None
        self.ended: ev.Ended | None = None
        self.failed: GatewayError | None = None
        self.usage: Usage | None = None
        self.warnings: list[tuple[str, str]] = []
        self._open: dict[int, _Open] = {}
        self._done: dict[int, list[tuple[int, Item]]] = {}
        self._finished: dict[int, ev.Finished] = {}

    def feed(self, event: ev.Event) -> Item | None:
        """Take one event. Returns the finished item when the event ended a part."""
        handler = self._TABLE.get(type(event))
        return handler(self, event) if handler is not None else None

    def cut(self) -> Iterator[Item]:
        """What came of the parts that are under way, where nothing more will come."""
        for number in tuple(self._open):
            yield self._on_part_ended(ev.PartEnded(number))

    def response(self) -> Response:
        """The whole reply. Raises the stream's error if it failed, `cut` if it never ended."""
        if self.failed is not None:
            raise self.failed
        if self.ended is None:
            raise GatewayError(Kind.CUT, "the provider's answer ended before it was complete", source="upstream")
        start = self.started or ev.Started()
        indexes = sorted(set(self._done) | set(self._finished)) or [0]
        return Response(
            id=start.id,
            model=start.model,
            created_s=start.created_s,
            choices=tuple(self._choice(index) for index in indexes),
            usage=self.usage,
            warnings=tuple(self.warnings),
            started_extra=start.extra,
            ended_extra=self.ended.extra,
        )

    def _choice(self, index: int) -> Choice:
        items = tuple(item for _, item in sorted(self._done.get(index, []), key=lambda pair: pair[0]))
        finished = self._finished.get(index)
        if finished is None:
            return Choice(index, items)
        return Choice(index, items, finished.reason, finished.detail)

    def _on_started(self, event: ev.Started) -> None:
        self.started = event

    def _on_start(self, event: ev.TextStarted | ev.ReasoningStarted | ev.CallStarted) -> None:
        self._open[event.part] = _Open(event, [], {}, [], [])

    def _on_text(self, event: ev.TextDelta) -> None:
        part = self._open[event.part]
        part.texts.append(event.text)
        if event.logprobs:
            part.logprobs.extend(event.logprobs)

    def _on_call(self, event: ev.CallDelta) -> None:
        self._open[event.part].texts.append(event.text)

    def _on_cited(self, event: ev.Cited) -> None:
        self._open[event.part].citations.append(event.citation)

    def _on_thought(self, event: ev.ReasoningDelta) -> None:
        self._open[event.part].sections.setdefault((event.summary, event.section), []).append(event.text)

    def _on_given(self, event: ev.ItemGiven) -> Item:
        self._done.setdefault(event.choice, []).append((event.part, event.item))
        return event.item

    def _on_part_ended(self, event: ev.PartEnded) -> Item:
        part = self._open.pop(event.part)
        item = _finish(part, event)
        self._done.setdefault(part.start.choice, []).append((event.part, item))
        return item

    def _on_usage(self, event: ev.UsageReported) -> None:
        self.usage = event.usage

    def _on_finished(self, event: ev.Finished) -> None:
        self._finished[event.choice] = event

    def _on_ended(self, event: ev.Ended) -> None:
        self.ended = event

    def _on_failed(self, event: ev.Failed) -> None:
        self.failed = event.error

    def _on_warned(self, event: ev.Warned) -> None:
        self.warnings.append((event.field, event.why))

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Item | None]]] = {
        ev.Started: _on_started,
        ev.TextStarted: _on_start,
        ev.ReasoningStarted: _on_start,
        ev.CallStarted: _on_start,
        ev.TextDelta: _on_text,
        ev.CallDelta: _on_call,
        ev.Cited: _on_cited,
        ev.ReasoningDelta: _on_thought,
        ev.ItemGiven: _on_given,
        ev.PartEnded: _on_part_ended,
        ev.UsageReported: _on_usage,
        ev.Finished: _on_finished,
        ev.Ended: _on_ended,
        ev.Failed: _on_failed,
        ev.Warned: _on_warned,
    }


def _finish(part: _Open, end: ev.PartEnded) -> Item:
    start = part.start
    if isinstance(start, ev.TextStarted):
        text = Text("".join(part.texts), refusal=start.refusal, citations=tuple(part.citations), logprobs=tuple(part.logprobs))
        return Message("assistant", (text,), id=start.message_id, phase=start.phase, extra=end.extra)
    if isinstance(start, ev.ReasoningStarted):
        ordered = sorted(part.sections.items())
        return Reasoning(
            summary=tuple("".join(texts) for (is_summary, _), texts in ordered if is_summary),
            content=tuple("".join(texts) for (is_summary, _), texts in ordered if not is_summary),
            proof=end.proof,
            id=start.id,
            extra=end.extra,
        )
    return Call(
        call_id=start.call_id,
        name=start.name,
        arguments="".join(part.texts),
        kind=start.kind,
        namespace=start.namespace,
        executor=start.executor,
        id=start.id,
        proof=end.proof,
        extra=end.extra,
    )
