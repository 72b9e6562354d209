"""A stream that breaks off leaves the client's open, and another attempt goes on with it, from whichever dialect to whichever."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from stand import PLAIN

from dragoman.agents.registry import recognise
from dragoman.core.rescue import Rescued, Rescuing, begin
from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect, names
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.record import Attempt as Noted
from dragoman.ir.record import Record
from dragoman.ir.request import Call, Message, Request, Text
from dragoman.ir.usage import Usage
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.restore import UNCHANGED

ASKED = Request("up/m", (Message("user", (Text("hi"),)),), stream=True, max_tokens=100)
START = (ev.Started("one", "m-1"), ev.UsageReported(Usage(5, 1)))
TEXT = (ev.TextStarted(0), ev.TextDelta(0, "The quick "), ev.TextDelta(0, "brown"))
REST = (ev.Started("two", "m-2"), ev.TextStarted(0), ev.TextDelta(0, "brown fox."), ev.PartEnded(0))
END = (ev.UsageReported(Usage(7, 2)), ev.Finished("stop"), ev.Ended())
CALL = (ev.CallStarted(1, "c1", "f"), ev.CallDelta(1, '{"a":'))
PAIRS = [(client, upstream) for client in names() for upstream in names()]
WHOLE_CALLS = {"generate"}
"""APIs in which a call comes in one piece, so that no stream can break in the middle of one."""


class Answer:
    """One streamed answer: a client of one dialect, attempts in another."""

    def __init__(self, client: str, upstream: str) -> None:
        self.client, self.upstream = dialect(client), dialect(upstream)
        exchange = SimpleNamespace(dialect=self.client, agent=recognise(PLAIN), record=Record("ex", 0.0))
        self.deployment: Any = SimpleNamespace(dialect=self.upstream, quirks=Quirks(), provider="up", secret="", maker="up/m")
        self.rescuing = Rescuing(exchange, ASKED)  # type: ignore[arg-type]
        self.attempt: Any = SimpleNamespace(exchange=exchange, deployment=self.deployment, noted=Noted("up", "m", 0.0))
        self.told = b""

    def hears(self, events: Iterable[ev.Event], *, ends: bool = False) -> Rescued:
        """One more attempt says this, in its own dialect; `ends`: then its bytes are over."""
        carrier = Rescued(self.attempt, self.rescuing, UNCHANGED)
        writer = self.upstream.writer(ASKED)
        for event in events:
            self.told += carrier.feed(writer.feed(event))
        if ends:
            self.told += carrier.close()
        return carrier

    def events(self) -> list[ev.Event]:
        """What the client's own reader makes of it all."""
        framer, reader, grammar = self.client.framer(), self.client.reader(Quirks()), Grammar()
        events = [event for frame in (*framer.feed(self.told), *framer.close()) for event in reader.feed(frame)]
        events += reader.close()
        for event in events:
            grammar.feed(event)
        return events

    def response(self) -> list[str]:
        """The words of each message of a whole answer. Raises the error that it ended in."""
        fold = Fold()
        for event in self.events():
            fold.feed(event)
        items = fold.response().choices[0].items
        return ["".join(part.text for part in item.parts if isinstance(part, Text)) for item in items if isinstance(item, Message)]


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_client_sees_one_answer_of_two_attempts(client: str, upstream: str) -> None:
    answer = Answer(client, upstream)

    first = answer.hears((*START, *TEXT), ends=True)
    assert (first.failed is not None, first.resumable) == (True, True)
    answer.rescuing.go_on(Capabilities())
    second = answer.hears((*REST, *END), ends=True)

    assert (second.failed, second.ended) == (None, True)
    assert answer.response() == ["The quick brown fox."]


def test_each_attempt_notes_the_tokens_that_itself_told() -> None:
    answer = Answer("chat", "messages")

    answer.hears((*reversed(START), *TEXT), ends=True)
    first, answer.attempt.noted = answer.attempt.noted, Noted("up", "m", 1.0)
    answer.rescuing.go_on(Capabilities())
    answer.hears((*REST, *END), ends=True)

    assert [(noted.usage.input_tokens, noted.usage.output_tokens) for noted in (first, answer.attempt.noted)] == [(5, 1), (7, 2)]
    together = answer.attempt.exchange.record.usage
    assert (together.input_tokens, together.output_tokens) == (12, 3)


@pytest.mark.parametrize(("client", "upstream"), [pair for pair in PAIRS if pair[1] not in WHOLE_CALLS])
def test_half_a_call_ends_in_the_dialects_own_error(client: str, upstream: str) -> None:
    answer = Answer(client, upstream)

    carrier = answer.hears((*START, *TEXT, ev.PartEnded(0), *CALL), ends=True)

    assert not carrier.resumable
    with pytest.raises(GatewayError):
        answer.response()


