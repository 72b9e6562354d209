"""How model and stream are read off a body that carries both at its top level."""

from __future__ import annotations

import msgspec

from dragoman.dialects.contract import Call, Peek
from dragoman.dialects.remainder import wrong
from dragoman.wire.frame import WireError
from dragoman.wire.splice import Outline


def peek_body(call: Call) -> Peek:
    """Model and stream. Raises GatewayError(invalid_request) for what is no JSON object, has no model, or has one of them twice."""
    try:
        outline = Outline(call.body)
        outline.refuse_twice(("model", "stream"))
    except WireError as error:
        raise wrong("body", str(error)) from error
    model = msgspec.json.decode(outline.raw("model") or b"null")
    stream = msgspec.json.decode(outline.raw("stream") or b"null")
    if not isinstance(model, str) or not model:
        raise wrong("model", "is missing: the name of a model is required")
    if stream is not None and not isinstance(stream, bool):
        raise wrong("stream", "must be true or false")
    return Peek(model, bool(stream), outline)
