"""Thought signatures that come back over generateContent: which parts must carry one, and whether it is true.

Rules: https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

from dragoman.simulator.gemini import SENTINEL, gemini
from dragoman.simulator.proofs import Proofs, digest
from dragoman.simulator.shapes import as_dict, as_dicts
from dragoman.simulator.view import View
from dragoman.simulator.view_generate import either
from dragoman.simulator.violation import Violation

_MISSING = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing "
    "thought_signature may lead to degraded model performance. Additional data, function call `default_api:{name}` , position {position}. "
    "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
)


def check_thought_signatures(view: View, proofs: Proofs) -> Iterable[Violation]:
    """Every rule about signatures that the request breaks."""
    contents = as_dicts(view.body.get("contents"))
    for number, content in enumerate(contents):
        for index, part in enumerate(as_dicts(content.get("parts"))):
            yield from _signature(f"contents[{number}].parts[{index}]", part, proofs)
    if gemini(view.model).demands_signatures:
        yield from _missing(contents)


def call_words(call: dict[str, Any]) -> str:
    """The words that the signature of a call vouches for."""
    return f"{call.get('name')} {msgspec.json.encode(call.get('args') or {}, order='sorted').decode()}"


def _signature(param: str, part: dict[str, Any], proofs: Proofs) -> Iterable[Violation]:
    signature = either(part, "thoughtSignature")
    if signature is None or signature == SENTINEL:
        return
    if not isinstance(signature, str) or not _is_base64(signature):
        yield Violation(f"Invalid value at '{param}.thought_signature' (TYPE_BYTES), Base64 decoding failed for \"{signature}\"", param)
        return
    claim = proofs.read(signature)
    call = as_dict(either(part, "functionCall"))
    is_true = claim is not None and claim.kind == "thought"
    if not is_true or (call and claim is not None and claim.digest != digest(call_words(call))):
        yield Violation("Corrupted thought signature.", param)


def _missing(contents: list[dict[str, Any]]) -> Iterable[Violation]:
    """The first call of each step of the current turn, which begins with the last words of the user."""
    turns = [number for number, content in enumerate(contents) if content.get("role") != "model" and _has_words(content)]
    position = 0
    for number, content in enumerate(contents):
        calls = [(part, as_dict(either(part, "functionCall"))) for part in as_dicts(content.get("parts"))]
        calls = [(part, call) for part, call in calls if call]
        position += len(calls)
        if turns and number > turns[-1] and calls and not either(calls[0][0], "thoughtSignature"):
            first = position - len(calls) + 1
            yield Violation(_MISSING.format(name=calls[0][1].get("name"), position=first), f"contents[{number}]")


def _has_words(content: dict[str, Any]) -> bool:
    """Whether a content holds more than results of calls."""
    return any(not either(part, "functionResponse") for part in as_dicts(content.get("parts")))


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
