"""Which event may follow which."""

from __future__ import annotations

import pytest

from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.grammar import Grammar, GrammarError
from dragoman.ir.usage import Usage

START, END, FAILED = ev.Started(), ev.Ended(), ev.Failed(GatewayError(Kind.CUT, "cut"))
GIVEN = ev.ItemGiven(0, ir.CompactionTrigger())


def feed(*events: ev.Event) -> Grammar:
    grammar = Grammar()
    for event in events:
        grammar.feed(event)
    return grammar


@pytest.mark.parametrize(
    "events",
    [
        (START, END),
        (FAILED,),
        (START, ev.TextStarted(0), FAILED),
        (ev.Pinged(), START, ev.UsageReported(Usage()), END),
        (
            START,
            ev.TextStarted(0),
            ev.CallStarted(5, "c", "f"),
            ev.TextDelta(0, "x"),
            ev.CallDelta(5, "y"),
            ev.PartEnded(0),
            ev.PartEnded(5),
            END,
        ),
        (
            START,
            ev.ReasoningStarted(1),
            ev.Opaque("x", "n", b""),
            ev.ReasoningDelta(1, "x"),
            ev.PartEnded(1),
            GIVEN,
            ev.Finished("stop"),
            END,
        ),
    ],
)
def test_a_well_formed_stream_passes(events: tuple[ev.Event, ...]) -> None:
    assert feed(*events).ended


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((START, START), "Started twice"),
        ((ev.TextStarted(0),), "TextStarted before Started"),
        ((END,), "Ended before Started"),
        ((START, END, ev.Pinged()), "Pinged after the end"),
        ((FAILED, FAILED), "Failed after the end"),
        ((START, ev.TextDelta(0, "x")), "TextDelta for part 0, which is not open as such"),
        ((START, ev.CallStarted(0, "c", "f"), ev.TextDelta(0, "x")), "TextDelta for part 0, which is not open as such"),
        ((START, ev.TextStarted(0), ev.ReasoningDelta(0, "x")), "ReasoningDelta for part 0, which is not open as such"),
        ((START, GIVEN, ev.CallDelta(0, "x")), "CallDelta for part 0, which is not open as such"),
        ((START, GIVEN, GIVEN), "part 0 started twice"),
        ((START, ev.TextStarted(0), ev.PartEnded(0), ev.TextStarted(0)), "part 0 started twice"),
        ((START, ev.PartEnded(3)), "part 3 ended but is not open"),
        ((START, ev.TextStarted(2), END), "ended with open parts [2]"),
    ],
)
def test_a_stream_that_breaks_the_order_is_refused(events: tuple[ev.Event, ...], why: str) -> None:
    with pytest.raises(GrammarError) as caught:
        feed(*events)

    assert str(caught.value) == why