def test_what_was_complete_before_half_a_call_is_kept() -> None:
    answer = Answer("responses", "chat")

    answer.hears((*START, *TEXT, ev.PartEnded(0), *CALL), ends=True)

    last = json.loads(answer.told.rstrip().rpartition(b"data: ")[2])
    assert last["type"] == "response.failed"
    assert [item["content"][0]["text"] for item in last["response"]["output"]] == ["The quick brown"]


@pytest.mark.parametrize("client", names())
def test_giving_up_ends_in_the_dialects_own_error(client: str) -> None:
    answer = Answer(client, "chat")
    carrier = answer.hears((*START, *TEXT), ends=True)
    assert carrier.resumable and carrier.failed is not None

    answer.told += answer.rescuing.fail(carrier.failed, answer.deployment)

    with pytest.raises(GatewayError) as caught:
        answer.response()
    assert "provider `up`" in caught.value.message


def test_stream_that_lacks_only_its_mark_of_the_end_is_a_whole_answer() -> None:
    answer = Answer("responses", "messages")
    said = b"".join(map(answer.upstream.writer(ASKED).feed, (*START, *TEXT, ev.PartEnded(0), *END)))
    carrier = Rescued(answer.attempt, answer.rescuing, UNCHANGED)

    answer.told += carrier.feed(said[: said.index(b"event: message_stop")]) + carrier.close()

    assert (carrier.failed, carrier.ended) == (None, True)
    assert answer.response() == ["The quick brown"]


def test_error_that_the_provider_itself_tells_may_be_gone_on_from() -> None:
    answer = Answer("chat", "messages")
    error = GatewayError(Kind.OVERLOADED, "Overloaded", source="upstream")

    carrier = answer.hears((*START, *TEXT, ev.Failed(error)))

    assert carrier.resumable and carrier.failed is not None and carrier.failed.kind is Kind.OVERLOADED
    assert not any(isinstance(event, ev.Failed) for event in answer.events()[:-1])


def test_garbage_on_the_line_loses_nothing_that_came_before_it() -> None:
    answer = Answer("chat", "messages")
    said = b"".join(map(answer.upstream.writer(ASKED).feed, (*START, *TEXT)))
    carrier = Rescued(answer.attempt, answer.rescuing, UNCHANGED)

    answer.told += carrier.feed(said + b"event: content_block_delta\ndata: {nonsense\n\n")
    assert carrier.resumable and carrier.failed is not None
    answer.rescuing.go_on(Capabilities())
    answer.hears((*REST, *END), ends=True)

    assert answer.response() == ["The quick brown fox."]


def test_attempt_that_was_never_made_loses_nothing_either() -> None:
    answer = Answer("responses", "chat")
    answer.hears((*START, ev.ReasoningStarted(0), ev.ReasoningDelta(0, "hm")), ends=True)

    answer.rescuing.go_on(Capabilities())
    answer.rescuing.go_on(Capabilities())
    answer.hears((ev.Started("two"), *TEXT, ev.PartEnded(0), *END), ends=True)

    assert answer.response() == ["The quick brown"]


def test_call_of_the_second_attempt_is_whole() -> None:
    answer = Answer("messages", "chat")
    answer.hears((*START, *TEXT), ends=True)

    answer.rescuing.go_on(Capabilities())
    end = (ev.PartEnded(0), ev.UsageReported(Usage(7, 2)), ev.Finished("tool_calls"), ev.Ended())
    answer.hears((ev.Started("two"), ev.CallStarted(0, "c1", "f"), ev.CallDelta(0, '{"a":1}'), *end), ends=True)

    fold = Fold()
    for event in answer.events():
        fold.feed(event)
    words, call = fold.response().choices[0].items
    assert isinstance(words, Message) and words.parts == (Text("The quick brown"),)
    assert isinstance(call, Call) and (call.name, call.arguments) == ("f", '{"a":1}')


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("chat", "store", True),
        ("responses", "store", True),
        ("responses", "previous_response_id", "resp_1"),
        ("generate", "cachedContent", "c/1"),
    ],
)
def test_an_answer_that_the_provider_keeps_is_of_one_attempt(name: str, field: str, value: object) -> None:
    exchange: Any = SimpleNamespace(dialect=dialect(name), agent=recognise(PLAIN), record=Record("ex", 0.0), rescues=True)

    assert begin(exchange, ASKED) is exchange.rescuing is not None
    assert begin(exchange, msgspec.structs.replace(ASKED, extra={name: {field: value}})) is None
    assert exchange.rescuing is None
