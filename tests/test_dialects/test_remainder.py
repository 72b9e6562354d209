"""What only one dialect knows comes back as it came, whatever it is called."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect

# Names that the readers give to their own marks, and one that means something in JSON Schema.
ODD: dict[str, Any] = {name: {"a": 1} for name in ("$as", "$wire", "$turn", "$plain", "$system", "$legacy", "$in", "$spelled", "$schema")}

REQUESTS: dict[str, dict[str, Any]] = {
    "chat": {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a", **ODD}], **ODD},
            {
                "role": "assistant",
                "content": "b",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, **ODD}],
                **ODD,
            },
            {"role": "tool", "tool_call_id": "c1", "content": "d", **ODD},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", **ODD}}, **ODD}],
        **ODD,
    },
    "messages": {
        "model": "m",
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a", **ODD}], **ODD},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}, **ODD}], **ODD},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "d", **ODD}], **ODD},
            {"role": "assistant", "content": "b", **ODD},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object", **ODD}, **ODD}],
        **ODD,
    },
    "generate": {
        "contents": [
            {"role": "user", "parts": [{"text": "a", **ODD}], **ODD},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}, **ODD}, **ODD}], **ODD},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}, **ODD}, **ODD}], **ODD},
        ],
        "generationConfig": {"temperature": 1, **ODD},
        **ODD,
    },
    "responses": {
        "model": "m",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a", **ODD}], **ODD},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}", **ODD},
            {"type": "function_call_output", "call_id": "c1", "output": "d", **ODD},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", **ODD}, **ODD}],
        "reasoning": {"effort": "low", **ODD},
        "store": False,
        **ODD,
    },
}
AS_ASKED = Quirks(store=None)


@pytest.mark.parametrize("name", REQUESTS)
def test_fields_that_are_called_like_marks_come_back(name: str) -> None:
    spoken = dialect(name)
    path = spoken.path.replace("{model}", "m")

    request = spoken.read_request(Call(path, msgspec.json.encode(REQUESTS[name])))

    assert msgspec.json.decode(spoken.write_request(request, AS_ASKED)[0].body) == REQUESTS[name]
