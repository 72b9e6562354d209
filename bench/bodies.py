"""The request bodies of the runs: small ones, and 60 KB ones shaped like a coding agent's third dozen of turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

_WORDS = (
    "You are a coding agent running in a terminal. Read files, run commands, apply patches, and explain each step briefly. "
    'Use "apply_patch" for edits; prefer rg over grep; never revert changes that you did not make.\n'
)
_ASK = "Say hello in five languages, please."
_COMMAND = json.dumps({"command": ["bash", "-lc", "sed -n 1,200p src/main.py"]})
_TURNS = 22


def body(dialect: str, size: str, model: str, *, stream: bool) -> bytes:
    """The JSON of one request. `dialect` is `chat` or `responses`, `size` is `small` or `60k`."""
    document = {"model": model, **_BODIES[dialect, size]()}
    if stream:
        document["stream"] = True
        if dialect == "chat":
            document["stream_options"] = {"include_usage": True}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _chat_small() -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": "You are terse."}, {"role": "user", "content": _ASK}]}


def _responses_small() -> dict[str, Any]:
    return {
        "instructions": "You are terse.",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": _ASK}]}],
        "max_output_tokens": 200,
        "store": False,
    }


def _chat_60k() -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": _text(15_000)}]
    for turn in range(_TURNS):
        call = {"id": f"call_{turn}", "type": "function", "function": {"name": "tool_0", "arguments": _COMMAND}}
        messages += [
            {"role": "user", "content": _text(200)},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"call_{turn}", "content": _source(turn)},
        ]
    tools = [{"type": "function", "function": tool} for tool in _tools()]
    return {"messages": messages, "tools": tools, "tool_choice": "auto"}


def _responses_60k() -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    for turn in range(_TURNS):
        items += [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": _text(200)}]},
            {"type": "function_call", "name": "tool_0", "arguments": _COMMAND, "call_id": f"call_{turn}"},
            {"type": "function_call_output", "call_id": f"call_{turn}", "output": _source(turn)},
        ]
    return {
        "instructions": _text(15_000),
        "input": items,
        "tools": [{"type": "function", "strict": False, **tool} for tool in _tools()],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0f0f0f0f",
    }


def _tools() -> list[dict[str, Any]]:
    properties = {f"arg_{number}": {"type": "string", "description": _text(120)} for number in range(4)}
    schema = {"type": "object", "properties": properties, "required": ["arg_0"], "additionalProperties": False}
    return [{"name": f"tool_{number}", "description": _text(300), "parameters": schema} for number in range(10)]


def _source(turn: int) -> str:
    return f'def f{turn}(x):\n    return {{"a": x, \'b\': "{"é→x" * 6}"}}\n' + _text(1_100)


def _text(length: int) -> str:
    return (_WORDS * (length // len(_WORDS) + 1))[:length]


_BODIES: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
    ("chat", "small"): _chat_small,
    ("chat", "60k"): _chat_60k,
    ("responses", "small"): _responses_small,
    ("responses", "60k"): _responses_60k,
}
