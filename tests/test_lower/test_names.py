"""Names of tools: legal, short enough, different, and the same each time."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir import events as ev
from dragoman.ir.request import (
    Call,
    CustomTool,
    FunctionTool,
    HostedTool,
    Item,
    Message,
    Request,
    Result,
    SearchTool,
    Text,
    ToolChoice,
    ToolsAdded,
)
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import Lowered, lower

LEGAL = re.compile(r"[a-zA-Z0-9_-]+")
CHAT = Capabilities()
KEYS = st.tuples(
    st.none() | st.text(max_size=40) | st.sampled_from(["a", "a__b", "mcp.x"]),
    st.text(min_size=1, max_size=80) | st.sampled_from(["b", "c", "b__c", "a__b"]),
)


def functions(*keys: tuple[str | None, str]) -> tuple[FunctionTool, ...]:
    return tuple(FunctionTool(name, namespace=namespace) for namespace, name in keys)


def names(lowered: Lowered) -> list[str]:
    return [tool.name for tool in lowered.request.tools if isinstance(tool, FunctionTool)]


def called(lowered: Lowered, name: str) -> tuple[str | None, str]:
    (event,) = lowered.restore.feed(ev.CallStarted(0, "c", name))
    assert isinstance(event, ev.CallStarted)
    return event.namespace, event.name


@given(st.lists(KEYS, unique=True, max_size=6), st.integers(16, 128))
def test_every_name_is_legal_unique_and_leads_back(keys: list[tuple[str | None, str]], limit: int) -> None:
    lowered = lower(Request("m", (), tools=functions(*keys)), Capabilities(tool_name_chars=limit))

    found = names(lowered)
    assert all(LEGAL.fullmatch(name) and len(name) <= limit for name in found)
    assert len(set(found)) == len(keys)
    assert [called(lowered, name) for name in found] == keys


@given(st.lists(KEYS, unique=True, min_size=1, max_size=6), st.lists(KEYS, max_size=3))
def test_more_history_renames_nothing(keys: list[tuple[str | None, str]], later: list[tuple[str | None, str]]) -> None:
    history = tuple(Call(f"c{i}", name, "{}", namespace=namespace) for i, (namespace, name) in enumerate(keys))
    more = (*history, ToolsAdded(functions(*later)), *(Call("x", name, "{}", namespace=namespace) for namespace, name in later))

    short = lower(Request("m", history, tools=functions(*keys[:2])), CHAT)
    long = lower(Request("m", more, tools=functions(*keys[:2])), CHAT)

    assert long.request.items[: len(history)] == short.request.items
    assert names(long)[: len(short.request.tools)] == names(short)


def test_a_namespace_is_told_in_the_name() -> None:
    request = Request("m", (Call("c", "wait", "{}", namespace="agents"),), tools=functions(("agents", "wait"), (None, "look")))

    lowered = lower(request, CHAT)

    assert names(lowered) == ["agents__wait", "look"]
    assert lowered.request.items == (Call("c", "agents__wait", "{}"),)
    assert (called(lowered, "agents__wait"), called(lowered, "look"), called(lowered, "unknown")) == (
        ("agents", "wait"),
        (None, "look"),
        (None, "unknown"),
    )


def test_the_first_claim_keeps_a_name_that_two_want() -> None:
    lowered = lower(Request("m", (), tools=functions(("a", "b__c"), ("a__b", "c"), (None, "a__b__c"))), CHAT)

    first, second, third = names(lowered)
    assert first == "a__b__c"
    assert second != third
    assert [called(lowered, name) for name in (first, second, third)] == [("a", "b__c"), ("a__b", "c"), (None, "a__b__c")]


def test_weak_models_are_understood_where_no_doubt_is() -> None:
    lowered = lower(
        Request("m", (), tools=functions(("agents", "wait"), ("clock", "sleep"), ("other", "sleep"), ("x", "look"), (None, "look"))), CHAT
    )

    assert called(lowered, "wait") == ("agents", "wait")
    assert called(lowered, "agents.wait") == ("agents", "wait")
    assert called(lowered, "sleep") == (None, "sleep")
    assert called(lowered, "look") == (None, "look")


def test_choice_and_history_use_the_same_names() -> None:
    items: tuple[Item, ...] = (Call("c", "read.file", "{}"), Result("c", (Text("x"),)))
    request = Request("m", items, tools=functions((None, "read.file"), (None, "z")), tool_choice=ToolChoice("one", ((None, "read.file"),)))

    lowered = lower(request, CHAT)

    assert lowered.request.items == (Call("c", "read_file", "{}"), items[1])
    assert lowered.request.tool_choice == ToolChoice("one", ((None, "read_file"),))
    assert called(lowered, "read_file") == (None, "read.file")


def test_namespaces_stay_where_the_target_knows_them() -> None:
    request = Request("m", (Call("c", "a.b", "{}", namespace="n"),), tools=functions(("n", "a.b"), ("o", "a.b")))

    assert lower(request, Capabilities(namespaces=True)).request is request


def test_tools_that_came_later_follow_the_head_in_order() -> None:
    items = (
        ToolsAdded(functions(("n", "a"))),
        Message("user", (Text("hi"),)),
        Call("s", "tool_search", '{"query":"x"}', "search"),
        Result("s", (), "search", tools=(FunctionTool("b", namespace="n"), FunctionTool("look", description="new"))),
    )
    request = Request("m", items, tools=(FunctionTool("look"), SearchTool("finds", {"type": "object"})))

    lowered = lower(request, CHAT)

    assert lowered.request.tools == (
        FunctionTool("look", description="new"),
        FunctionTool("tool_search", "finds", {"type": "object"}),
        FunctionTool("n__a"),
        FunctionTool("n__b"),
    )
    assert lowered.request.items == (
        Message("user", (Text("hi"),)),
        Call("s", "tool_search", '{"query":"x"}'),
        Result("s", (Text("Found and now offered: n__b, look"),)),
    )
    (event,) = lowered.restore.feed(ev.CallStarted(0, "c", "tool_search"))
    assert event == ev.CallStarted(0, "c", "tool_search", kind="search")


def test_hosted_tools_that_the_target_does_not_run_are_left_out() -> None:
    search = HostedTool("web_search", "chat", {"type": "web_search"})
    tools = (HostedTool("code_execution", "responses", {}), search, HostedTool("server_own", "chat", {}))

    without = lower(Request("m", (), tools=tools), CHAT)
    with_search = lower(Request("m", (), tools=tools), Capabilities(hosted_tools=frozenset({"web_search"})))

    assert without.request.tools == tools[2:]
    assert without.warnings == [("tools", f"the target does not run the hosted tool `{kind}`") for kind in ("code_execution", "web_search")]
    assert with_search.request.tools == tools[1:]


def test_a_choice_of_an_absent_tool_is_left_to_the_model() -> None:
    one = ToolChoice("one", ((None, "gone"),))
    some = ToolChoice("some", ((None, "gone"), (None, "f")), required=True)

    def choice(wanted: ToolChoice, *tools: FunctionTool) -> tuple[ToolChoice | None, list[str]]:
        lowered = lower(Request("m", (), tools=tools, tool_choice=wanted, parallel_tools=True), CHAT)
        return lowered.request.tool_choice, [field for field, _ in lowered.warnings]

    assert choice(one, FunctionTool("f")) == (ToolChoice("auto"), ["tool_choice"])
    assert choice(some, FunctionTool("f")) == (ToolChoice("some", ((None, "f"),), required=True), ["tool_choice"])
    assert choice(ToolChoice("required")) == (None, ["tool_choice"])
    assert choice(ToolChoice("auto")) == (None, [])


def test_a_target_without_tools_is_told_the_past_in_words() -> None:
    request = Request("m", (Call("c", "f", '{"a":1}'), Result("c", (Text("r"),))), tools=(FunctionTool("f"),))

    lowered = lower(request, Capabilities(tools=False))

    assert lowered.request == Request(
        "m", (Message("assistant", (Text('[called f: {"a":1}]'),)), Message("user", (Text("[answer to c]"), Text("r"))))
    )


def test_custom_tools_stay_where_the_target_takes_them() -> None:
    request = Request("m", (Call("c", "p", "raw", "custom"), Result("c", (), "custom")), tools=(CustomTool("p"),))

    assert lower(request, Capabilities(freeform_tools=True)).request is request
