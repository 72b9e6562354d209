"""Carries a request to every other dialect: it is valid there, and says the same but for what it was told that it leaves out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.corpus import judges
from tests.corpus.difference import differences
from tests.corpus.exchange import DIALECTS, Exchange
from tests.corpus.meaning import of_request
from tests.corpus.translation import carry_request

from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError, Kind

_TELLS_OF: dict[str, frozenset[str]] = {
    "items": frozenset({"contents", "contents.parts", "messages", "messages.content", "input", "items", "content", "file", "image"}),
    "stop": frozenset({"stop"}),
    "max_tokens": frozenset({"max_tokens"}),
    "tool_choice": frozenset({"tool_choice", "tools"}),
    "tools": frozenset({"tools"}),
    "schema": frozenset({"output", "response_format", "text.format"}),
    "temperature": frozenset({"temperature"}),
    "top_p": frozenset({"top_p"}),
}
"""For each part of a request's meaning, the warnings that tell of a change in it."""


def request_translates(exchange: Exchange) -> Iterator[str]:
    """The request in every other dialect."""
    if exchange.call is None or exchange.status >= 300:
        return
    request = dialect(exchange.dialect).read_request(exchange.call)
    for target in DIALECTS:
        if target == exchange.dialect:
            continue
        try:
            carried = carry_request(request, target)
        except GatewayError as error:
            # Told to the client in a sentence: nothing vanished.
            if error.kind is not Kind.UNSUPPORTED:
                yield f"to {target}: {error!r}"
            continue
        yield from (f"to {target}: {line}" for line in judges.request(target, json.loads(carried.call.body)))
        told = {field for field, _ in carried.left_out}
        meant, back = of_request(carried.fitted, target), of_request(dialect(target).read_request(carried.call), target)
        for part in meant:
            if not told & _TELLS_OF.get(part, frozenset()):
                yield from (f"to {target}: {line}" for line in _compare(part, meant, back))


def _compare(part: str, meant: dict[str, Any], back: dict[str, Any]) -> Iterator[str]:
    said = _without_frame(meant[part], back[part]) if part == "items" else back[part]
    return differences(meant[part], said, f"${part}")


def _without_frame(meant: list[Any], back: list[Any]) -> list[Any]:
    """Without the user's words that an API demands before and after those of the assistant."""
    spoken = [item for item in meant if item.get("by") != "system"]
    at = next((place for place, item in enumerate(back) if item.get("by") != "system"), 0)
    if not spoken and len(back) == len(meant) + 1:
        return [*back[:at], *back[at + 1 :]]  # nobody said a word, and a user must begin
    if spoken and _is_models(spoken[0]) and len(back) > len(meant):
        back = back[:at] + back[at + 1 :]
    return back[:-1] if spoken and _is_models(spoken[-1]) and len(back) > len(meant) else back


def _is_models(item: dict[str, Any]) -> bool:
    return item.get("by") in ("assistant", "thought") or "call" in item
