"""Writes a reply back in its own dialect: nothing that was said may be gone or changed, but for what the table names, with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from tests.corpus.difference import differences
from tests.corpus.exchange import Exchange
from tests.corpus.reading import fold, read_stream, read_whole, refusal
from tests.corpus.translation import write_events

from dragoman.dialects.generate.calls import own_id
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.request import Request

_SAME_WORDS = "another field for the same words"
_ARITHMETIC = "counts are told by one arithmetic"
_CHANGED: dict[str, tuple[tuple[str, str], ...]] = {
    "responses": (
        (
            r"\.(tools|instructions|tool_choice|text|temperature|top_p|reasoning|service_tier|metadata)\b",
            "echoes what the client asked for",
        ),
    ),
    "chat": (
        (r"\.message\.(reasoning|reasoning_content|content)\b", _SAME_WORDS),
        (r"\.choices\[\d+\]\.delta\b", "a piece of a stream inside a whole reply"),
        (r"\.tool_calls\[\d+\]\.(id|index|type)\b", "ids that clients can answer to, in order"),
        (r"\.usage\.(completion_tokens|total_tokens|prompt_tokens)\b", _ARITHMETIC),
        (r"\.(finish_reason|detail)\b|\$\.object\b", "words of the API for words of a server"),
        (r"\.choices\[\d+\]\.seed\b", "repeats what the server drew"),
    ),
    "messages": ((r"\$\.model\b", "the client is answered by the name that it asked for"),),
    "generate": (
        (r"\$\.candidates\[\d+\]\.content\.parts`: \[", "neighbouring parts of words are one"),
        (r"\.finishReason`: \d+ became '", "words for numbers"),
        (r"\.usageMetadata\.totalTokenCount\b", _ARITHMETIC),
        (rf"\.call_id`: '{own_id('')}\w+' became '{own_id('')}\w+'", "ids of our own, where the reply has none"),
    ),
}
"""Places of a reply that may come back otherwise."""
_IN_ONE_MESSAGE = frozenset({"chat"})
"""Dialects whose whole replies have no order of thoughts, words and calls."""


def whole_returns(exchange: Exchange) -> Iterator[str]:
    """A whole reply, written again."""
    if exchange.whole is None or exchange.status >= 300:
        return
    spoken = dialect(exchange.dialect)
    if refusal(spoken, exchange.whole) is not None:
        return
    events = read_whole(spoken, exchange.whole)
    body = spoken.write_response(fold(events), asked(exchange))
    was = json.loads(exchange.whole)
    found: list[str] = []
    if exchange.dialect not in _IN_ONE_MESSAGE:
        found += differences(_said(_plain(events)), _said(_plain(read_whole(spoken, body))), empty_is_nothing=True)
    if isinstance(was, dict):  # else it is an array of chunks, which come back as one
        found += differences(_told(was), json.loads(body), empty_is_nothing=True)
    repeated = _repeated_ids(was)
    for line in found:
        if not any(re.search(place, line) for place, _ in _CHANGED[exchange.dialect]) and not any(change in line for change in repeated):
            yield f"written again, {line}"


def _repeated_ids(reply: Any) -> list[str]:
    """How a change of an id is told that several items of a reply bear, of which all but the first get one of their own."""
    items = reply.get("output") if isinstance(reply, dict) else None
    ids = [item.get("id") for item in items or ()]
    return [f".id`: {one!r} became" for one in {one for one in ids if one and ids.count(one) > 1}]


def stream_returns(exchange: Exchange) -> Iterator[str]:
    """A stream, written again and read again, is the same reply: every item, proof and extra of it."""
    if exchange.stream is None:
        return
    spoken = dialect(exchange.dialect)
    events = read_stream(spoken, exchange.stream)
    if not isinstance(events[-1], ev.Ended):
        return
    again = read_stream(spoken, write_events(events, exchange.dialect, asked(exchange)))
    for line in differences(_said(_plain(events)), _said(_plain(again)), empty_is_nothing=True):
        if not any(re.search(place, line) for place, _ in _CHANGED[exchange.dialect] + _IN_STREAMS):
            yield f"streamed again, {line}"


_IN_STREAMS = ((r"\.extra\b", "the place of a signature beside words that have gone out"),)


def asked(exchange: Exchange) -> Request:
    """The request that the reply answers, as one of a client that wants all of a stream."""
    request = Request("some-model", ()) if exchange.call is None else dialect(exchange.dialect).read_request(exchange.call)
    return msgspec.structs.replace(request, stream=True, stream_usage=True)


def _plain(events: list[ev.Event]) -> object:
    return _opened(json.loads(msgspec.json.encode(fold(events))))


def _told(reply: Any) -> Any:
    """A reply without blocks of no words, which its API refuses in the history."""
    blocks = reply.get("content")
    return {**reply, "content": [block for block in blocks if block != _NO_WORDS]} if isinstance(blocks, list) else reply


_NO_WORDS = {"type": "text", "text": ""}


def _said(reply: Any) -> Any:
    """Without messages and parts of no words, which no stream needs to announce."""
    for choice in reply["choices"]:
        for item in choice["items"]:
            if item["type"] == "message":
                item["parts"] = [part for part in item["parts"] if _is_said(part)] or item["parts"]
        choice["items"] = [item for item in choice["items"] if item["type"] != "message" or any(_is_said(part) for part in item["parts"])]
    return reply


def _is_said(part: Any) -> bool:
    return part["type"] != "text" or part["text"] or part.get("citations")


def _opened(value: Any) -> Any:
    """With what is JSON inside of text (a proof may be a whole block) as the value that it is."""
    if isinstance(value, dict):
        return {name: _opened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_opened(each) for each in value]
    return json.loads(value) if isinstance(value, str) and value.startswith('{"') and value.endswith("}") and _is_json(value) else value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
