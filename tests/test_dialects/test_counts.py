"""Token counts are exact sums, whatever a server writes where a count should be, and the tap counts as the reader does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Quirks
from dragoman.dialects.counts import count, total_of
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.fold import Fold
from dragoman.ir.response import Response
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame

DIALECTS = ("chat", "generate", "messages", "responses")
MOST = 2**53


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        *[(0, 0), (7, 7), (7.0, 7), (7.9, 7), ("7", 7), (MOST, MOST)],
        *[(told, None) for told in (None, -1, -0.5, True, False, MOST + 1, 1e300, "", "-7", "7.5", "seven", "٧", "9" * 17, [], {})],
    ],
)
def test_a_count_is_a_whole_number_however_it_is_written(told: Any, meant: int | None) -> None:
    assert count(told) == meant


def test_a_total_that_is_less_than_its_parts_is_their_sum() -> None:
    assert [total_of(told, 7) for told in (7, 9, "9", 6, 0, None)] == [7, 9, 9, None, None, None]


def whole(name: str, usage: Any) -> bytes:
    """A reply with these counts, as the API gives it whole."""
    replies: dict[str, dict[str, Any]] = {
        "chat": {"choices": [{"index": 0, "message": {"content": "Hi."}, "finish_reason": "stop"}], "usage": usage},
        "generate": {"candidates": [{"content": {"parts": [{"text": "Hi."}]}, "finishReason": "STOP"}], "usageMetadata": usage},
        "messages": {"type": "message", "content": [{"type": "text", "text": "Hi."}], "stop_reason": "end_turn", "usage": usage},
        "responses": {"id": "r", "status": "completed", "output": [], "usage": usage},
    }
    return json.dumps(replies[name]).encode()


def stream(name: str, *usages: Any) -> list[bytes]:
    """The data of a stream whose frames tell these counts, one after the other, as far as the API has places for them."""
    if name == "chat":
        said = [{"choices": [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": None}], "usage": each} for each in usages[:-1]]
        frames = [*said, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usages[-1]}]
        return [*(json.dumps(frame).encode() for frame in frames), b"[DONE]"]
    if name == "generate":
        said = [{"candidates": [{"content": {"parts": [{"text": "Hi."}]}}], "usageMetadata": each} for each in usages[:-1]]
        return [json.dumps(frame).encode() for frame in said] + [whole(name, usages[-1])]
    if name == "messages":
        first, *more = usages
        frames = [
            {"type": "message_start", "message": {"type": "message", "role": "assistant", "content": [], "usage": first}},
            *({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": each} for each in more),
            {"type": "message_stop"},
        ]
        return [json.dumps(frame).encode() for frame in frames]
    return [json.dumps({"type": "response.completed", "response": json.loads(whole(name, usages[-1]))}).encode()]


def folded(events: list[ev.Event]) -> Response:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold.response()


def read_whole(name: str, usage: Any) -> Usage | None:
    return folded(dialect(name).read_response(whole(name, usage), Quirks())).usage


def read_stream(name: str, *usages: Any) -> Usage | None:
    reader = dialect(name).reader(Quirks())
    return folded([*(event for data in stream(name, *usages) for event in reader.feed(Frame(data))), *reader.close()]).usage


def tapped_whole(name: str, usage: Any) -> Usage | None:
    tap = dialect(name).tap()
    tap.whole(whole(name, usage))
    return tap.usage


def tapped_stream(name: str, *usages: Any) -> Usage | None:
    tap = dialect(name).tap()
    for data in stream(name, *usages):
        tap.feed(b"data: %b\n\n" % data)
    return tap.usage


FIELDS = {
    "chat": ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_creation_input_tokens"),
    "generate": (
        *("promptTokenCount", "candidatesTokenCount", "totalTokenCount"),
        *("thoughtsTokenCount", "cachedContentTokenCount", "toolUsePromptTokenCount"),
    ),
    "messages": ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    "responses": ("input_tokens", "output_tokens", "total_tokens"),
}
DETAILS = {
    "chat": {"prompt_tokens_details": ("cached_tokens", "cache_write_tokens"), "completion_tokens_details": ("reasoning_tokens",)},
    "generate": {},
    "messages": {"output_tokens_details": ("thinking_tokens",)},
    "responses": {"input_tokens_details": ("cached_tokens", "cache_write_tokens"), "output_tokens_details": ("reasoning_tokens",)},
}
ODD = (
    st.integers(0, 50)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.none()
    | st.booleans()
    | st.sampled_from(["", "12", "x"])
    | st.just([])
)


def usages(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A `usage` with anything in the places of its counts."""
    details = {field: st.dictionaries(st.sampled_from(inside), ODD, max_size=2) | ODD for field, inside in DETAILS[name].items()}
    return st.fixed_dictionaries({}, optional={**dict.fromkeys(FIELDS[name], ODD), **details})


