"""Breakpoints of the prompt cache, where the client set none: tools, instructions, and whatever the conversation ends with.

The ones on tools and instructions stay where they are, and the moving one is the API's own (`cache_control` at the top level), so no
byte of an earlier turn changes from request to request: what was cached is found again, and thoughts stay bound to their prefix.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching#automatic-caching
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.contract import Quirks
from dragoman.dialects.remainder import JsonObject, objects

_FIELD = "cache_control"
_EPHEMERAL: JsonObject = {"type": "ephemeral"}
# The API refuses a breakpoint on these.
_NOT_ON = frozenset({"thinking", "redacted_thinking"})


def mark_cache(body: JsonObject, quirks: Quirks) -> None:
    """Set the breakpoints of a whole body."""
    if quirks.cache_breakpoints == "off":
        return
    for name in ("tools", "system"):
        _mark_last(body.get(name))
    if quirks.cache_breakpoints == "automatic":
        body[_FIELD] = _EPHEMERAL
    else:
        asked = [message for message in body["messages"] if message["role"] == "user"]
        for message in asked[-2:]:
            _mark_last(message["content"])


def _mark_last(value: Any) -> None:
    blocks = objects(value)
    if not blocks:
        return
    last = blocks[-1]
    if last.get("type") not in _NOT_ON:
        value[-1] = {**last, _FIELD: _EPHEMERAL}
