"""Replies of any shape, written by every dialect and read again; and the names of tools."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus.difference import differences
from tests.corpus.exchange import DIALECTS
from tests.corpus.meaning import of_reply
from tests.corpus.reading import fold, read_stream, read_whole
from tests.corpus.translation import write_events

from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.usage import Usage
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower
from effort import EFFORT

_ASKED = ir.Request("some-model", (), stream=True)
_WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=10)
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
_ARGUMENTS = st.dictionaries(_NAMES, st.integers() | _WORDS | st.booleans(), max_size=3).map(
    lambda value: msgspec.json.encode(value).decode()
)


def _pieces(draw: st.DrawFn, text: str) -> list[str]:
    at = draw(st.integers(0, len(text)))
    return [piece for piece in (text[:at], text[at:]) if piece]


@st.composite
def _events(draw: st.DrawFn) -> list[ev.Event]:
    """A reply as a provider tells one: perhaps a thought, words, calls; an end, and counts."""
    events: list[ev.Event] = [ev.Started("reply-1", "some-model-1", 1_760_000_000)]
    part = 0
    if draw(st.booleans()):
        events += [
            ev.ReasoningStarted(part),
            *(ev.ReasoningDelta(part, text, True) for text in _pieces(draw, draw(_WORDS))),
            ev.PartEnded(part),
        ]
        part += 1
    if draw(st.booleans()):
        events += [ev.TextStarted(part), *(ev.TextDelta(part, text) for text in _pieces(draw, draw(_WORDS))), ev.PartEnded(part)]
        part += 1
    calls = draw(st.integers(0, 3))
    for number in range(calls):
        events.append(ev.CallStarted(part, f"call_{number}", draw(_NAMES)))
        events += [ev.CallDelta(part, text) for text in _pieces(draw, draw(_ARGUMENTS))]
        events.append(ev.PartEnded(part))
        part += 1
    counts = [draw(st.integers(1, 1000)) for _ in range(4)]
    events.append(
        ev.UsageReported(Usage(counts[0] + counts[1], counts[2] + counts[3], cache_read_tokens=counts[0], reasoning_tokens=counts[2]))
    )
    reasons = ("tool_calls",) if calls else ("stop", "length", "content_filter")
    return [*events, ev.Finished(draw(st.sampled_from(reasons))), ev.Ended()]


@EFFORT
@given(_events(), st.sampled_from(DIALECTS))
def test_writing_a_stream_and_reading_it_again_changes_nothing(events: list[ev.Event], name: str) -> None:
    again = read_stream(dialect(name), write_events(events, name, _ASKED))

    assert list(differences(of_reply(fold(events), name), of_reply(fold(again), name))) == []


@EFFORT
@given(_events(), st.sampled_from(DIALECTS))
def test_writing_a_whole_reply_and_reading_it_again_changes_nothing(events: list[ev.Event], name: str) -> None:
    again = read_whole(dialect(name), dialect(name).write_response(fold(events), _ASKED))

    assert list(differences(of_reply(fold(events), name), of_reply(fold(again), name))) == []


@EFFORT
@given(_events(), st.sampled_from(DIALECTS), st.data())
def test_a_reply_that_breaks_off_is_written_as_a_failure(events: list[ev.Event], name: str, data: st.DataObject) -> None:
    said = events[: data.draw(st.integers(0, len(events) - 2))]

    again = read_stream(dialect(name), write_events(said, name, _ASKED))

    assert isinstance(again[-1], ev.Failed)


_ANY_NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=90)


@EFFORT
@given(st.lists(st.tuples(st.none() | _ANY_NAMES, _ANY_NAMES), min_size=1, max_size=6, unique=True))
def test_names_of_tools_come_back_as_they_were(tools: list[tuple[str | None, str]]) -> None:
    asked = ir.Request(
        "m", (ir.Message("user", (ir.Text("u"),)),), tools=tuple(ir.FunctionTool(name, namespace=space) for space, name in tools)
    )

    lowered = lower(asked, Capabilities())

    legal = [tool.name for tool in lowered.request.tools if isinstance(tool, ir.FunctionTool)]
    assert len(set(legal)) == len(tools)
    assert all(len(name) <= 64 for name in legal)
    restored = [next(iter(lowered.restore.feed(ev.CallStarted(at, f"c{at}", name)))) for at, name in enumerate(legal)]
    assert [(event.namespace, event.name) for event in restored if isinstance(event, ev.CallStarted)] == tools
