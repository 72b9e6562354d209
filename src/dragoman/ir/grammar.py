"""Which event may follow which: the rules of a stream, as a checker. The tests and the fuzzer hold every reader against it; a gateway at
work trusts its readers."""

from __future__ import annotations

from dragoman.ir import events as ev

_STARTS = (ev.TextStarted, ev.ReasoningStarted, ev.CallStarted)
_DELTAS: dict[type, type] = {
    ev.TextDelta: ev.TextStarted,
    ev.Cited: ev.TextStarted,
    ev.ReasoningDelta: ev.ReasoningStarted,
    ev.CallDelta: ev.CallStarted,
}
_ANYWHERE = (ev.UsageReported, ev.Warned, ev.Opaque, ev.Pinged)


class GrammarError(Exception):
    """An event stood where it may not. Always a bug of a reader."""


class Grammar:
    """Feed it every event in order; it raises GrammarError at the first that breaks the rules."""

    def __init__(self) -> None:
        self.started = False
        self.ended = False
        self._open: dict[int, type] = {}
        self._seen: set[int] = set()

    def feed(self, event: ev.Event) -> None:
        """Check one event."""
        if self.ended:
            raise GrammarError(f"{type(event).__name__} after the end")
        if isinstance(event, ev.Failed):
            self.ended = True
        elif isinstance(event, ev.Started):
            self._start()
        elif not isinstance(event, _ANYWHERE):
            self._inside(event)

    def _start(self) -> None:
        if self.started:
            raise GrammarError("Started twice")
        self.started = True

    def _inside(self, event: ev.Event) -> None:
        if not self.started:
            raise GrammarError(f"{type(event).__name__} before Started")
        if isinstance(event, _STARTS):
            self._begin(event.part, type(event))
        elif isinstance(event, ev.ItemGiven):
            self._begin(event.part, type(event))
            del self._open[event.part]
        elif isinstance(event, ev.PartEnded):
            if self._open.pop(event.part, None) is None:
                raise GrammarError(f"part {event.part} ended but is not open")
        elif isinstance(event, (ev.TextDelta, ev.Cited, ev.ReasoningDelta, ev.CallDelta)):
            if self._open.get(event.part) is not _DELTAS[type(event)]:
                raise GrammarError(f"{type(event).__name__} for part {event.part}, which is not open as such")
        elif isinstance(event, ev.Ended):
            self._end()

    def _begin(self, part: int, kind: type) -> None:
        if part in self._seen:
            raise GrammarError(f"part {part} started twice")
        self._seen.add(part)
        self._open[part] = kind

    def _end(self) -> None:
        if self._open:
            raise GrammarError(f"ended with open parts {sorted(self._open)}")
        self.ended = True
