"""A stream folded into a whole reply."""

from __future__ import annotations

import pytest

from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.response import Choice, Response
from dragoman.ir.usage import Usage


def fold(*events: ev.Event) -> Fold:
    folded = Fold()
    for event in events:
        folded.feed(event)
    return folded


def test_a_reply_is_put_together() -> None:
    proof, citation = ir.Proof("x", "sig"), ir.Citation("x", {"url": "u"})
    given = ir.OpaqueItem("x", "image", {})

    response = fold(
        ev.Started("r", "m", 7, {"x": {"a": 1}}),
        ev.ReasoningStarted(0, id="rs"),
        ev.ReasoningDelta(0, "b", summary=True, section=1),
        ev.ReasoningDelta(0, "a", summary=True, section=0),
        ev.ReasoningDelta(0, "full"),
        ev.PartEnded(0, proof),
        ev.CallStarted(2, "c", "f", kind="custom", namespace="n", id="fc"),
        ev.TextStarted(1, message_id="msg", phase="commentary"),
        ev.TextDelta(1, "He"),
        ev.CallDelta(2, "x"),
        ev.TextDelta(1, "llo", [{"token": "llo"}]),
        ev.Cited(1, citation),
        ev.CallDelta(2, "y"),
        ev.PartEnded(2, extra={"x": {"later": 1}}),
        ev.PartEnded(1),
        ev.ItemGiven(3, given),
        ev.UsageReported(Usage(1, 1)),
        ev.UsageReported(Usage(1, 2)),
        ev.Warned("field", "why"),
        ev.Opaque("x", "n", b"{}"),
        ev.Pinged(),
        ev.Finished("tool_calls", detail="d"),
        ev.Ended({"x": {"b": 2}}),
    ).response()

    assert response == Response(
        "r",
        "m",
        (
            Choice(
                0,
                (
                    ir.Reasoning(("a", "b"), ("full",), proof, "rs"),
                    ir.Message("assistant", (ir.Text("Hello", citations=(citation,), logprobs=({"token": "llo"},)),), "msg", "commentary"),
                    ir.Call("c", "f", "xy", "custom", "n", id="fc", extra={"x": {"later": 1}}),
                    given,
                ),
                "tool_calls",
                "d",
            ),
        ),
        7,
        Usage(1, 2),
        (("field", "why"),),
        {"x": {"a": 1}},
        {"x": {"b": 2}},
    )


def test_choices_are_kept_apart() -> None:
    response = fold(
        ev.Started(),
        ev.TextStarted(0, choice=1),
        ev.TextStarted(1, choice=0),
        ev.TextDelta(0, "one"),
        ev.TextDelta(1, "zero"),
        ev.PartEnded(0),
        ev.PartEnded(1),
        ev.Finished("length", choice=1),
        ev.Ended(),
    ).response()

    assert [(choice.index, choice.reason, choice.items) for choice in response.choices] == [
        (0, "stop", (ir.Message("assistant", (ir.Text("zero"),)),)),
        (1, "length", (ir.Message("assistant", (ir.Text("one"),)),)),
    ]


def test_the_end_of_a_part_gives_the_finished_item() -> None:
    folded = fold(ev.Started(), ev.CallStarted(0, "c", "f"))

    assert folded.feed(ev.CallDelta(0, "{}")) is None
    assert folded.feed(ev.PartEnded(0)) == ir.Call("c", "f", "{}")


def test_an_empty_reply_has_one_empty_choice() -> None:
    assert fold(ev.Started("r"), ev.Ended()).response() == Response("r", "", (Choice(0, ()),))


def test_a_stream_that_failed_raises_its_error() -> None:
    error = GatewayError(Kind.OVERLOADED, "busy")

    with pytest.raises(GatewayError) as caught:
        fold(ev.Started(), ev.Failed(error)).response()

    assert caught.value is error


def test_a_stream_that_never_ended_was_cut() -> None:
    with pytest.raises(GatewayError) as caught:
        fold(ev.Started(), ev.TextStarted(0), ev.TextDelta(0, "half")).response()

    assert (caught.value.kind, caught.value.source) == (Kind.CUT, "upstream")


def test_of_parts_that_were_cut_there_is_what_came() -> None:
    folded = fold(
        ev.Started(),
        ev.TextStarted(0),
        ev.TextDelta(0, "whole"),
        ev.PartEnded(0),
        ev.TextStarted(1),
        ev.TextDelta(1, "ha"),
        ev.CallStarted(2, call_id="c", name="run"),
        ev.CallDelta(2, '{"a'),
    )

    assert list(folded.cut()) == [ir.Message("assistant", (ir.Text("ha"),)), ir.Call("c", "run", '{"a')]
    assert list(folded.cut()) == []
