"""How hard to think, in the fields that servers of Chat have for it: understood by every other API, and as it came for their own."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.request import FunctionTool, Request
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower

QUIRKS = Quirks(stream_usage=False, store=None)


def read(more: dict[str, Any]) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
    return dialect("chat").read_request(Call("/chat/completions", msgspec.json.encode(body)))


def written(request: Request, name: str = "chat") -> dict[str, Any]:
    return msgspec.json.decode(dialect(name).write_request(request, QUIRKS)[0].body)


MEANT: list[tuple[dict[str, Any], tuple[str | None, int | None]]] = [
    ({"thinking": {"type": "disabled"}}, ("none", None)),
    ({"thinking": {"type": "enabled"}}, ("medium", None)),
    ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, (None, 2048)),
    ({"enable_thinking": False}, ("none", None)),
    ({"enable_thinking": True}, ("medium", None)),
    ({"enable_thinking": True, "thinking_budget": 900}, (None, 900)),
    ({"chat_template_kwargs": {"enable_thinking": False}}, ("none", None)),
    ({"chat_template_kwargs": {"thinking": True}}, ("medium", None)),
    ({"reasoning": {"enabled": False}}, ("none", None)),
    ({"reasoning": {"enabled": True, "effort": "high"}}, ("high", None)),
    ({"reasoning_effort": "high", "thinking": {"type": "enabled"}}, ("high", None)),
    ({"reasoning_effort": "high", "thinking": {"type": "disabled"}}, ("none", None)),
]


@pytest.mark.parametrize(("more", "meant"), MEANT)
def test_the_wish_is_understood(more: dict[str, Any], meant: tuple[str | None, int | None]) -> None:
    wish = read(more).reasoning

    assert wish is not None
    assert (wish.effort, wish.budget_tokens) == meant


@pytest.mark.parametrize(("more", "meant"), MEANT)
@pytest.mark.parametrize("efforts", [None, (), ("low", "high")])
def test_a_server_of_chat_gets_the_fields_as_they_came_and_without_a_warning(
    more: dict[str, Any], meant: tuple[str | None, int | None], efforts: tuple[str, ...] | None
) -> None:
    lowered = lower(read(more), Capabilities(efforts=efforts))

    assert written(lowered.request) == {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
    assert lowered.warnings == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"thinking": {"type": "enabled"}}, {"reasoning": {"effort": "medium"}}),
        ({"enable_thinking": False}, {"reasoning": {"effort": "none"}}),
        ({"reasoning_effort": "low", "enable_thinking": True}, {"reasoning": {"effort": "low"}}),
    ],
)
def test_another_api_is_told_in_its_own_words(more: dict[str, Any], said: dict[str, Any]) -> None:
    lowered = lower(read(more), Capabilities("responses"))

    assert {name: value for name, value in written(lowered.request, "responses").items() if name == "reasoning"} == said
    assert lowered.warnings == []


def test_a_thought_that_was_given_up_for_a_tool_is_not_asked_for_by_the_field_that_came() -> None:
    request = msgspec.structs.replace(
        read({"thinking": {"type": "enabled"}, "tool_choice": "required"}), tools=(FunctionTool("f", parameters={"type": "object"}),)
    )

    body = written(lower(request, Capabilities(forced_while_thinking=False)).request)

    assert "thinking" not in body
    assert body["reasoning_effort"] == "none"


_ODD = st.sampled_from(
    [None, True, False, 0, 3, "x", {}, {"type": "enabled"}, {"type": "disabled", "x": 1}, {"enabled": False}, {"effort": "low"}, []]
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("thinking", "enable_thinking", "chat_template_kwargs", "reasoning", "thinking_budget"), _ODD),
            "reasoning_effort": st.sampled_from(["none", "low", "odd"]),
        },
    )
)
def test_whatever_is_said_comes_back_as_it_came(more: dict[str, Any]) -> None:
    assert written(read(more)) == {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
