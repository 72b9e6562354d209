"""A conversation is compacted over any target, and goes on over any other."""

from __future__ import annotations

import pytest

from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.request import (
    GATEWAY,
    Call,
    Compaction,
    CompactionTrigger,
    FunctionTool,
    Item,
    Message,
    OutputFormat,
    Proof,
    Request,
    Result,
    Text,
    ToolChoice,
)
from dragoman.ir.usage import Usage
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower
from dragoman.lower.restore import Restore

HI = Message("user", (Text("hi"),))
HISTORY: tuple[Item, ...] = (HI, Call("a", "f", "{}"), Result("a", (Text("x"),)))
TRIGGERED = Request("m", (*HISTORY, CompactionTrigger()), tools=(FunctionTool("f"),), output=OutputFormat("json"))
CHAT = Capabilities()
NATIVE = Capabilities(dialect="responses", proofs=frozenset({"responses"}), compaction=True)
OURS = Compaction(Proof(GATEWAY, "All is well.", "summary"))
THEIRS = Compaction(Proof("responses", "gAAAA", "encrypted_content"))


def run(restore: Restore, *events: ev.Event) -> list[ev.Event]:
    out = [restored for event in events for restored in restore.feed(event)]
    grammar = Grammar()
    for event in out:
        grammar.feed(event)
    return out


def answer(text: str, reason: ev.FinishReason = "stop") -> tuple[ev.Event, ...]:
    return (
        ev.Started("id", "m"),
        ev.ReasoningStarted(0),
        ev.ReasoningDelta(0, "hm"),
        ev.PartEnded(0),
        ev.TextStarted(1),
        *(ev.TextDelta(1, piece) for piece in text),
        ev.PartEnded(1),
        ev.CallStarted(2, "c", "f"),
        ev.CallDelta(2, "{}"),
        ev.PartEnded(2),
        ev.UsageReported(Usage(5, 2)),
        ev.Finished(reason),
        ev.Ended(),
    )


def test_a_trigger_asks_a_target_without_compaction_for_a_handover() -> None:
    asked = lower(TRIGGERED, CHAT).request

    assert asked.items[:-1] == HISTORY
    prompt = asked.items[-1]
    assert isinstance(prompt, Message)
    assert prompt.role == "user"
    assert (asked.tools, asked.tool_choice, asked.output) == (TRIGGERED.tools, ToolChoice("none"), None)


def test_a_trigger_goes_to_a_target_that_compacts_by_itself() -> None:
    lowered = lower(TRIGGERED, NATIVE)

    assert (lowered.request.items, lowered.restore.active) == (TRIGGERED.items, False)


def test_the_answer_is_exactly_one_sealed_item_and_the_usage() -> None:
    out = run(lower(TRIGGERED, CHAT).restore, *answer("It works."))

    given = ev.ItemGiven(0, Compaction(Proof(GATEWAY, "It works.", "summary")))
    assert out == [ev.Started("id", "m"), ev.UsageReported(Usage(5, 2)), given, ev.Finished("stop"), ev.Ended()]


def test_a_long_summary_gives_signs_of_life() -> None:
    out = run(lower(TRIGGERED, CHAT).restore, *answer("word " * 1000))

    assert 10 < sum(isinstance(event, ev.Pinged) for event in out) < 1000


def test_a_summary_that_was_cut_says_so() -> None:
    out = run(lower(TRIGGERED, CHAT).restore, *answer("Half", "length"))

    fold = Fold()
    for event in out:
        fold.feed(event)
    (item,) = fold.response().choices[0].items
    assert isinstance(item, Compaction)
    assert item.proof.data.startswith("Half\n\n[The handover was cut off")
    assert [warning[0] for warning in fold.response().warnings] == ["compaction"]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_summary_is_a_failure_that_may_be_tried_again(text: str) -> None:
    last = run(lower(TRIGGERED, CHAT).restore, *answer(text, "tool_calls")[:-1])[-1]

    assert isinstance(last, ev.Failed)
    assert (last.error.kind, "tool_calls" in last.error.message) == (Kind.SERVER_ERROR, True)


@pytest.mark.parametrize("caps", [CHAT, NATIVE])
def test_a_handover_is_told_to_any_target(caps: Capabilities) -> None:
    lowered = lower(Request("m", (HI, OURS)), caps)

    told = lowered.request.items[1]
    assert isinstance(told, Message)
    assert told.role == "user"
    (text,) = told.parts
    assert isinstance(text, Text)
    assert text.text.endswith("<handover>\nAll is well.\n</handover>")
    assert lowered.warnings == []


def test_what_a_provider_compacted_goes_on_with_that_provider_only() -> None:
    assert lower(Request("m", (HI, THEIRS)), NATIVE, "openai/gpt").request.items == (HI, THEIRS)

    with pytest.raises(GatewayError, match="only its own provider can read") as caught:
        lower(Request("m", (HI, THEIRS)), CHAT)
    assert caught.value.kind == Kind.UNSUPPORTED


def test_the_refusal_names_who_can_read_it() -> None:
    item = Compaction(Proof("responses", "gAAAA", "encrypted_content", "openai/gpt-6"))

    with pytest.raises(GatewayError, match="only `openai/gpt-6` can read"):
        lower(Request("m", (item,)), NATIVE, "azure/gpt-6")
