"""A whole reply to a client of the API.

https://ai.google.dev/api/generate-content#generatecontentresponse
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.generate.grounding import write_grounding
from dragoman.dialects.generate.reader import MORE
from dragoman.dialects.generate.remainder import own
from dragoman.dialects.generate.turns import model_parts
from dragoman.dialects.generate.usage import write_usage
from dragoman.dialects.generate.writer import finish, head
from dragoman.dialects.remainder import JsonObject
from dragoman.ir import events as ev
from dragoman.ir.request import Request
from dragoman.ir.response import Choice, Response


def write_response(response: Response, request: Request) -> bytes:
    """The body for a client of this dialect."""
    body: JsonObject = {"candidates": [_candidate(choice) for choice in response.choices]}
    if response.usage is not None:
        body["usageMetadata"] = write_usage(response.usage)
    started = ev.Started(response.id, response.model, response.created_s, response.started_extra)
    body.update(head(started, request.model))
    _add_rest(body, own(response.ended_extra) or {})
    return msgspec.json.encode(body)


def _candidate(choice: Choice) -> JsonObject:
    content = {"parts": model_parts(choice.items), "role": "model"}
    return {"content": content, **finish(choice.reason, choice.detail), "index": choice.index, **write_grounding(choice.items)}


def _add_rest(body: JsonObject, rest: dict[str, Any]) -> None:
    """What only this dialect said of the reply goes back to its place."""
    for name, value in rest.items():
        if name != MORE:
            body.setdefault(name, value)
    by_index = {candidate["index"]: candidate for candidate in body["candidates"]}
    for more in rest.get(MORE, ()):
        candidate = by_index.get(more["index"])
        if candidate is not None:
            candidate.update({name: value for name, value in more.items() if name not in ("index", "content")})
