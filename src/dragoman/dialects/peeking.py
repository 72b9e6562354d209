"""How bytes are read in passing: model and stream off a body with both at its top level, the kind of an event off its first bytes."""

from __future__ import annotations

import msgspec

from dragoman.dialects.contract import Call, Peek
from dragoman.dialects.remainder import wrong
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import WireError
from dragoman.wire.splice import Outline

_ROUTING = ("model", "stream")
_decode_text = msgspec.json.Decoder(str).decode
_decode_flag = msgspec.json.Decoder(bool | None).decode


def peek_body(call: Call) -> Peek:
    """Model and stream. Raises GatewayError(invalid_request) for what is no JSON object, has no model, or has one of them twice."""
    try:
        outline = Outline(call.body)
        outline.refuse_twice(_ROUTING)
    except WireError as error:
        # A sentence of its own, not one about a field.
        raise GatewayError(Kind.INVALID_REQUEST, str(error), source="client", param="body", type="invalid_request_error") from error
    fields = outline.fields
    try:
        model = _decode_text(fields.get("model", b'""'))
    except (msgspec.DecodeError, UnicodeDecodeError):
        model = ""
    if not model:
        raise wrong("model", "is missing: the name of a model is required")
    stream = fields.get("stream")
    if stream is None:
        return Peek(model, False, outline)
    try:
        return Peek(model, bool(_decode_flag(stream)), outline)
    except msgspec.DecodeError as error:
        raise wrong("stream", "must be true or false") from error


def beginnings(*kinds: str) -> tuple[bytes, ...]:
    """How events of these kinds begin, as servers write them that tell the kind by `event` and by `type`, the latter first."""
    return tuple(text.encode() for kind in kinds for text in (_COMPACT.format(kind=kind), _SPACED.format(kind=kind)))


NEVER = b"\0\0"
"""What no chunk of a stream begins with."""
_COMPACT = 'event: {kind}\ndata: {{"type":"{kind}",'
_SPACED = 'event: {kind}\ndata: {{"type": "{kind}", '


def beginning(chunk: bytes, starts: tuple[bytes, ...]) -> bytes | None:
    """Which of them a chunk begins with."""
    for start in starts:
        if chunk.startswith(start):
            return start
    return None
