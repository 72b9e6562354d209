"""One answer over several attempts: what the next one is asked after a stream broke, and how its events join on to the stream.

Feed it every event before it goes to the client's writer. When an attempt broke, `salvage` says what can be done; `go_on` gives the
request of the next attempt, whose events `feed` then maps onto the open stream: the client sees one beginning, one numbering of
parts, words that go on in the part that is open, usage of all attempts together, and one end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from dragoman.ir import events as ev
from dragoman.ir.request import Message, Request, Text
from dragoman.ir.usage import Usage
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.delivered import Delivered, Salvage, text_of
from dragoman.lower.joint import Joint
from dragoman.lower.thoughts import thinks

replace = msgspec.structs.replace

_ASK = """\
[Your answer above was cut off by a fault of the connection. The reader has all of it, up to its very last character.]

Go on from exactly there: begin with the very next character, a space or a line break if one comes next. Keep to language, format \
and tone. Repeat nothing, do not begin again, do not mention the interruption. If nothing is missing, answer with nothing."""
_LEAST_TOKENS = 16
"""The lowest limit of output tokens that all APIs take."""
_CHARS_A_TOKEN = 4


class Resumed(msgspec.Struct, frozen=True):
    """The next attempt: what it is asked (in the client's terms, to be fitted to the target), and the events that the client gets
    before those of the attempt."""

    request: Request
    events: tuple[ev.Event, ...]


class Rescue:
    """What the client of `asked` has of its answer."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._has = Delivered(asked)
        # Of the attempts that broke, and of the one under way; whether one of the former did not tell.
        self._spent: Usage | None = None
        self._usage: Usage | None = None
        self._untold = self._heard = False
        # From the second attempt on: part there -> part here (None: not shown), the text that waits for its rest, the words that join
        # on, and the new text that is no part yet since all of it was said before.
        self._numbers: dict[int, int | None] | None = None
        self._waiting: int | None = None
        self._joint: Joint | None = None
        self._begun: dict[int, ev.TextStarted] = {}
        self._before = self._owed = ""
        self._dropped = False

    @property
    def salvage(self) -> Salvage:
        """What can be done about the attempt that broke just now."""
        return self._has.salvage

    def feed(self, event: ev.Event) -> Iterable[ev.Event]:
        """The events that the client shall get for this one of the attempt under way."""
        self._heard = True
        if self._numbers is None:
            if type(event) is ev.UsageReported:
                self._usage = event.usage
            self._has.feed(event)
            return (event,)
        handler = self._JOINING.get(type(event))
        return self._told((event,) if handler is None else handler(self, event))

    def go_on(self, caps: Capabilities) -> Resumed:
        """Begin the next attempt, at a target with these capabilities. `salvage` must be `anew` or `go_on`."""
        events = self._told(self._break_off())
        spoken = self._has.spoken()
        self._numbers = {}
        self._before, self._owed = text_of(spoken[-1]) if spoken else "", ""
        if not spoken:
            return Resumed(self._asked, events)
        shown = self._before.rstrip()
        prefills = caps.prefill and bool(shown) and not thinks(self._asked.reasoning)
        if prefills:
            # White space at the end is refused.
            self._owed = self._before[len(shown) :]
            spoken[-1] = Message("assistant", (Text(shown),))
        else:
            spoken.append(Message("user", (Text(_ASK),)))
        request = replace(self._asked, items=(*self._asked.items, *spoken), continues=prefills, max_tokens=self._tokens_left())
        return Resumed(request, events)

    def end(self) -> tuple[ev.Event, ...]:
        """What ends a stream that lacks but the mark of its end. `salvage` must be `end`."""
        return self._told((ev.Ended(),))

    def _told(self, events: Iterable[ev.Event]) -> tuple[ev.Event, ...]:
        told = tuple(events)
        for event in told:
            self._has.feed(event)
        return told

    def _tokens_left(self) -> int | None:
        most = self._asked.max_tokens
        return None if most is None else max(min(_LEAST_TOKENS, most), most - self._has.characters() // _CHARS_A_TOKEN)

    # ---- from one attempt to the next ----

    def _break_off(self) -> Iterable[ev.Event]:
        """Close what nobody can go on with: half a thought, and words that something else follows."""
        if self._joint is not None:
            yield from self._end_joint(self._joint, self._joint.cut())
        self._begun = {}
        if self._usage is not None:
            self._spent = self._usage if self._spent is None else self._spent.plus(self._usage)
        self._untold = self._untold or (self._heard and self._usage is None)
        self._usage, self._heard = None, False
        last = self._has.next - 1
        self._waiting = last if isinstance(self._has.open.get(last), ev.TextStarted) else None
        for part in list(self._has.open):
            if part != self._waiting:
                yield ev.PartEnded(part, status="incomplete")

    def _on_started(self, event: ev.Started) -> Iterable[ev.Event]:
        return () if self._has.started else (event,)

    def _on_text_started(self, event: ev.TextStarted) -> Iterable[ev.Event]:
        waiting = self._waiting
        if waiting is not None and event.choice == 0 and not event.refusal:
            self._waiting = None
            self._assign(event.part, waiting)
            self._joint = Joint(waiting, self._before, self._owed, begin=len(self._before))
            return
        yield from self._let_go()
        part = self._place(event.part)
        if self._joint is None and not event.refusal and self._before:
            # The words before are complete: these are new, unless they are said again. Until then they are no part.
            self._joint = Joint(part, self._before, self._owed, begin=0)
            self._begun[part] = replace(event, part=part)
            return
        yield replace(event, part=part)

    def _on_text(self, event: ev.TextDelta) -> Iterable[ev.Event]:
        part = self._number(event.part)
        if part is None:
            return
        if self._joint is None or self._joint.part != part:
            yield replace(event, part=part)
            return
        text = self._joint.feed(event.text)
        if text == event.text and part not in self._begun:
            yield replace(event, part=part)
        else:
            yield from self._say(part, text)

    def _on_cited(self, event: ev.Cited) -> Iterable[ev.Event]:
        part = self._number(event.part)
        if self._joint is not None and self._joint.part == part:
            self._joint.cite(event.citation)
        elif part is not None:
            yield replace(event, part=part)

    def _on_thought_started(self, event: ev.ReasoningStarted) -> Iterable[ev.Event]:
        if self._waiting is not None:
            # Thoughts about how to go on: nothing may stand within the words that they are about.
            self._assign(event.part, None)
            return
        yield replace(event, part=self._place(event.part))

    def _on_call_started(self, event: ev.CallStarted) -> Iterable[ev.Event]:
        yield from self._let_go()
        yield replace(event, part=self._place(event.part))

    def _on_delta(self, event: ev.ReasoningDelta | ev.CallDelta) -> Iterable[ev.Event]:
        part = self._number(event.part)
        if part is not None:
            yield replace(event, part=part)

    def _on_given(self, event: ev.ItemGiven) -> Iterable[ev.Event]:
        yield from self._let_go()
        yield replace(event, part=self._place(event.part))

    def _on_part_ended(self, event: ev.PartEnded) -> Iterable[ev.Event]:
        part = self._number(event.part)
        if part is None:
            return
        if self._joint is not None and self._joint.part == part:
            yield from self._end_joint(self._joint, self._joint.close())
            self._before = ""
        if self._begun.pop(part, None) is None:
            yield replace(event, part=part)

    def _on_usage(self, event: ev.UsageReported) -> Iterable[ev.Event]:
        self._usage = event.usage
        yield event if self._spent is None else ev.UsageReported(self._spent.plus(event.usage))
        if self._untold:
            self._untold = False
            yield ev.Warned("usage", "an attempt that broke off did not tell its tokens")

    def _on_end(self, event: ev.Finished | ev.Ended) -> Iterable[ev.Event]:
        yield from self._let_go()
        yield event

    def _on_opaque(self, event: ev.Opaque) -> Iterable[ev.Event]:
        # Its numbers are those of a reply that the client does not see.
        if not self._dropped:
            self._dropped = True
            told = f"an answer that was gone on with has no frames that only `{event.dialect}` knows"
            yield ev.Warned(event.name or "stream", told)

    def _end_joint(self, joint: Joint, rest: str) -> Iterable[ev.Event]:
        """The last words that join on, and what all of them cite."""
        self._joint = None
        yield from self._say(joint.part, rest)
        if joint.part not in self._begun:
            for citation in joint.citations():
                yield ev.Cited(joint.part, citation)

    def _say(self, part: int, text: str) -> Iterable[ev.Event]:
        if not text:
            return
        begun = self._begun.pop(part, None)
        if begun is not None:
            yield begun
        yield ev.TextDelta(part, text)

    def _let_go(self) -> Iterable[ev.Event]:
        """End the text that waited for more words: none came before what comes now."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            yield ev.PartEnded(waiting)

    def _place(self, part: int) -> int:
        number = self._has.next
        self._has.next += 1
        self._assign(part, number)
        return number

    def _assign(self, part: int, number: int | None) -> None:
        if self._numbers is not None:
            self._numbers[part] = number

    def _number(self, part: int) -> int | None:
        return self._numbers.get(part) if self._numbers is not None else part

    _JOINING: ClassVar[dict[type, Callable[[Any, Any], Iterable[ev.Event]]]] = {
        ev.Started: _on_started,
        ev.TextStarted: _on_text_started,
        ev.TextDelta: _on_text,
        ev.Cited: _on_cited,
        ev.ReasoningStarted: _on_thought_started,
        ev.ReasoningDelta: _on_delta,
        ev.CallStarted: _on_call_started,
        ev.CallDelta: _on_delta,
        ev.ItemGiven: _on_given,
        ev.PartEnded: _on_part_ended,
        ev.UsageReported: _on_usage,
        ev.Finished: _on_end,
        ev.Ended: _on_end,
        ev.Opaque: _on_opaque,
    }
