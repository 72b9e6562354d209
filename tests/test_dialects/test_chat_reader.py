"""Streams and completions of the dialect `chat`: what servers really send, to the same neutral events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.chat import DIALECT
from dragoman.dialects.contract import Quirks
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.request import Call, Citation, Message, Page, Proof, Reasoning, Request, Text
from dragoman.ir.response import Response
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m-1"}


def chunk(delta: Any = None, reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    return json.dumps({**HEAD, "choices": [choice], **more}).encode()


def tool(**entry: Any) -> dict[str, Any]:
    return {"tool_calls": [entry]}


def read(*frames: bytes, quirks: Quirks | None = None) -> list[ev.Event]:
    reader = DIALECT.reader(quirks or Quirks())
    grammar = Grammar()
    events = [event for frame in frames for event in reader.feed(Frame(frame))]
    events += reader.close()
    for event in events:
        grammar.feed(event)
    assert grammar.ended
    return events


def folded(*frames: bytes, quirks: Quirks | None = None) -> Response:
    fold = Fold()
    for event in read(*frames, quirks=quirks):
        fold.feed(event)
    return fold.response()


def failure(*frames: bytes) -> GatewayError:
    last = read(*frames)[-1]
    assert isinstance(last, ev.Failed)
    return last.error


DONE = b"[DONE]"


def test_a_plain_stream_becomes_a_part() -> None:
    events = read(
        chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}), chunk({"content": "lo"}), chunk(reason="stop"), DONE
    )

    assert events == [
        ev.Started("chatcmpl-1", "m-1", 7),
        ev.TextStarted(0),
        ev.TextDelta(0, "Hel"),
        ev.TextDelta(0, "lo"),
        ev.PartEnded(0),
        ev.Finished("stop"),
        ev.Ended(),
    ]


def test_head_fields_are_kept_for_the_same_dialect() -> None:
    events = read(chunk({"content": "x"}, service_tier="default", system_fingerprint="fp", provider="P"), chunk(reason="stop"), DONE)

    assert events[0] == ev.Started(
        "chatcmpl-1", "m-1", 7, {"chat": {"service_tier": "default", "system_fingerprint": "fp", "provider": "P"}}
    )


@pytest.mark.parametrize(
    ("word", "reason", "detail"),
    [
        ("stop", "stop", None),
        ("eos", "stop", "eos"),
        ("length", "length", None),
        ("model_length", "length", "model_length"),
        ("content_filter", "content_filter", None),
        ("novel", "other", "novel"),
    ],
)
def test_finish_reasons_of_all_servers(word: str, reason: str, detail: str | None) -> None:
    choice = folded(chunk({"content": "x"}), chunk(reason=word), DONE).choices[0]

    assert (choice.reason, choice.detail) == (reason, detail)


@pytest.mark.parametrize("word", ["stop", "tool_calls", "function_call", "eos"])
def test_a_call_makes_the_reason_tool_calls(word: str) -> None:
    frames = chunk(tool(index=0, id="c", function={"name": "f", "arguments": "{}"})), chunk(reason=word), DONE

    assert folded(*frames).choices[0].reason == "tool_calls"


def calls(*deltas: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    found = folded(*(chunk(delta) for delta in deltas), chunk(reason="tool_calls"), DONE).choices[0].items
    return [(item.call_id, item.name, item.arguments, item.kind) for item in found if isinstance(item, Call)]


def test_calls_are_put_together_by_index() -> None:
    assert calls(
        tool(index=0, id="a", type="function", function={"name": "f", "arguments": ""}),
        tool(index=1, id="b", type="function", function={"name": "g", "arguments": ""}),
        tool(index=0, function={"arguments": '{"x"'}),
        tool(index=1, function={"arguments": "{}"}),
        tool(index=0, function={"arguments": ":1}"}),
    ) == [("a", "f", '{"x":1}', "function"), ("b", "g", "{}", "function")]


def test_calls_without_index_are_put_together_by_id_or_order() -> None:
    assert calls(
        tool(id="a", function={"name": "f", "arguments": '{"x"'}),
        tool(id="a", function={"arguments": ":1}"}),
        tool(id="b", function={"name": "g", "arguments": "{"}),
        tool(function={"arguments": "}"}),
    ) == [("a", "f", '{"x":1}', "function"), ("b", "g", "{}", "function")]


def test_one_index_for_all_calls_does_not_join_them() -> None:
    assert calls(
        tool(index=0, id="a", function={"name": "f", "arguments": "{}"}),
        tool(index=0, id="b", function={"name": "f", "arguments": '{"y":2}'}),
    ) == [("a", "f", "{}", "function"), ("b", "f", '{"y":2}', "function")]


def test_id_and_name_repeated_in_each_delta_are_one_call() -> None:
    assert calls(
        tool(index=0, id="a", function={"name": "f", "arguments": '{"x":'}),
        tool(index=0, id="a", function={"name": "f", "arguments": "1}"}),
        tool(index=0, id="a", function={"name": "f", "arguments": ""}),
    ) == [("a", "f", '{"x":1}', "function")]


def test_a_name_that_comes_late_is_waited_for() -> None:
    assert calls(
        tool(index=0, id="a"), tool(index=0, function={"arguments": "{"}), tool(index=0, function={"name": "f", "arguments": "}"})
    ) == [("a", "f", "{}", "function")]


def test_missing_and_object_arguments_are_json() -> None:
    assert calls(tool(index=0, id="a", function={"name": "f"}), tool(index=1, id="b", function={"name": "g", "arguments": {"x": 1}})) == [
        ("a", "f", "{}", "function"),
        ("b", "g", '{"x":1}', "function"),
    ]


def test_missing_ids_are_made_up_alike_each_time_and_differ() -> None:
    deltas = tool(index=0, id="", function={"name": "f", "arguments": "{}"}), tool(index=1, function={"name": "f", "arguments": "{}"})

    first, again = calls(*deltas), calls(*deltas)

    assert first == again
    assert len({call_id for call_id, *_ in first}) == 2
    assert all(0 < len(call_id) <= 40 for call_id, *_ in first)


def test_made_up_ids_differ_between_replies() -> None:
    def one(reply: str) -> str:
        body = chunk(tool(index=0, function={"name": "f", "arguments": "{}"})).replace(b"chatcmpl-1", reply.encode())
        item = folded(body, chunk(reason="tool_calls"), DONE).choices[0].items[0]
        assert isinstance(item, Call)
        return item.call_id

    assert one("chatcmpl-a") != one("chatcmpl-b")


def test_one_id_for_two_calls_is_made_unique() -> None:
    found = calls(
        tool(index=0, id="call_0", function={"name": "f", "arguments": "{}"}),
        tool(index=1, id="call_0", function={"name": "g", "arguments": "{}"}),
    )

    assert found[0][0] == "call_0"
    assert found[1][0] != "call_0"


def test_custom_calls_are_raw_text() -> None:
    assert calls(
        tool(index=0, id="a", type="custom", custom={"name": "patch", "input": "*** Be"}), tool(index=0, custom={"input": "gin"})
    ) == [("a", "patch", "*** Begin", "custom")]


def test_the_legacy_call_is_a_call() -> None:
    found = calls({"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}})

    assert [(name, arguments) for _, name, arguments, _ in found] == [("f", "{}")]


def test_calls_of_one_whole_message_stay_apart() -> None:
    body = {
        **HEAD,
        "choices": [
            {
                "index": 0,
                "message": {"content": None, "tool_calls": [{"function": {"name": "f"}}, {"function": {"name": "f", "arguments": "{}"}}]},
                "finish_reason": "stop",
            }
        ],
    }
    fold = Fold()
    for event in DIALECT.read_response(json.dumps(body).encode(), Quirks()):
        fold.feed(event)

    assert [item.arguments for item in fold.response().choices[0].items if isinstance(item, Call)] == ["{}", "{}"]


@pytest.mark.parametrize(
    "deltas",
    [
        [{"reasoning_content": "be"}, {"reasoning_content": "cause"}],
        [{"reasoning": "be"}, {"reasoning": "cause"}],
        [{"reasoning": "be", "reasoning_content": "be"}, {"reasoning_content": "cause", "reasoning": "cause"}],
        [
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "be"}]}]},
            {"content": [{"type": "thinking", "thinking": "cause"}]},
        ],
        [{"content": "<think>\nbe"}, {"content": "cause</think>\n\n"}],
        [{"content": "<th"}, {"content": "ink>be"}, {"content": "cause<"}, {"content": "/think"}, {"content": ">"}],
    ],
)
def test_thoughts_in_every_form(deltas: list[dict[str, Any]]) -> None:
    response = folded(*(chunk(delta) for delta in deltas), chunk({"content": "so"}), chunk(reason="stop"), DONE)

    assert response.choices[0].items == (Reasoning(content=("because",)), Message("assistant", (Text("so"),)))


@pytest.mark.parametrize("text", ["<thin", "<b>bold</b>", " <", "x <think> y </think>", "<thinking>"])
def test_words_that_only_look_like_thoughts_stay_words(text: str) -> None:
    response = folded(*(chunk({"content": letter}) for letter in text), chunk(reason="stop"), DONE)

    assert response.choices[0].items == (Message("assistant", (Text(text),)),)


def test_reasoning_details_are_told_once_and_sealed_whole() -> None:
    response = folded(
        chunk({"content": "", "reasoning": "be", "reasoning_details": [{"type": "reasoning.text", "text": "be", "index": 0}]}),
        chunk({"reasoning": "cause", "reasoning_details": [{"type": "reasoning.text", "text": "cause", "index": 0}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "signature": "c2ln", "index": 0}]}),
        chunk({"content": "so"}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "xyz", "index": 1}]}, "stop"),
        DONE,
    )

    first, words, late = response.choices[0].items
    assert first == Reasoning(
        content=("because",),
        proof=Proof("chat", '[{"type":"reasoning.text","text":"because","index":0,"signature":"c2ln"}]', "reasoning_details"),
    )
    assert words == Message("assistant", (Text("so"),))
    assert late == Reasoning(proof=Proof("chat", '[{"type":"reasoning.encrypted","data":"xyz","index":1}]', "reasoning_details"))


def test_thoughts_are_sealed_where_the_provider_wants_them_back() -> None:
    quirks = Quirks(replay_reasoning=True)

    response = folded(chunk({"reasoning_content": "hm"}), chunk({"content": "x"}), chunk(reason="stop"), DONE, quirks=quirks)

    assert response.choices[0].items[0] == Reasoning(content=("hm",), proof=Proof("chat", "", "reasoning_content"))


def test_signed_calls_carry_their_proof() -> None:
    signed = {"google": {"thought_signature": "AA=="}}

    response = folded(
        chunk(tool(index=0, id="c", function={"name": "f", "arguments": "{}"}, extra_content=signed)), chunk(reason="tool_calls"), DONE
    )

    item = response.choices[0].items[0]
    assert isinstance(item, Call)
    assert item.proof == Proof("chat", '{"google":{"thought_signature":"AA=="}}', "extra_content")


def test_refusals_citations_and_logprobs_reach_their_part() -> None:
    logprob = {"token": "x", "logprob": -0.1, "bytes": None, "top_logprobs": []}
    cited = {"type": "url_citation", "url_citation": {"url": "https://x.example"}}
    first = json.dumps(
        {**HEAD, "choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [logprob], "refusal": None}}]}
    ).encode()

    response = folded(first, chunk({"annotations": [cited]}), chunk({"refusal": "no"}), chunk(reason="stop"), DONE)

    assert response.choices[0].items == (
        Message("assistant", (Text("x", citations=(Citation("chat", cited, Page("https://x.example")),), logprobs=(logprob,)),)),
        Message("assistant", (Text("no", refusal=True),)),
    )


def test_choices_are_kept_apart() -> None:
    def of(index: int, delta: Any, reason: str | None = None) -> bytes:
        return json.dumps({**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}).encode()

    response = folded(
        of(0, {"content": "a"}), of(1, {"content": "b"}), of(0, {"content": "c"}), of(1, {}, "length"), of(0, {}, "stop"), DONE
    )

    assert [(choice.index, choice.items, choice.reason) for choice in response.choices] == [
        (0, (Message("assistant", (Text("ac"),)),), "stop"),
        (1, (Message("assistant", (Text("b"),)),), "length"),
    ]


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (USAGE, Usage(10, 5, total_tokens=15)),
        (
            {**USAGE, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 0}},
            Usage(10, 5, 4, 2, total_tokens=15, extra={"chat": {"prompt_tokens_details": {"audio_tokens": 0}}}),
        ),
        (
            {**USAGE, "prompt_cache_hit_tokens": 3, "prompt_cache_miss_tokens": 7},
            Usage(10, 5, 3, total_tokens=15, extra={"chat": {"prompt_cache_hit_tokens": 3, "prompt_cache_miss_tokens": 7}}),
        ),
        ({**USAGE, "num_cached_tokens": 3}, Usage(10, 5, 3, total_tokens=15, extra={"chat": {"num_cached_tokens": 3}})),
        (
            {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 8}},
            Usage(10, 10, reasoning_tokens=8, total_tokens=20),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 20}, Usage(10, 10, reasoning_tokens=8, total_tokens=20)),
        ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 3}}, Usage(10, 5, reasoning_tokens=3, total_tokens=15)),
    ],
)
def test_usage_of_all_servers_is_one_arithmetic(told: Any, usage: Usage) -> None:
    assert folded(chunk({"content": "x"}), chunk(reason="stop", usage=told), DONE).usage == usage


def test_the_last_usage_counts_wherever_it_stands() -> None:
    counts = {**USAGE, "prompt_tokens": 11, "total_tokens": 16}
    last = json.dumps({**HEAD, "choices": [], "x_groq": {"usage": counts}}).encode()

    assert folded(chunk({"content": "x"}, usage=USAGE), chunk(reason="stop", usage=None), last, DONE).usage == Usage(11, 5, total_tokens=16)


def test_an_empty_first_chunk_does_not_begin_the_answer() -> None:
    azure = json.dumps({"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}).encode()

    events = read(azure, chunk({"content": "x"}), chunk(reason="stop"), DONE)

    assert events[:2] == [
        ev.Opaque("chat", "prompt_filter_results", b'{"prompt_filter_results":[{"prompt_index":0}]}'),
        ev.Started("chatcmpl-1", "m-1", 7),
    ]


def test_unknown_fields_are_opaque_and_told_once_at_the_top() -> None:
    events = read(
        chunk({"content": "x", "channel": "analysis"}, citations=["u"]),
        chunk({"content": "y"}, citations=["u"]),
        chunk(reason="stop"),
        DONE,
    )

    assert [event for event in events if isinstance(event, ev.Opaque)] == [
        ev.Opaque("chat", "citations", b'{"citations":["u"]}'),
        ev.Opaque("chat", "delta.channel", b'{"choices":[{"index":0,"delta":{"channel":"analysis"}}]}'),
    ]


def test_a_stream_that_just_closes_after_its_reason_is_complete() -> None:
    assert folded(chunk({"content": "x"}), chunk(reason="stop")).choices[0].reason == "stop"


@pytest.mark.parametrize(
    "frames",
    [[], [chunk({"content": "x"})], [chunk({"content": "x"}), DONE], [DONE], [chunk({"reasoning_content": "hm"})]],
)
def test_cut_stream_ends_in_failed_event(frames: list[bytes]) -> None:
    assert failure(*frames).kind == Kind.CUT


def test_a_choice_without_reason_makes_the_stream_cut() -> None:
    other = json.dumps({**HEAD, "choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": None}]}).encode()

    assert failure(chunk({"content": "a"}), other, chunk(reason="stop"), DONE).kind == Kind.CUT


def test_done_is_enough_where_the_quirk_says_so() -> None:
    quirks = Quirks(done_is_enough=True)

    assert folded(chunk({"content": "x"}), DONE, quirks=quirks).choices[0].reason == "stop"
    assert isinstance(read(chunk(tool(index=0, id="c", function={"name": "f", "arguments": '{"a'})), DONE, quirks=quirks)[-1], ev.Failed)


def test_nothing_is_read_after_the_end() -> None:
    assert read(chunk({"content": "x"}), chunk(reason="stop"), DONE, chunk({"content": "y"}), b"garbage")[-1] == ev.Ended()


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ({"error": {"message": "no", "type": "server_error"}}, Kind.SERVER_ERROR, "no"),
        ({"error": {"message": "wait", "code": 429}}, Kind.RATE_LIMITED, "wait"),
        ({"error": "plain words"}, Kind.SERVER_ERROR, "plain words"),
        ({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, Kind.INVALID_REQUEST, "m"),
        ({"detail": "internal"}, Kind.SERVER_ERROR, "internal"),
        ([{"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}], Kind.OVERLOADED, "busy"),
        (
            {
                **HEAD,
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"code": 502, "message": "bad"}}],
            },
            Kind.SERVER_ERROR,
            "bad",
        ),
        (
            {**HEAD, "choices": [], "error": {"message": "Your prompt is too long", "code": 400}},
            Kind.CONTEXT_OVERFLOW,
            "Your prompt is too long",
        ),
    ],
)
def test_errors_inside_a_stream_fail_it(data: Any, kind: Kind, message: str) -> None:
    error = failure(chunk({"content": "x"}), json.dumps(data).encode(), DONE)

    assert (error.kind, error.message, error.source) == (kind, message, "upstream")


def test_an_error_event_fails_the_stream_whatever_it_holds() -> None:
    reader = DIALECT.reader(Quirks())

    events = list(reader.feed(Frame(b'{"message":"tool call failed","code":"tool_use_failed"}', "error")))

    assert isinstance(events[0], ev.Failed)
    assert (events[0].error.message, events[0].error.code) == ("tool call failed", "tool_use_failed")


@pytest.mark.parametrize("data", [b"<html>", b"{", b'"words"', b"1", b"\xff", b"null", b"[" * 100_000])
def test_garbage_fails_the_stream(data: bytes) -> None:
    assert isinstance(read(chunk({"content": "x"}), data)[-1], ev.Failed)


def test_leftovers_of_a_whole_reply_are_kept_for_the_same_dialect() -> None:
    body = {
        **HEAD,
        "object": "chat.completion",
        "system_fingerprint": "fp",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi", "refusal": None, "audio": {"id": "a"}},
                "logprobs": None,
                "finish_reason": "stop",
                "stop_reason": 12,
            }
        ],
        "usage": {**USAGE, "cost": 0.5},
        "citations": ["u"],
    }
    events = DIALECT.read_response(json.dumps(body).encode(), Quirks())
    fold = Fold()
    for event in events:
        fold.feed(event)

    assert not [event for event in events if isinstance(event, ev.Opaque)]
    assert json.loads(DIALECT.write_response(fold.response(), Request("m", ()))) == body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.GARBLED),
        (b"<html></html>", Kind.GARBLED),
        (b"{}", Kind.GARBLED),
        (b'{"choices":[]}', Kind.GARBLED),
        (b'{"error":{"message":"no","code":429}}', Kind.RATE_LIMITED),
        (b'{"choices":[{"index":0,"finish_reason":"error","error":{"message":"no","code":503}}]}', Kind.OVERLOADED),
        (b"[1]", Kind.SERVER_ERROR),
    ],
)
def test_what_is_no_completion_is_an_error(body: bytes, kind: Kind) -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.read_response(body, Quirks())

    assert (caught.value.kind, caught.value.source) == (kind, "upstream")


# ---- the short way for common chunks -----------------------------------------------------------------------------------

WORDS = st.text(max_size=6) | st.sampled_from(['"', "\\", '\\"', '","role":"x', "é", "😀", "\u2028", "<think>", "</think>", '"}'])
DELTAS = st.lists(
    st.tuples(st.sampled_from(["content", "reasoning_content", "reasoning"]), WORDS, st.booleans(), st.booleans()), max_size=12
)


@given(DELTAS)
def test_the_short_way_reads_what_the_long_way_reads(deltas: list[tuple[str, str, bool, bool]]) -> None:
    frames: list[bytes] = []
    for name, words, padded, ascii_only in deltas:
        value = {**HEAD, "choices": [{"index": 0, "delta": {name: words}, "finish_reason": None}]}
        if padded:
            value["obfuscation"] = "x" * len(words)
        frames.append(json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode("utf-8", "replace"))
    # The last field changes each time, so nothing fits a template.
    long = [frame[:-1] + b',"p":"%d\\n"}' % number for number, frame in enumerate(frames)]

    assert read(*frames, chunk(reason="stop")) == read(*long, chunk(reason="stop"))


@pytest.mark.parametrize("ascii_only", [True, False])
def test_words_with_escapes_are_read_like_any_others(ascii_only: bool) -> None:
    words = ["one", "two", 'a "b" c', "\\", '\\"', "\n\t", "é→😀", '"},"finish_reason":"stop"}]}', '\\\\","p":"', "end"]
    frames = [
        json.dumps(
            {**HEAD, "choices": [{"index": 0, "delta": {"content": each}, "finish_reason": None}], "p": "x"}, ensure_ascii=ascii_only
        )
        for each in words
    ]

    deltas = [event.text for event in read(*(frame.encode() for frame in frames), chunk(reason="stop")) if isinstance(event, ev.TextDelta)]

    assert deltas == words


def test_half_a_character_in_the_words_is_no_crash() -> None:
    frames = [chunk({"content": "a"}), chunk({"content": "b"}), chunk({"content": "c"}).replace(b'"c"', b'"\\ud800"'), chunk(reason="stop")]

    events = read(*frames)

    assert isinstance(events[-1], ev.Failed)


KEYS = ("choices", "index", "delta", "message", "content", "tool_calls", "function", "custom", "name", "arguments", "input", "id", "type")
KEYS += (
    "finish_reason",
    "logprobs",
    "reasoning",
    "reasoning_details",
    "text",
    "thinking",
    "usage",
    "prompt_tokens",
    "error",
    "code",
    "annotations",
)
KEYS += (
    "prompt_tokens_details",
    "cached_tokens",
    "x_groq",
    "created",
    "model",
    "refusal",
    "function_call",
    "detail",
    "loc",
    "metadata",
    "raw",
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "<think>", "stop", "thinking", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
CHUNKS = ANYTHING | st.builds(
    lambda choice, more: {**more, "choices": [choice]}, ANYTHING, st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=2)
)
CHOICES = st.builds(lambda delta, reason: {"choices": [{"delta": delta, "finish_reason": reason}]}, ANYTHING, st.none() | st.just("stop"))


@given(st.lists(CHUNKS | CHOICES, max_size=4))
def test_any_json_is_read_without_a_crash(values: list[Any]) -> None:
    read(*(json.dumps(value).encode() for value in values))


@given(CHUNKS)
def test_any_whole_json_is_a_reply_or_an_error(value: Any) -> None:
    try:
        events = DIALECT.read_response(json.dumps(value).encode(), Quirks())
    except GatewayError:
        return
    assert isinstance(events[-1], ev.Ended)


@given(CHUNKS)
def test_the_tap_watches_any_json(value: Any) -> None:
    tap = DIALECT.tap()

    tap.whole(json.dumps(value).encode())
    tap.feed(b"data: " + json.dumps(value).encode() + b"\n\n")
