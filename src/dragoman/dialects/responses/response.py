"""A whole answer: one response object to neutral events, and a folded reply to one response object."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.remainder import JsonObject, objects
from dragoman.dialects.responses.envelope import closing, item_id, item_stem, opening, response_id, wants_seals, with_tools
from dragoman.dialects.responses.items import write_given
from dragoman.dialects.responses.last_seals import without_last_seals
from dragoman.dialects.responses.reader import Reader
from dragoman.dialects.responses.sealed import carrier, close_seal
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Call, Compaction, Item, Message, OpaquePart, Reasoning, Request
from dragoman.ir.response import Response
from dragoman.wire.not_json import NOT_JSON

_PREFIXES: dict[type, str] = {Message: "msg", Reasoning: "rs", Compaction: "cmp"}
_CALL_PREFIXES = {"function": "fc", "custom": "ctc", "search": "tsc"}


def read_response(body: bytes, quirks: Quirks) -> list[ev.Event]:
    """A whole reply as the events of a stream that arrived at once. Raises GatewayError(garbled) for what is no response object."""
    try:
        value: Any = msgspec.json.decode(body)
    except NOT_JSON as error:
        raise GatewayError(Kind.GARBLED, "the provider's answer is not JSON", source="upstream") from error
    if not isinstance(value, dict) or not ("output" in value or "status" in value or "error" in value):
        raise GatewayError(Kind.GARBLED, "the provider's answer is no response object", source="upstream")
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    return Reader(quirks).whole(came)


def write_response(response: Response, request: Request) -> bytes:
    """A folded reply as one response object."""
    own_id = response_id(response.id, request, response.started_extra)
    stem = item_stem(own_id)
    first = opening(request, id=own_id, model=response.model, created_s=response.created_s, extra=response.started_extra)
    whole = with_tools(first, request)
    choice = response.choices[0]
    output: list[JsonObject] = []
    seals = wants_seals(request)
    for item in choice.items if seals else without_last_seals(choice.items):
        _append(output, item, stem, seals=seals)
    closed = closing(whole, output, response.usage, choice.reason, detail=choice.detail, extra=response.ended_extra)
    return msgspec.json.encode(closed)


def _append(output: list[JsonObject], item: Item, stem: str, *, seals: bool) -> None:
    written = _spoken(item) if isinstance(item, Message) else write_given(item)
    if written is None:
        _carry(output, item, stem, None)
        return
    if isinstance(item, Message) and item.id is not None and output and _goes_on(output[-1], written):
        output[-1] = {**output[-1], **written, "content": output[-1]["content"] + written["content"]}
        return
    taken = [earlier["id"] for earlier in output]
    if written.get("id") is None or written["id"] in taken:
        written["id"] = item_id(_prefix(item), stem, len(output))
    if isinstance(item, (Message, Call)):
        written.setdefault("status", "completed")
    if seals and isinstance(item, Reasoning) and item.content and item.proof is None:
        # Kept for clients that send only the seal back.
        written.setdefault("encrypted_content", close_seal(item.content, None))
    output.append(written)
    _carry(output, item, stem, written["id"])


def _goes_on(last: JsonObject, written: JsonObject) -> bool:
    """Whether these are parts of one message."""
    return last.get("id") == written.get("id") and isinstance(last.get("content"), list) and isinstance(written.get("content"), list)


def _carry(output: list[JsonObject], item: Item, stem: str, shown: str | None) -> None:
    carried = carrier(item, shown)
    if carried is not None:
        output.append({"id": item_id("rs", stem, len(output)), **carried})


def _spoken(item: Message) -> JsonObject | None:
    """A message as the API gives it: with annotations and logprobs even where there are none."""
    parts = tuple(part for part in item.parts if not isinstance(part, OpaquePart))
    written = write_given(msgspec.structs.replace(item, parts=parts))
    if written is None:
        return None
    if isinstance(text := written.get("content"), str):
        written["content"] = [{"type": "output_text", "text": text}]  # some servers give the words themselves
    for part in objects(written.get("content")):
        if part.get("type") == "output_text":
            part.setdefault("annotations", [])
            part.setdefault("logprobs", [])
    return written


def _prefix(item: Item) -> str:
    if isinstance(item, Call):
        return "ws" if item.executor == "provider" else _CALL_PREFIXES[item.kind]
    return _PREFIXES.get(type(item), "item")
