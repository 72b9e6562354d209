"""Proofs of this dialect: fields of a server that wants them back (`reasoning_details`, `extra_content`), as JSON text."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.remainder import JsonObject
from dragoman.ir.request import Proof

DETAILS, CONTENT = "reasoning_details", "extra_content"
THOUGHTS = ("reasoning_content", "reasoning", DETAILS)
"""Where servers put an assistant's thoughts, most usual first."""
_FORMS: dict[str, type] = {DETAILS: list, CONTENT: dict}


def proven(proof: Proof | None, kind: str) -> JsonObject:
    """The field `kind` of a proof; empty for any other proof, and for one that was spoiled on its way through a client."""
    if proof is None or proof.maker != NAME or proof.kind != kind:
        return {}
    try:
        value: Any = msgspec.json.decode(proof.data)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return {kind: value} if isinstance(value, _FORMS[kind]) else {}
