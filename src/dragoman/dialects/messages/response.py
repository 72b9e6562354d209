"""A whole reply to a message. https://platform.claude.com/docs/en/api/messages (response)"""

from __future__ import annotations

import msgspec

from dragoman.dialects.messages.envelope import ending, message_id, opening
from dragoman.dialects.messages.given import given_blocks
from dragoman.dialects.remainder import JsonObject
from dragoman.ir.events import Finished
from dragoman.ir.request import Call, Request
from dragoman.ir.response import Choice, Response


def write_response(response: Response, request: Request) -> bytes:
    """The body for a client of this dialect: the first choice."""
    choice = response.choices[0] if response.choices else Choice(0, ())
    body = opening(
        request,
        id=message_id(response.id, request, response.started_extra),
        usage=response.usage,
        extra=response.started_extra,
    )
    content: list[JsonObject] = [block for item in choice.items for block in given_blocks(item)]
    called = any(isinstance(item, Call) and item.executor == "client" for item in choice.items)
    body["content"] = content
    body.update(ending(Finished(choice.reason, detail=choice.detail), called=called, extra=response.ended_extra))
    return msgspec.json.encode(body)
