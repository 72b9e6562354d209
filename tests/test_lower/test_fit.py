"""Everything else that a target may not take: roles, media, effort, settings, what only another API understands."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import (
    Audio,
    Call,
    File,
    FileId,
    FunctionTool,
    Image,
    Inline,
    Item,
    Message,
    OpaqueItem,
    OpaquePart,
    OutputFormat,
    Proof,
    Reasoning,
    ReasoningWish,
    Request,
    Result,
    Sampling,
    Settings,
    Text,
    Url,
)
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.effort import nearest
from dragoman.lower.lower import lower
from dragoman.lower.restore import UNCHANGED

PICTURE = Image(Url("https://x.example/a.png"))
HI = Message("user", (Text("hi"),))
EVERYTHING = Capabilities(
    dialect="responses",
    developer_role=True,
    reasoning_summary=True,
    images_in_results=True,
    verbosity=True,
    metadata=True,
    cache_key=True,
    service_tier=True,
    proofs=frozenset({"responses"}),
    compaction=True,
)


def items(*given: Item, **caps: Any) -> tuple[Item, ...]:
    return lower(Request("m", given), Capabilities(**caps)).request.items


def warned(request: Request, **caps: Any) -> list[str]:
    return [field for field, _ in lower(request, Capabilities(**caps)).warnings]


def message(role: Any, *texts: str) -> Message:
    return Message(role, tuple(Text(text) for text in texts))


def test_nothing_is_changed_where_nothing_needs_to() -> None:
    request = Request(
        "m",
        (message("developer", "d"), HI, Reasoning(proof=Proof("responses", "x")), Call("c", "f", "{}"), Result("c", (PICTURE,))),
        tools=(FunctionTool("f", strict=True),),
        parallel_tools=False,
        reasoning=ReasoningWish("high", "auto"),
        output=OutputFormat("schema", "s", {}),
        verbosity="low",
        max_tokens=10,
        sampling=Sampling(temperature=0.1),
        choices=2,
        cache_key="k",
        service_tier="flex",
        user="u",
        metadata={"a": "b"},
        extra={"responses": {"include": []}},
    )

    lowered = lower(request, EVERYTHING)

    assert lowered.request is request
    assert (lowered.restore.active, lowered.warnings) == (False, [])


def test_an_idle_restore_passes_everything_on() -> None:
    event = ev.CallStarted(0, "c", "f")

    assert list(UNCHANGED.feed(event)) == [event]


def test_lowering_twice_gives_the_same() -> None:
    request = Request(
        "m", (message("developer", "d"), HI), tools=(FunctionTool("a.b"), FunctionTool("a_b")), reasoning=ReasoningWish("max")
    )

    one, two = lower(request, Capabilities(efforts=("low",))), lower(request, Capabilities(efforts=("low",)))

    assert (one.request, one.warnings) == (two.request, two.warnings)


# ---- roles ---------------------------------------------------------------------------------------------------------------


def test_developers_speak_as_the_system_and_first_of_all_once() -> None:
    assert items(message("system", "a"), message("developer", "b"), HI, message("developer", "c")) == (
        message("system", "a", "b"),
        HI,
        message("system", "c"),
    )


def test_a_target_that_knows_developers_keeps_them() -> None:
    assert items(message("system", "a"), message("developer", "b"), developer_role=True) == (
        message("system", "a"),
        message("developer", "b"),
    )


def test_late_instructions_are_marked_where_the_target_takes_none() -> None:
    assert items(message("system", "a"), HI, message("developer", "late"), late_system=False) == (
        message("system", "a"),
        HI,
        message("user", "<system_message>", "late", "</system_message>"),
    )


# ---- media ---------------------------------------------------------------------------------------------------------------


def test_pictures_of_results_follow_the_run_of_results() -> None:
    given = (
        Call("a", "f", "{}"),
        Call("b", "f", "{}"),
        Result("a", (Text("see"), PICTURE), plain=False),
        Result("b", (Text("none"),)),
        message("assistant", "ok"),
    )

    assert items(*given) == (
        *given[:2],
        Result("a", (Text("see"), Text("[image: see the next user message]")), plain=False),
        given[3],
        Message("user", (Text("From the result of a:"), PICTURE)),
        given[4],
    )


def test_pictures_of_the_last_results_follow_too() -> None:
    assert items(Result("a", (PICTURE,)))[-1] == Message("user", (Text("From the result of a:"), PICTURE))


def test_history_that_grows_by_whole_turns_keeps_its_beginning() -> None:
    turns: list[tuple[Item, ...]] = [
        (message("developer", "d"), HI),
        (Reasoning(summary=("s",)), Call("a", "f", "{}"), Result("a", (PICTURE,))),
        (Call("b", "p", "raw", "custom", "n"), Call("c", "f", "{}"), Result("b", (Text("x"),), "custom"), Result("c", (PICTURE,))),
        (message("assistant", "done"), HI),
    ]
    whole = items(*(item for turn in turns for item in turn))

    for count in range(1, len(turns)):
        part = items(*(item for turn in turns[:count] for item in turn))
        assert whole[: len(part)] == part


@pytest.mark.parametrize(
    ("part", "caps", "word"),
    [
        (PICTURE, {"images": False}, "image"),
        (File(FileId("f")), {"files": False}, "file"),
        (Audio(Inline("audio/wav", "AA==")), {"audio": False}, "audio"),
    ],
)
def test_media_that_the_target_does_not_take_leave_a_word(part: Any, caps: dict[str, Any], word: str) -> None:
    request = Request("m", (Message("user", (Text("x"), part)), Result("c", (part,))))
    stand_in = Text(f"[{word} left out: this model does not take it]")

    lowered = lower(request, Capabilities(**caps))

    assert lowered.request.items == (Message("user", (Text("x"), stand_in)), Result("c", (stand_in,)))
    assert lowered.warnings == [("content", f"the target takes no {word} parts")]


# ---- effort --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "allowed", "found"),
    [
        ("xhigh", ("low", "medium", "high"), "high"),
        ("max", ("low", "high", "max"), "max"),
        ("none", ("minimal", "low"), "minimal"),
        ("minimal", ("low", "high"), "low"),
        ("medium", ("low", "high"), "high"),
        ("low", ("none", "medium"), "medium"),
        ("minimal", ("none", "high"), "none"),
        ("low", ("none",), None),
        ("high", ("default", "none"), None),
        ("extreme", ("low",), None),
    ],
)
def test_the_nearest_effort(asked: str, allowed: tuple[str, ...], found: str | None) -> None:
    assert nearest(asked, allowed) == found


@pytest.mark.parametrize(
    ("wish", "caps", "fitted", "fields"),
    [
        (ReasoningWish("xhigh"), {"efforts": None}, ReasoningWish("xhigh"), []),
        (ReasoningWish("xhigh"), {"efforts": ("low", "high")}, ReasoningWish("high"), ["reasoning.effort"]),
        (ReasoningWish("high", "auto"), {"efforts": ()}, None, ["reasoning.summary", "reasoning.effort"]),
        (ReasoningWish("none"), {"efforts": ()}, None, []),
        (ReasoningWish(summary="auto"), {}, None, ["reasoning.summary"]),
        (ReasoningWish("low", "auto"), {"reasoning_summary": True}, ReasoningWish("low", "auto"), []),
        (None, {"efforts": ()}, None, []),
    ],
)
def test_the_wish_is_fitted(wish: ReasoningWish | None, caps: dict[str, Any], fitted: ReasoningWish | None, fields: list[str]) -> None:
    request = Request("m", (), reasoning=wish)

    assert lower(request, Capabilities(**caps)).request.reasoning == fitted
    assert warned(request, **caps) == fields


@pytest.mark.parametrize(
    ("wish", "efforts", "fitted"),
    [
        (ReasoningWish("high"), ("none", "high"), ReasoningWish("none")),
        (None, ("none", "high"), ReasoningWish("none")),
        (ReasoningWish("high"), ("low", "high"), None),
        (ReasoningWish("high"), None, None),
        (None, None, None),
        (ReasoningWish("none"), None, ReasoningWish("none")),
    ],
)
def test_effort_beside_tools_goes_where_the_target_refuses_both(wish: Any, efforts: Any, fitted: Any) -> None:
    caps = Capabilities(efforts=efforts, reasoning_with_tools=False)

    assert lower(Request("m", (), tools=(FunctionTool("f"),), reasoning=wish), caps).request.reasoning == fitted
    assert lower(Request("m", (), reasoning=wish), caps).request.reasoning == wish


# ---- settings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "caps", "fitted", "fields"),
    [
        ("verbosity", "low", {}, None, ["verbosity"]),
        ("verbosity", "medium", {}, None, []),
        ("service_tier", "auto", {}, None, []),
        ("service_tier", "flex", {}, None, ["service_tier"]),
        ("metadata", {"a": "b"}, {}, None, ["metadata"]),
        ("user", "u", {}, None, ["user"]),
        ("cache_key", "k", {}, None, ["cache_key"]),
        ("cache_key", "k", {"cache_key": True}, "k", []),
        ("parallel_tools", False, {"parallel_tools": False}, None, ["parallel_tools"]),
        ("max_tokens", 100, {"max_output_tokens": 50}, 50, ["max_tokens"]),
        ("max_tokens", 50, {"max_output_tokens": 50}, 50, []),
        ("sampling", Sampling(temperature=0.2, top_p=1, seed=1), {"sampling": False}, Sampling(seed=1), ["temperature"]),
    ],
)
def test_settings_are_dropped_or_bounded(field: str, value: Any, caps: dict[str, Any], fitted: Any, fields: list[str]) -> None:
    request = Request("m", (), tools=(FunctionTool("f"),), **{field: value})

    assert getattr(lower(request, Capabilities(**caps)).request, field) == fitted
    assert warned(request, **caps) == fields


def test_strictness_goes_with_a_warning_only_where_it_was_wanted() -> None:
    request = Request("m", (), tools=(FunctionTool("f", strict=True), FunctionTool("g", strict=False)))

    lowered = lower(request, Capabilities(strict_tools=False))

    assert lowered.request.tools == (FunctionTool("f"), FunctionTool("g"))
    assert [field for field, _ in lowered.warnings] == ["tools.strict"]


def test_several_answers_are_refused_where_the_target_gives_one() -> None:
    with pytest.raises(GatewayError) as caught:
        lower(Request("m", (), choices=2), Capabilities(choices=False))

    assert (caught.value.kind, caught.value.param) == (Kind.UNSUPPORTED, "n")


def test_a_schema_that_the_target_cannot_hold_is_asked_for_in_words() -> None:
    request = Request("m", (message("system", "s"), HI), output=OutputFormat("schema", "n", {"type": "object"}))

    json_mode = lower(request, Capabilities(schema_output=False))
    words = lower(request, Capabilities(schema_output=False, json_output=False))

    assert (json_mode.request.output, words.request.output) == (OutputFormat("json"), None)
    assert json_mode.request.items == words.request.items
    opening = json_mode.request.items[0:2]
    assert '{"type":"object"}' in str(opening)
    assert json_mode.request.items[-1] == HI
    assert [field for field, _ in json_mode.warnings] == ["output"]


# ---- what only another API understands -----------------------------------------------------------------------------------


def test_foreign_items_and_parts_are_left_out_with_one_warning_each() -> None:
    request = Request(
        "m",
        (
            OpaqueItem("responses", "program", {}),
            OpaqueItem("responses", "program", {}),
            Message("user", (OpaquePart("responses", {"type": "novel"}), Text("x"))),
            Call("ws", "web_search", "{}", executor="provider", extra={"responses": {}}),
            OpaqueItem("chat", "own", {}),
        ),
        extra={"responses": {"include": ["a"], "max_tool_calls": 3, "novel": None, "$mark": 1}, "chat": {"own": 1}},
    )

    lowered = lower(request, Capabilities())

    stand_in = Text("[novel left out: this model does not take it]")
    assert lowered.request.items == (Message("user", (stand_in, Text("x"))), OpaqueItem("chat", "own", {}))
    assert lowered.warnings == [
        ("max_tool_calls", "only `responses` knows this field"),
        ("items", "only `responses` knows the item `program`"),
        ("content", "only `responses` knows the part `novel`"),
        ("items", "calls that another provider ran itself are left out of the history"),
    ]


def test_foreign_parts_of_the_assistant_leave_no_word() -> None:
    thinking = OpaquePart("chat", {"type": "thinking"})

    found = items(Message("assistant", (thinking, Text("x"))), Message("assistant", (thinking,)), dialect="responses")

    assert found == (message("assistant", "x"),)


def test_thoughts_go_only_where_their_seal_is_known() -> None:
    sealed = Reasoning(proof=Proof("responses", "gAAA", "encrypted_content"))
    told = Reasoning(summary=("s",), proof=Proof("messages", "sig", "signature"), extra={"responses": {"x": 1}})
    plain = Reasoning(content=("c",), extra={"chat": {"reasoning": "c"}})
    request = Request("m", (sealed, told, plain))

    chat = lower(request, Capabilities())
    responses = lower(request, EVERYTHING)

    assert chat.request.items == (Reasoning(summary=("s",), extra=told.extra), plain)
    assert responses.request.items == (sealed,)
    assert chat.warnings == [("reasoning", "thoughts that only their maker can read stay behind: 1 of `responses`, 1 of `messages`")]


def test_a_change_of_effort_on_the_way_is_applied() -> None:
    change = Settings("responses", {"type": "configuration_update", "reasoning": {"effort": "low"}, "text": {}})
    request = Request("m", (HI, change), reasoning=ReasoningWish("high"))

    lowered = lower(request, Capabilities())

    assert (lowered.request.items, lowered.request.reasoning) == ((HI,), ReasoningWish("low"))
    assert lowered.warnings == [("items", "the change of `text` in mid-conversation is left out")]
    assert lower(request, EVERYTHING).request is request
