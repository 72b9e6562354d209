"""Items in the very letter of the API are read without a comparison; whatever departs from it comes back as it came all the same, and
what is wrong is told with its place."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

import msgspec
import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError

LETTER: list[dict[str, Any]] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}], "id": "m", "phase": "commentary"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "a"}]},
    {"type": "message", "role": "user", "content": []},
    {"role": "user", "content": "a"},
    {"type": "reasoning", "summary": [], "encrypted_content": "e", "id": "r", "content": None},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "content": [{"type": "reasoning_text", "text": "t"}]},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "id": "i", "namespace": "n"},
    {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"},
    {"type": "function_call_output", "call_id": "c", "output": "o", "id": "i"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a"}]},
    {"type": "function_call_output", "call_id": "c", "output": []},
    {"type": "custom_tool_call_output", "call_id": "c", "output": "o", "name": "f"},
]
ODD: list[tuple[str, Any]] = [("status", "completed"), ("id", None), ("id", 1), ("namespace", None), ("phase", None), ("content", None)]
DEPARTED = [
    {**item, **dict(odd)} for item in LETTER for odd in chain.from_iterable(combinations(ODD, size) for size in range(3))
]  # fmt: skip


def _body(items: list[Any], **more: Any) -> Call:
    return Call("/responses", msgspec.json.encode({"model": "m", "store": False, "input": items, **more}))


@pytest.mark.parametrize("item", DEPARTED, ids=repr)
def test_an_item_comes_back_as_it_came(item: dict[str, Any]) -> None:
    spoken = dialect("responses")
    if item.get("content") is None and item.get("role") == "user":
        item = {**item, "content": "a"}
    came = _body([item, {"role": "user", "content": "b"}])

    written, _ = spoken.write_request(spoken.read_request(came), Quirks(store=None))

    kept = msgspec.json.decode(written.body)["input"]
    # Thoughts that say nothing but their id are left out where nothing is stored.
    assert kept == [each for each in msgspec.json.decode(came.body)["input"] if each in kept]
    assert len(kept) == 2 or item["type"] == "reasoning"


def test_a_number_that_python_takes_for_a_switch_comes_back_as_a_number() -> None:
    spoken = dialect("responses")
    tool = {"type": "function", "name": "f", "parameters": None, "strict": 0}

    written, _ = spoken.write_request(spoken.read_request(_body([{"role": "user", "content": "b"}], tools=[tool])), Quirks())

    assert b'"strict":0' in written.body


USER, TEXT = {"role": "user", "content": "a"}, {"type": "text", "text": "a"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("responses", {"input": [LETTER[1], {"type": "function_call", "call_id": "c", "name": "f"}]}, "input[1].arguments"),
    ("responses", {"input": [LETTER[1], LETTER[1], {"role": "user", "content": ["x"]}]}, "input[2].content[0]"),
    ("responses", {"input": [LETTER[1], {"role": "user", "content": [{"type": "input_text"}]}]}, "input[1].content[0].text"),
    ("chat", {"messages": [USER, {"role": "nobody"}]}, "messages[1].role"),
    ("chat", {"messages": [USER, {"role": "user", "content": [TEXT, {"type": "text"}]}]}, "messages[1].content[1].text"),
    ("chat", {"messages": [USER, {"role": "assistant", "tool_calls": [CALL, {"id": "d"}]}]}, "messages[1].tool_calls[1].function"),
    ("messages", {"messages": [USER, {"role": "user", "content": [TEXT, "x"]}]}, "messages[1].content[1]"),
    ("messages", {"messages": [USER, {"role": "user", "content": [{"type": "tool_result"}]}]}, "messages[1].content[0].tool_use_id"),
    ("messages", {"messages": [USER, {"role": "nobody", "content": "a"}]}, "messages[1].role"),
    ("generate", {"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"parts": [{"text": "a"}, 1]}]}, "contents[1].parts[1]"),
    ("generate", {"contents": [{"role": "user", "parts": [{"text": "a"}]}, 1]}, "contents[1]"),
]


@pytest.mark.parametrize(("name", "body", "place"), WRONG)
def test_what_is_wrong_is_told_with_its_place(name: str, body: dict[str, Any], place: str) -> None:
    with pytest.raises(GatewayError) as refused:
        dialect(name).read_request(Call(dialect(name).path.replace("{model}", "m"), msgspec.json.encode({"model": "m", **body})))

    assert refused.value.param == place
    assert refused.value.message.startswith(f"`{place}` ")
