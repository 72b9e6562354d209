"""A proof goes back to who made it and to nobody else, and what stays behind is told."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.ir.request import (
    GATEWAY,
    Call,
    FunctionTool,
    Item,
    Message,
    Proof,
    Reasoning,
    ReasoningWish,
    Request,
    Result,
    Text,
    ToolChoice,
)
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.fitting import Trust
from dragoman.lower.lower import lower
from dragoman.lower.thoughts import origin

HI = Message("user", (Text("hi"),))
OPUS = "claude/claude-opus-5-5"
CLAUDE = Capabilities(dialect="messages", proofs=frozenset({"messages"}))
BOUND = Capabilities(dialect="messages", proofs=frozenset({"messages"}), proofs_of_model=True)
GEMINI = Capabilities(dialect="generate", proofs=frozenset({"generate"}))
WORDS = Capabilities()


def thought(maker: str, origin: str | None, kind: str = "signature") -> Reasoning:
    return Reasoning(content=("hm",), proof=Proof(maker, "sig", kind, origin))


def kept(item: Item, caps: Capabilities, here: str | None) -> tuple[Item, ...]:
    return lower(Request("m", (HI, item)), caps, here).request.items[1:]


def warnings(*items: Item, caps: Capabilities, here: str | None) -> list[tuple[str, str]]:
    return lower(Request("m", (HI, *items)), caps, here).warnings


@pytest.mark.parametrize(
    ("origin", "caps", "here", "taken"),
    [
        (OPUS, CLAUDE, OPUS, True),
        (OPUS, CLAUDE, "claude/claude-sonnet-5", True),
        (OPUS, BOUND, "claude/claude-sonnet-5", False),
        (OPUS, BOUND, OPUS, True),
        (OPUS, CLAUDE, "bedrock/claude-opus-5-5", False),
        (OPUS, CLAUDE, None, True),
        (None, CLAUDE, OPUS, True),
        (OPUS, GEMINI, "gemini/gemini-3-pro", False),
    ],
)
def test_a_thought_goes_back_only_to_its_maker(origin: str | None, caps: Capabilities, here: str | None, taken: bool) -> None:
    item = thought("messages", origin)

    assert kept(item, caps, here) == ((item,) if taken else ())
    assert bool(warnings(item, caps=caps, here=here)) != taken


def test_a_call_stays_when_its_proof_cannot_go_with_it() -> None:
    call = Call("c", "f", "{}", proof=Proof("generate", "sig", "thought_signature", "gemini/gemini-3-pro"))

    assert kept(call, GEMINI, "gemini/gemini-3.8-flash") == (call,)
    assert kept(call, CLAUDE, OPUS) == (Call("c", "f", "{}"),)


def test_what_stays_behind_is_told_once_with_its_makers_counted() -> None:
    call = Call("c", "f", "{}", proof=Proof("generate", "s", "thought_signature", "gemini/g"))
    told = warnings(thought("messages", OPUS), call, thought("messages", OPUS), caps=GEMINI, here="other/g")

    assert told == [("reasoning", f"thoughts that only their maker can read stay behind: 2 of `{OPUS}`, 1 of `gemini/g`")]


def test_the_words_of_another_thought_go_only_where_words_are_taken() -> None:
    item = Reasoning(content=("hm",), proof=Proof(GATEWAY, "", "words"))

    assert kept(item, WORDS, "deepseek/v4") == (Reasoning(content=("hm",)),)
    assert kept(item, CLAUDE, OPUS) == ()
    assert warnings(item, caps=WORDS, here="deepseek/v4") == []
    assert warnings(item, caps=CLAUDE, here=OPUS) == [
        ("reasoning", "thoughts that only their maker can read stay behind: 1 of `another model`")
    ]


def test_a_broken_seal_is_left_out_and_told() -> None:
    item = Reasoning(summary=("s",), proof=Proof(GATEWAY, "", "broken"))

    assert kept(item, CLAUDE, OPUS) == ()
    assert warnings(item, caps=CLAUDE, here=OPUS) == [
        ("reasoning", "a sealed thought was altered, cut, or sealed by a later version of the gateway")
    ]


def test_chat_takes_back_the_fields_that_it_gave() -> None:
    mine = Reasoning(content=("hm",), proof=Proof("chat", "[]", "reasoning_details", "router/m"))

    assert kept(mine, WORDS, "router/m") == (mine,)
    assert kept(mine, WORDS, "other/m") == (Reasoning(content=("hm",)),)


TURN: tuple[Item, ...] = (HI, Call("a", "f", "{}"), Result("a", (Text("x"),)))
PROVEN: tuple[Item, ...] = (HI, thought("messages", OPUS), Call("a", "f", "{}"), Result("a", (Text("x"),)))


@pytest.mark.parametrize(
    ("items", "thinks"),
    [
        (TURN, False),
        (PROVEN, True),
        ((*TURN, thought("messages", OPUS), Call("b", "f", "{}"), Result("b", ())), False),
        ((*PROVEN, Call("b", "f", "{}"), Result("b", ())), True),
        ((*TURN, Message("user", (Text("go on"),))), False),
        ((*TURN, Message("assistant", (Text("done"),)), HI), True),
        ((*TURN, Message("assistant", (Text("done"),)), *PROVEN), True),
        ((HI,), True),
    ],
)
def test_no_thinking_in_a_tool_turn_that_another_began_where_it_must_begin_with_a_thought(items: tuple[Item, ...], thinks: bool) -> None:
    manual = Capabilities(dialect="messages", proofs=frozenset({"messages"}), efforts=("none", "high"), thought_first=True)
    wish = ReasoningWish("high")

    strict = lower(Request("m", items, reasoning=wish), manual, OPUS).request.reasoning
    free = lower(Request("m", items, reasoning=wish), CLAUDE, OPUS).request.reasoning

    assert (strict, free) == (wish if thinks else ReasoningWish("none"), wish)


SEALED = Capabilities(dialect="responses", proofs=frozenset({"responses"}), proofs_of_key=True)
SHARED = Capabilities(dialect="responses", proofs=frozenset({"responses"}))
GPT = "openai/gpt-6"


@pytest.mark.parametrize(
    ("maker", "caps", "here", "taken"),
    [
        (f"{GPT}@a", SEALED, f"{GPT}@a", True),
        (f"{GPT}@a", SEALED, f"{GPT}@b", False),
        (f"{GPT}@a", SEALED, "openai/gpt-6.1@a", True),
        (f"{GPT}@a", SEALED, "azure/gpt-6@a", False),
        # Stamped while the provider had one key only, or has one again.
        (GPT, SEALED, f"{GPT}@b", True),
        (f"{GPT}@a", SEALED, GPT, True),
        # All keys are of one account.
        (f"{GPT}@a", SHARED, f"{GPT}@b", True),
        # A name with the mark in it.
        ("vertex/claude-opus-4@20250514", BOUND, "vertex/claude-opus-4@20250514", True),
        ("vertex/claude-opus-4@20250514", BOUND, "vertex/claude-opus-4@20250805", False),
    ],
)
def test_a_thought_goes_back_only_under_the_key_that_can_read_it(maker: str, caps: Capabilities, here: str, taken: bool) -> None:
    item = thought(caps.dialect, maker, "encrypted_content")

    assert kept(item, caps, here) == ((item,) if taken else ())


def test_an_origin_names_the_key_only_where_it_matters() -> None:
    assert origin(GPT, SEALED, "a") == f"{GPT}@a"
    assert origin(GPT, SEALED) == GPT
    assert origin(OPUS, CLAUDE, "a") == OPUS


@pytest.mark.parametrize(("trust", "left"), [("all", 0), ("sealed", 1), ("none", 2)])
def test_a_session_that_moved_leaves_its_unsealed_thoughts_behind_and_one_that_was_refused_all(trust: Trust, left: int) -> None:
    raw, own = thought("messages", None), thought("messages", OPUS)

    lowered = lower(Request("m", (HI, raw, own)), CLAUDE, OPUS, trust)

    assert lowered.request.items == (HI, *(raw, own)[left:])
    assert len(lowered.warnings) == bool(left)


def test_a_refusal_of_thoughts_is_told_as_one() -> None:
    raw = thought("responses", None, "encrypted_content")

    assert lower(Request("m", (HI, raw, raw)), SEALED, GPT, "none").warnings == [
        ("reasoning", "the target refused earlier thoughts; left behind: 2")
    ]
    assert lower(Request("m", (HI, raw)), SEALED, GPT, "sealed").warnings == [
        ("reasoning", "thoughts that only their maker can read stay behind: 1 of `responses`")
    ]


def test_a_call_loses_the_proof_that_was_refused() -> None:
    call = Call("c", "f", "{}", proof=Proof("generate", "sig", "thought_signature"))

    assert lower(Request("m", (HI, call)), GEMINI, "gemini/g", "sealed").request.items == (HI, Call("c", "f", "{}"))


def test_words_that_shall_go_on_stay_last_or_do_not_go_on() -> None:
    asked = Request("m", (HI, Message("assistant", (Text("So far"),))), tools=(FunctionTool("f"),), continues=True)

    assert lower(asked, WORDS).request.continues
    assert not lower(msgspec.structs.replace(asked, tool_choice=ToolChoice("required")), Capabilities(forced_tools=False)).request.continues
