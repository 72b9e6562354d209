"""A line of a script that names a namespace calls the tool under the name that it is offered under."""

from __future__ import annotations

from typing import Any

import pytest
from desk import ask, fast

from dragoman.simulator.script import read_script

SCRIPT = read_script("rules: [{reply: [{call: {name: add, namespace: mcp__calc, arguments: {a: 1}}}]}]")
FORM = {"type": "object", "properties": {"a": {"type": "integer"}}}
ASKED: dict[str, dict[str, Any]] = {
    "chat": {
        "messages": [{"role": "user", "content": "add"}],
        "tools": [{"type": "function", "function": {"name": "mcp__calc__add", "parameters": FORM}}],
    },
    "messages": {
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "add"}],
        "tools": [{"name": "mcp__calc__add", "input_schema": FORM}],
    },
    "generate": {
        "contents": [{"role": "user", "parts": [{"text": "add"}]}],
        "tools": [{"functionDeclarations": [{"name": "mcp__calc__add", "parametersJsonSchema": FORM}]}],
    },
}


@pytest.mark.parametrize("dialect", ASKED)
def test_flattened_name_is_called_as_it_stands(dialect: str) -> None:
    told = str(ask(fast(SCRIPT), dialect, {"model": "m", **ASKED[dialect]}))

    assert (told.count("mcp__calc__add"), told.count("mcp__calc")) == (1, 1), told


def test_namespace_is_told_where_there_is_one() -> None:
    tools = [{"type": "namespace", "name": "mcp__calc", "tools": [{"type": "function", "name": "add", "parameters": FORM}]}]

    (call,) = ask(fast(SCRIPT), "responses", {"model": "m", "input": "add", "tools": tools})["output"]

    assert (call["namespace"], call["name"]) == ("mcp__calc", "add")
