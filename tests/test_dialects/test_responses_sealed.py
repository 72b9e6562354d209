"""What other APIs need again goes through a Responses client and comes back: streamed and whole, after restarts, in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Call as Wire
from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.request import GATEWAY, Call, Compaction, Extra, Item, Proof, Reasoning, Request, Result
from dragoman.ir.seal import is_sealed

RESPONSES = dialect("responses")
OPUS = "claude/claude-opus-5"
SIGNED = Proof("messages", "c2ln", "signature", OPUS)
ON_CALL = Proof("generate", "c2lnbg==", "thought_signature", "gemini/gemini-3-pro")
SEARCH = Call("srv_1", "web_search", '{"query":"rain"}', executor="provider", id="srv_1", extra={"messages": {"$block": {"a": 1}}})
FOUND = Result("srv_1", (), executor="provider", extra={"messages": {"$block": {"b": [2]}}})


def stream(*events: ev.Event) -> tuple[ev.Event, ...]:
    return (ev.Started("resp_1", "m"), *events, ev.Finished("stop"), ev.Ended())


def streamed(events: tuple[ev.Event, ...]) -> list[dict[str, Any]]:
    """The output as a client gathers it from a stream: the items of `output_item.done`."""
    writer = RESPONSES.writer(Request("m", ()))
    written = b"".join([writer.feed(event) for event in events])
    frames = [json.loads(line[6:]) for line in written.split(b"\n") if line.startswith(b"data: ")]
    done = [frame["item"] for frame in frames if frame["type"] == "response.output_item.done"]
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert frames[-1]["response"]["output"] == done
    return done


def whole(events: tuple[ev.Event, ...]) -> list[dict[str, Any]]:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return json.loads(RESPONSES.write_response(fold.response(), Request("m", ())))["output"]


def sent_back(output: list[dict[str, Any]]) -> tuple[Item, ...]:
    """As Codex does: reasoning items keep id, summary and seal only."""
    kept = [
        {"type": "reasoning", "id": item["id"], "summary": item["summary"], "content": None, "encrypted_content": item["encrypted_content"]}
        if item["type"] == "reasoning"
        else item
        for item in output
    ]
    return RESPONSES.read_request(Wire("/responses", json.dumps({"model": "m", "input": kept}).encode())).items


both = pytest.mark.parametrize("written", [streamed, whole])


def call(part: int, call_id: str, proof: Proof | None = None, extra: Extra | None = None) -> tuple[ev.Event, ...]:
    return (ev.CallStarted(part, call_id, "f"), ev.CallDelta(part, "{}"), ev.PartEnded(part, proof, extra=extra))


@both
def test_the_proof_of_a_call_comes_back_on_its_call(written: Callable[..., list[dict[str, Any]]]) -> None:
    output = written(stream(*call(0, "a", ON_CALL, {"generate": {"x": 1}}), *call(1, "b")))

    assert [item["type"] for item in output] == ["function_call", "reasoning", "function_call"]
    assert (output[1]["summary"], len({item["id"] for item in output})) == ([], 3)
    first, second = sent_back(output)
    assert isinstance(first, Call)
    assert isinstance(second, Call)
    assert (first.proof, (first.extra or {}).get("generate"), second.proof) == (ON_CALL, {"x": 1}, None)


@both
def test_a_thought_comes_back_with_all_that_its_maker_knows(written: Callable[..., list[dict[str, Any]]]) -> None:
    thought = (ev.ReasoningStarted(0), ev.ReasoningDelta(0, "Hm."), ev.PartEnded(0, SIGNED, extra={"messages": {"on": "text"}}))

    (back,) = sent_back(written(stream(*thought)))

    assert isinstance(back, Reasoning)
    assert (back.content, back.proof, (back.extra or {}).get("messages")) == (("Hm.",), SIGNED, {"on": "text"})


@both
def test_a_search_that_a_provider_ran_is_shown_and_comes_back_whole(written: Callable[..., list[dict[str, Any]]]) -> None:
    output = written(stream(ev.ItemGiven(0, SEARCH), ev.ItemGiven(1, FOUND)))

    assert [item["type"] for item in output] == ["web_search_call", "reasoning", "reasoning"]
    assert output[0]["action"] == {"type": "search", "query": "rain"}
    assert sent_back(output) == (SEARCH, FOUND)


def test_a_proof_of_this_api_whose_maker_is_known_comes_back_as_it_was() -> None:
    proof = Proof("responses", "gAAAA", "encrypted_content", "openai/gpt-5.5")
    output = streamed(stream(ev.ReasoningStarted(0, id="rs_1"), ev.PartEnded(0, proof)))

    request = RESPONSES.read_request(Wire("/responses", json.dumps({"model": "m", "input": output}).encode()))
    (thought,) = request.items
    call, unsaid = RESPONSES.write_request(request, Quirks())

    assert isinstance(thought, Reasoning)
    assert thought.proof == proof
    (item,) = json.loads(call.body)["input"]
    assert (item["id"], item["encrypted_content"], unsaid) == ("rs_1", "gAAAA", [])


def test_a_proof_of_this_api_of_unknown_maker_stays_as_it_is() -> None:
    output = streamed(stream(ev.ReasoningStarted(0), ev.PartEnded(0, Proof("responses", "gAAAA", "encrypted_content"))))

    assert output[0]["encrypted_content"] == "gAAAA"


@both
def test_a_summary_travels_in_a_compaction_item(written: Callable[..., list[dict[str, Any]]]) -> None:
    item = Compaction(Proof(GATEWAY, "All is well.", "summary"))
    output = written(stream(ev.ItemGiven(0, item)))

    (back,) = sent_back(output)
    assert [each["type"] for each in output] == ["compaction"]
    assert output[0]["id"].startswith("cmp_")
    assert isinstance(back, Compaction)
    assert back.proof == item.proof


def test_a_compaction_of_the_api_itself_is_read_and_written_as_it_came() -> None:
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA", "novel": 1}
    request = RESPONSES.read_request(Wire("/responses", json.dumps({"model": "m", "input": [item]}).encode()))

    assert json.loads(RESPONSES.write_request(request, Quirks())[0].body)["input"] == [item]


def broken(seal: str) -> str:
    return seal[:-8] + ("AAAAAAAA" if seal[-8:] != "AAAAAAAA" else "BBBBBBBB")


def test_an_altered_thought_is_known_as_broken() -> None:
    (item,) = streamed(stream(ev.ReasoningStarted(0), ev.PartEnded(0, SIGNED)))

    (back,) = sent_back([{**item, "encrypted_content": broken(item["encrypted_content"])}])

    assert isinstance(back, Reasoning)
    assert back.proof == Proof(GATEWAY, "", "broken")


def test_an_altered_compaction_is_refused_since_the_history_would_be_lost() -> None:
    (item,) = streamed(stream(ev.ItemGiven(0, Compaction(Proof(GATEWAY, "All is well.", "summary")))))

    with pytest.raises(GatewayError, match=r"`input\[0\]` holds the compacted conversation") as caught:
        sent_back([{**item, "encrypted_content": broken(item["encrypted_content"])}])
    assert caught.value.kind == Kind.SEAL_REFUSED


MAKERS = st.sampled_from(["messages", "generate", "chat"])
PROOFS = st.none() | st.builds(Proof, MAKERS, st.text(), st.text(max_size=9), st.text(min_size=1))
SPOKEN = st.one_of(
    st.builds(Call, call_id=st.uuids().map(str), name=st.just("f"), arguments=st.text(), proof=PROOFS),
    st.builds(Reasoning, summary=st.lists(st.text(), max_size=2).map(tuple), content=st.just(("a",)), proof=PROOFS.filter(bool)),
)


@given(st.lists(SPOKEN, max_size=6, unique_by=id))
def test_proofs_come_back_in_their_places_whatever_they_are(items: list[Item]) -> None:
    back = sent_back(whole(stream(*(ev.ItemGiven(number, item) for number, item in enumerate(items)))))

    assert [(type(item), getattr(item, "proof", None)) for item in back] == [(type(item), getattr(item, "proof", None)) for item in items]


SIGN = Proof("generate", "c2lnbg==", "thought_signature")
WORDS: list[ev.Event] = [ev.TextStarted(0), ev.TextDelta(0, "Hi"), ev.PartEnded(0)]


def alone(part: int) -> list[ev.Event]:
    return [ev.ReasoningStarted(part), ev.PartEnded(part, SIGN)]


@both
def test_an_answer_ends_with_its_words_where_nobody_asked_for_the_seal_behind_them(written: Callable[..., list[dict[str, Any]]]) -> None:
    output = written(stream(*WORDS, *alone(1), *alone(2)))

    assert [item["type"] for item in output] == ["message"]


@both
@pytest.mark.parametrize(
    ("after", "types"),
    [
        ([ev.CallStarted(2, "c1", "f"), ev.CallDelta(2, "{}"), ev.PartEnded(2)], ["message", "reasoning", "function_call"]),
        ([ev.TextStarted(2), ev.TextDelta(2, "there"), ev.PartEnded(2)], ["message", "reasoning", "message"]),
        ([ev.ReasoningStarted(2), ev.ReasoningDelta(2, "why", True), ev.PartEnded(2)], ["message", "reasoning", "reasoning"]),
    ],
)
def test_a_seal_between_stays_in_its_place(written: Callable[..., list[dict[str, Any]]], after: list[ev.Event], types: list[str]) -> None:
    output = written(stream(*WORDS, *alone(1), *after))

    assert [item["type"] for item in output] == types
    assert is_sealed(output[1]["encrypted_content"])


@both
def test_an_answer_of_nothing_but_a_seal_keeps_it(written: Callable[..., list[dict[str, Any]]]) -> None:
    assert [item["type"] for item in written(stream(*alone(0)))] == ["reasoning"]


@both
def test_a_silent_thought_of_the_api_itself_stays_where_it_was(written: Callable[..., list[dict[str, Any]]]) -> None:
    output = written(stream(*WORDS, ev.ReasoningStarted(1, id="rs_1"), ev.PartEnded(1)))

    assert [item["type"] for item in output] == ["message", "reasoning"]


def test_who_asks_for_seals_gets_the_one_behind_the_words() -> None:
    asked = Request("m", (), extra={"responses": {"include": ["reasoning.encrypted_content"]}})
    writer, fold = RESPONSES.writer(asked), Fold()
    events = stream(*WORDS, *alone(1))
    for event in events:
        fold.feed(event)

    last = b"".join([writer.feed(event) for event in events]).rpartition(b"data: ")[2]

    told = [json.loads(last)["response"]["output"], json.loads(RESPONSES.write_response(fold.response(), asked))["output"]]
    assert [[item["type"] for item in output] for output in told] == [["message", "reasoning"]] * 2
