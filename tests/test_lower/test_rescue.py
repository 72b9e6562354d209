"""One answer over several attempts: what can be saved of a stream that broke, what is asked next, and how the rest joins on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.ir import events as ev
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.request import (
    Call,
    Citation,
    Image,
    Inline,
    Item,
    Message,
    OutputFormat,
    Page,
    Proof,
    Reasoning,
    ReasoningWish,
    Request,
    Result,
    Text,
)
from dragoman.ir.usage import Usage
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.rescue import Rescue
from effort import tries

HI = Message("user", (Text("hi"),))
ASKED = Request("m", (HI,), stream=True)
PLAIN = Capabilities()
PREFILLED = Capabilities(prefill=True)
SIG = Proof("messages", "sig", "signature", "claude/x")

START = ev.Started("one", "m-1")
TEXT = (ev.TextStarted(0), ev.TextDelta(0, "The quick "), ev.TextDelta(0, "brown"))
THOUGHT = (ev.ReasoningStarted(0), ev.ReasoningDelta(0, "hm"))
PROVEN = (*THOUGHT, ev.PartEnded(0, SIG))
CALL = (ev.CallStarted(0, "c", "f"), ev.CallDelta(0, '{"a":'))


def broken(*events: ev.Event, asked: Request = ASKED) -> Rescue:
    rescue = Rescue(asked)
    for event in events:
        assert tuple(rescue.feed(event)) == (event,)
    return rescue


def fed(rescue: Rescue, *events: ev.Event) -> list[ev.Event]:
    return [told for event in events for told in rescue.feed(event)]


def said(text: str) -> Message:
    return Message("assistant", (Text(text),))


# ---- what can be done ----


@pytest.mark.parametrize(
    ("events", "salvage"),
    [
        ((), "anew"),
        ((START, ev.Pinged(), ev.UsageReported(Usage(5))), "anew"),
        ((START, *THOUGHT), "anew"),
        ((START, *PROVEN), "anew"),
        ((START, ev.TextStarted(0)), "anew"),
        ((START, *TEXT), "go_on"),
        ((START, *TEXT, ev.PartEnded(0)), "go_on"),
        ((START, *PROVEN, ev.TextStarted(1), ev.TextDelta(1, "x")), "go_on"),
        ((START, *CALL), "lost"),
        ((START, *CALL, ev.PartEnded(0)), "lost"),
        ((START, *TEXT, ev.CallStarted(1, "c", "f")), "lost"),
        ((START, ev.ItemGiven(0, Call("c", "f", "{}"))), "lost"),
        ((START, ev.ItemGiven(0, Call("c", "web_search", "{}", executor="provider"))), "anew"),
        ((START, *TEXT, ev.TextStarted(1, choice=1), ev.TextDelta(1, "x")), "lost"),
        ((START, *TEXT, ev.PartEnded(0), ev.Finished("stop")), "end"),
        ((START, *CALL, ev.PartEnded(0), ev.Finished("tool_calls")), "end"),
    ],
)
def test_what_can_be_saved_depends_on_where_it_broke(events: tuple[ev.Event, ...], salvage: str) -> None:
    assert broken(*events).salvage == salvage


def test_half_a_document_that_must_fit_a_schema_is_lost() -> None:
    asked = Request("m", (HI,), output=OutputFormat("schema", "s", {"type": "object"}))

    assert broken(START, *TEXT, asked=asked).salvage == "lost"
    assert broken(START, *THOUGHT, asked=asked).salvage == "anew"


def test_several_answers_at_once_are_lost() -> None:
    assert broken(START, *TEXT, asked=Request("m", (HI,), choices=2)).salvage == "lost"


# ---- what is asked next ----


def asks(rescue: Rescue, caps: Capabilities = PLAIN) -> tuple[Item, ...]:
    return rescue.go_on(caps).request.items[1:]


def test_where_no_word_was_said_the_very_same_is_asked_again() -> None:
    rescue = broken(START, *PROVEN)

    assert rescue.go_on(PLAIN).request is ASKED


def test_a_target_is_told_in_words_to_go_on() -> None:
    request = broken(START, *TEXT).go_on(PLAIN).request

    assert request.items[:-1] == (HI, said("The quick brown"))
    last = request.items[-1]
    assert isinstance(last, Message) and last.role == "user" and "cut off" in str(last.parts)
    assert not request.continues


def test_a_target_that_takes_a_prefill_gets_the_words_without_white_space_at_their_end() -> None:
    request = broken(START, *TEXT, ev.TextDelta(0, " \n")).go_on(PREFILLED).request

    assert request.items == (HI, said("The quick brown"))
    assert request.continues


def test_a_target_that_thinks_takes_no_prefill() -> None:
    asked = Request("m", (HI,), reasoning=ReasoningWish("high"))

    assert not broken(START, *TEXT, asked=asked).go_on(PREFILLED).request.continues


def test_a_proven_thought_goes_along_with_the_words_that_it_led_to() -> None:
    thought = Reasoning(content=("hm",), proof=SIG)

    assert asks(broken(START, *PROVEN, ev.TextStarted(1), ev.TextDelta(1, "x")))[:-1] == (thought, said("x"))
    assert asks(broken(START, *THOUGHT, ev.PartEnded(0), ev.TextStarted(1), ev.TextDelta(1, "x")))[:-1] == (said("x"),)


def test_a_search_of_the_provider_goes_along_only_with_its_result() -> None:
    search = Call("s", "web_search", "{}", executor="provider")
    result = Result("s", (Text("found"),), executor="provider")
    words = (ev.TextStarted(2), ev.TextDelta(2, "x"))

    assert asks(broken(START, ev.ItemGiven(0, search), ev.ItemGiven(1, result), *words))[:-1] == (search, result, said("x"))
    assert asks(broken(START, ev.ItemGiven(0, search), *words))[:-1] == (said("x"),)


@pytest.mark.parametrize(("most", "left"), [(None, None), (1000, 975), (30, 16), (5, 5)])
def test_the_limit_of_the_answer_holds_for_all_of_it(most: int | None, left: int | None) -> None:
    asked = Request("m", (HI,), max_tokens=most)

    assert broken(START, ev.TextStarted(0), ev.TextDelta(0, "word" * 25), asked=asked).go_on(PLAIN).request.max_tokens == left


# ---- how the rest joins on ----


REST = (ev.Started("two", "m-2"), ev.TextStarted(0), ev.TextDelta(0, " fox."), ev.PartEnded(0), ev.Finished("stop"), ev.Ended())


def test_words_go_on_in_the_part_that_is_open() -> None:
    rescue = broken(START, *TEXT)

    assert rescue.go_on(PLAIN).events == ()
    assert fed(rescue, *REST) == [ev.TextDelta(0, " fox."), ev.PartEnded(0), ev.Finished("stop"), ev.Ended()]


def test_words_that_are_said_again_are_taken_out() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)

    assert fed(rescue, *REST[:2], ev.TextDelta(0, "The quick"), ev.TextDelta(0, " brown fox.")) == [ev.TextDelta(0, " fox.")]


def test_what_words_that_go_on_cite_is_cited_at_its_place_in_all_of_them() -> None:
    own = {"type": "url_citation"}
    before = (ev.TextStarted(0), ev.TextDelta(0, "Look: the quick brown"))
    rescue = broken(START, *before)
    told = list(rescue.go_on(PLAIN).events)

    told += fed(rescue, START, ev.TextStarted(0), ev.TextDelta(0, "the quick brown fox and"), ev.TextDelta(0, " the dog"))
    told += fed(rescue, ev.Cited(0, Citation("responses", own, Page("https://a", "A", 16, 19))))
    told += fed(rescue, ev.Cited(0, Citation("responses", own, Page("https://b", "B", 0, 19))))
    told += fed(rescue, ev.Cited(0, Citation("messages", {"cited_text": "x"}, Page("https://c"))))
    told += fed(rescue, ev.Cited(0, Citation("messages", {"type": "char_location"})))
    told += fed(rescue, ev.PartEnded(0))

    assert "".join(event.text for event in (*before, *told) if isinstance(event, ev.TextDelta)) == "Look: the quick brown fox and the dog"
    assert [event for event in told if not isinstance(event, ev.TextDelta)] == [
        ev.Cited(0, Citation("", {}, Page("https://a", "A", 22, 25))),  # fox
        ev.Cited(0, Citation("", {}, Page("https://b", "B", 21, 25))),  # " fox": what was said before is not said here
        ev.Cited(0, Citation("messages", {"cited_text": "x"}, Page("https://c", None, 21, 37))),
        ev.Cited(0, Citation("messages", {"type": "char_location"})),
        ev.PartEnded(0),
    ]


def test_what_was_cited_is_told_where_the_stream_breaks_again() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)
    fed(rescue, START, ev.TextStarted(0), ev.TextDelta(0, " fox"), ev.Cited(0, Citation("chat", {}, Page("https://a", None, 1, 4))))

    assert rescue.go_on(PLAIN).events == (ev.Cited(0, Citation("", {}, Page("https://a", None, 16, 19))),)


def test_a_second_message_is_cited_from_its_own_beginning() -> None:
    rescue = broken(START, *TEXT, ev.PartEnded(0))
    rescue.go_on(PLAIN)

    told = fed(
        rescue,
        *(START, ev.TextStarted(0), ev.TextDelta(0, "The quick brown"), ev.TextDelta(0, " fox"), ev.PartEnded(0)),
        *(ev.TextStarted(1), ev.TextDelta(1, "And"), ev.Cited(1, Citation("chat", {}, Page("https://a", None, 0, 3))), ev.PartEnded(1)),
    )

    assert told[-3:] == [ev.TextDelta(2, "And"), ev.Cited(2, Citation("chat", {}, Page("https://a", None, 0, 3))), ev.PartEnded(2)]


def test_half_a_thought_is_ended_and_the_next_one_stands_behind_it() -> None:
    rescue = broken(START, *THOUGHT)

    assert rescue.go_on(PLAIN).events == (ev.PartEnded(0, status="incomplete"),)
    assert fed(rescue, ev.Started("two"), *PROVEN) == [ev.ReasoningStarted(1), ev.ReasoningDelta(1, "hm"), ev.PartEnded(1, SIG)]


def test_thoughts_about_how_to_go_on_are_not_put_into_the_words() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)

    assert fed(rescue, ev.Started("two"), *PROVEN, ev.TextStarted(1), ev.TextDelta(1, " fox")) == [ev.TextDelta(0, " fox")]


def test_a_call_ends_the_words_before_it() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)

    assert fed(rescue, ev.Started("two"), *CALL, ev.PartEnded(0)) == [
        ev.PartEnded(0),
        ev.CallStarted(1, "c", "f"),
        ev.CallDelta(1, '{"a":'),
        ev.PartEnded(1),
    ]


def test_words_that_something_else_follows_are_not_gone_on_with() -> None:
    rescue = broken(START, ev.TextStarted(0), ev.TextDelta(0, "One."), ev.TextStarted(1), ev.TextDelta(1, "Two"), ev.PartEnded(1))

    assert rescue.go_on(PLAIN).events == (ev.PartEnded(0, status="incomplete"),)
    assert fed(rescue, ev.Started("two"), ev.TextStarted(0), ev.TextDelta(0, " three")) == [ev.TextStarted(2), ev.TextDelta(2, " three")]


def test_nothing_more_to_say_ends_the_words() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)

    assert fed(rescue, ev.Started("two"), ev.Finished("stop"), ev.Ended()) == [ev.PartEnded(0), ev.Finished("stop"), ev.Ended()]


def test_a_finished_message_that_is_said_again_is_no_second_one() -> None:
    words = (ev.TextStarted(0), ev.TextDelta(0, "All is done now."), ev.PartEnded(0))
    rescue = broken(START, *words)
    rescue.go_on(PLAIN)

    assert fed(rescue, ev.Started("two"), *words, ev.Finished("stop"), ev.Ended()) == [ev.Finished("stop"), ev.Ended()]


def test_further_words_behind_a_finished_message_are_a_second_one() -> None:
    rescue = broken(START, *TEXT, ev.PartEnded(0))
    rescue.go_on(PLAIN)

    assert fed(rescue, ev.Started("two"), ev.TextStarted(0), ev.TextDelta(0, "More.")) == [ev.TextStarted(1), ev.TextDelta(1, "More.")]


def test_usage_of_all_attempts_adds_up() -> None:
    rescue = broken(START, ev.UsageReported(Usage(10, 1, cache_read_tokens=4)), *TEXT)
    rescue.go_on(PLAIN)

    told = fed(rescue, ev.UsageReported(Usage(20, 2)), ev.UsageReported(Usage(20, 7, reasoning_tokens=3)))

    assert told == [
        ev.UsageReported(Usage(30, 3, cache_read_tokens=4)),
        ev.UsageReported(Usage(30, 8, cache_read_tokens=4, reasoning_tokens=3)),
    ]


def test_tokens_that_nobody_told_are_warned_of() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)

    assert fed(rescue, ev.UsageReported(Usage(20, 2))) == [
        ev.UsageReported(Usage(20, 2)),
        ev.Warned("usage", "an attempt that broke off did not tell its tokens"),
    ]


def test_a_target_that_could_not_even_be_reached_changes_nothing() -> None:
    rescue = broken(START, *TEXT)
    first = rescue.go_on(PREFILLED)
    second = rescue.go_on(PLAIN)

    assert (first.events, second.events) == ((), ())
    assert fed(rescue, *REST) == [ev.TextDelta(0, " fox."), ev.PartEnded(0), ev.Finished("stop"), ev.Ended()]


def test_a_stream_that_breaks_a_second_time_goes_on_as_well() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)
    fed(rescue, ev.Started("two"), ev.TextStarted(0), ev.TextDelta(0, " fox"))

    assert asks(rescue)[:-1] == (said("The quick brown fox"),)
    assert fed(rescue, ev.Started("three"), ev.TextStarted(0), ev.TextDelta(0, " jumps"), ev.PartEnded(0), ev.Ended()) == [
        ev.TextDelta(0, " jumps"),
        ev.PartEnded(0),
        ev.Ended(),
    ]


def test_frames_of_another_reply_are_left_out_and_told() -> None:
    rescue = broken(START, *TEXT)
    rescue.go_on(PLAIN)

    told = fed(rescue, ev.Opaque("responses", "response.x", b"{}"), ev.Opaque("responses", "response.x", b"{}"))

    assert told == [ev.Warned("response.x", "an answer that was gone on with has no frames that only `responses` knows")]


def test_a_stream_that_lacks_only_its_end_gets_it() -> None:
    rescue = broken(START, *TEXT, ev.PartEnded(0), ev.Finished("stop"))

    assert rescue.end() == (ev.Ended(),)


# ---- whatever happens ----


@st.composite
def answers(draw: st.DrawFn) -> tuple[ev.Event, ...]:
    """A whole answer: parts of every kind, some of them interleaved."""
    events: list[ev.Event] = []
    waiting: list[ev.Event] = []
    for part in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(("text", "thought", "call", "given", "opaque")))
        words = draw(st.lists(st.sampled_from(["one ", "two ", "three ", ".", "\n", ""]), max_size=4))
        end = ev.PartEnded(part, SIG if kind == "thought" and draw(st.booleans()) else None)
        if kind == "text":
            piece: list[ev.Event] = [ev.TextStarted(part), *(ev.TextDelta(part, word) for word in words), end]
        elif kind == "thought":
            piece = [ev.ReasoningStarted(part), *(ev.ReasoningDelta(part, word) for word in words), end]
        elif kind == "call":
            piece = [ev.CallStarted(part, f"c{part}", "f"), *(ev.CallDelta(part, word) for word in words), end]
        elif kind == "given":
            piece = [ev.ItemGiven(part, Message("assistant", (Image(Inline("image/png", "AA==")),)))]
        else:
            piece = [ev.Opaque("chat", "x", b"{}"), ev.UsageReported(Usage(draw(st.integers(0, 9)), 1))]
        if draw(st.booleans()) and kind not in ("given", "opaque"):
            waiting.append(piece.pop())
        events += piece
    return (ev.Started("r", "m"), *events, *waiting, ev.UsageReported(Usage(3, 4)), ev.Finished("stop"), ev.Ended())


@settings(max_examples=tries(200))
@given(st.lists(answers(), min_size=1, max_size=4), st.data())
def test_the_client_sees_one_well_formed_stream_whatever_breaks_where(attempts: list[tuple[ev.Event, ...]], data: st.DataObject) -> None:
    grammar, fold, rescue = Grammar(), Fold(), Rescue(ASKED)
    given: list[str] = []
    spent = Usage()

    def take(events: tuple[ev.Event, ...] | list[ev.Event]) -> None:
        for event in events:
            grammar.feed(event)
            fold.feed(event)

    for number, attempt in enumerate(attempts):
        is_last = number + 1 == len(attempts)
        cut = len(attempt) if is_last else data.draw(st.integers(0, len(attempt) - 1))
        take(fed(rescue, *attempt[:cut]))
        given += [event.text for event in attempt[:cut] if isinstance(event, ev.TextDelta)]
        spent = spent.plus(next((event.usage for event in reversed(attempt[:cut]) if isinstance(event, ev.UsageReported)), Usage()))
        if is_last or rescue.salvage == "lost":
            break
        if rescue.salvage == "end":
            take(rescue.end())
            break
        resumed = rescue.go_on(data.draw(st.sampled_from((PLAIN, PREFILLED))))
        assert (resumed.request is ASKED) or resumed.request.items[: len(ASKED.items)] == ASKED.items
        take(resumed.events)
    else:
        raise AssertionError("not reached")

    assert grammar.ended or rescue.salvage == "lost"
    if not grammar.ended:
        return
    response = fold.response()
    usage = response.usage or Usage()
    assert (usage.input_tokens, usage.output_tokens) == (spent.input_tokens, spent.output_tokens)
    messages = [item for choice in response.choices for item in choice.items if isinstance(item, Message)]
    texts = "".join(part.text for message in messages for part in message.parts if isinstance(part, Text))
    assert _is_within(texts, "".join(given))


def _is_within(few: str, many: str) -> bool:
    """Whether a text is another one with some left out, nothing put in and nothing moved."""
    rest = iter(many)
    return all(character in rest for character in few)