def sound(usage: Usage | None) -> bool:
    """Whether the counts can be: none below zero, and no part greater than its whole."""
    if usage is None:
        return True
    told = (usage.cache_read_tokens or 0, usage.cache_write_tokens or 0, usage.reasoning_tokens or 0, usage.total_tokens or 0)
    return (
        min(usage.input_tokens, usage.output_tokens, *told) >= 0
        and (usage.cache_read_tokens or 0) <= usage.input_tokens
        and (usage.reasoning_tokens or 0) <= usage.output_tokens
        and usage.total >= usage.input_tokens + usage.output_tokens
    )


@pytest.mark.parametrize("name", DIALECTS)
@given(drawn=st.data())
def test_whatever_stands_for_counts_is_sound_and_the_same_to_all_who_look(name: str, drawn: st.DataObject) -> None:
    each = drawn.draw(st.lists(usages(name), min_size=2, max_size=4))

    told, streamed = read_whole(name, each[-1]), read_stream(name, *each)

    assert sound(told) and sound(streamed)
    assert tapped_whole(name, each[-1]) == told
    assert tapped_stream(name, *each) == streamed


GROWING = {
    "chat": [{"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n} for n in (1, 4, 8)],
    "generate": [{"promptTokenCount": 9, "candidatesTokenCount": n, "totalTokenCount": 9 + n} for n in (1, 4, 8)],
    "messages": [{"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 4}, {"output_tokens": 8}],
    "responses": [{"input_tokens": 9, "output_tokens": n} for n in (1, 4, 8)],
}


@pytest.mark.parametrize("name", DIALECTS)
def test_counts_that_grow_are_not_added_up(name: str) -> None:
    streamed = read_stream(name, *GROWING[name])

    assert streamed is not None
    assert (streamed.input_tokens, streamed.output_tokens, streamed.total) == (9, 8, 17)
    assert tapped_stream(name, *GROWING[name]) == streamed


@pytest.mark.parametrize(
    ("name", "told", "meant"),
    [
        ("chat", {"completion_tokens": 5, "total_tokens": 12}, Usage(7, 5, total_tokens=12)),
        ("chat", {"prompt_tokens": 7, "total_tokens": 12}, Usage(7, 5, total_tokens=12)),
        ("chat", {"total_tokens": 12}, Usage(0, 0, total_tokens=12)),
        (
            "chat",
            {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12, "reasoning_tokens": 4},
            Usage(7, 5, None, None, 4, 12, {"chat": {"reasoning_tokens": 4}}),
        ),
        ("chat", {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 0}, Usage(7, 5)),
        ("chat", {"prompt_tokens": "7", "completion_tokens": 5.0, "total_tokens": None}, Usage(7, 5)),
        (
            "responses",
            {"input_tokens": 7, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 6}},
            Usage(7, 11, None, None, 6),
        ),
        ("messages", {"input_tokens": "7", "output_tokens": 5.0, "cache_read_input_tokens": -3}, Usage(7, 5)),
        (
            "generate",
            {"promptTokenCount": 7, "candidatesTokenCount": 5, "cachedContentTokenCount": 9},
            Usage(7, 5, 7, extra={"generate": {"cachedContentTokenCount": 9}}),
        ),
    ],
)
def test_what_is_missing_or_cannot_be_is_made_up_from_the_rest(name: str, told: dict[str, Any], meant: Usage) -> None:
    assert read_whole(name, told) == meant
    assert tapped_whole(name, told) == meant


def test_a_later_count_that_is_none_leaves_the_earlier_one() -> None:
    told = [{"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 4}, {"output_tokens": "many", "input_tokens": -1}]

    assert read_stream("messages", *told) == tapped_stream("messages", *told) == Usage(9, 4)
