"""Thinking blocks that come back over Messages: true ones are taken, changed ones refused, those of another model left out.

Rules: https://docs.claude.com/en/docs/build-with-claude/extended-thinking and the page on preserved thinking.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.simulator.claude import claude, is_thinking
from dragoman.simulator.prompt import digests, prompt
from dragoman.simulator.proofs import Claim, Proofs, digest
from dragoman.simulator.shapes import as_dict, as_dicts
from dragoman.simulator.view import View
from dragoman.simulator.view_messages import Block, blocks_of
from dragoman.simulator.violation import Violation

_KINDS = ("thinking", "redacted_thinking")
_BETA = "thinking-binding-controls-2026-08-01"


class Thoughts(msgspec.Struct):
    """What came of the thinking blocks of a request."""

    violations: list[Violation] = []
    dropped: list[dict[str, Any]] = []


class _Place(msgspec.Struct, frozen=True):
    """A block of an assistant turn: where it stands, and which prefixes end within its turn before it."""

    path: str
    block: Block
    prefixes: frozenset[str]


def examine_thoughts(view: View, proofs: Proofs) -> Thoughts:
    """Look at every thinking block of a request."""
    found = Thoughts()
    if not is_thinking(view):
        return found
    for place in _places(view):
        claim = _claim(place.block, proofs)
        if claim is None:
            field = "signature" if place.block["type"] == "thinking" else "data"
            found.violations.append(Violation(f"{place.path}: Invalid `{field}` in `{place.block['type']}` block", place.path))
        elif claim.model != view.model and not claim.model.startswith("claude-haiku-5-5"):
            found.dropped.append(_drop(place, "model_binding_mismatch"))
        elif claude(claim.model).binds_prefix and claim.model == view.model and claim.prefix not in place.prefixes:
            _misplaced(view, place, found)
    return found


def _misplaced(view: View, place: _Place, found: Thoughts) -> None:
    binding = as_dict(as_dict(view.body.get("thinking")).get("block_binding"))
    if binding.get("prefix_mismatch_behavior") == "drop_block" and _BETA in view.headers.get("anthropic-beta", ""):
        found.dropped.append(_drop(place, "prefix_binding_mismatch"))
        return
    told = (
        f"{place.path}: The block is bound to a different conversation. Thinking blocks must follow the exact content they were made after."
    )
    found.violations.append(Violation(told, place.path))


def _claim(block: Block, proofs: Proofs) -> Claim | None:
    if block.get("type") == "redacted_thinking":
        claim = proofs.read(str(block.get("data")))
        return claim if claim is not None and claim.kind == "redacted" else None
    claim = proofs.read(str(block.get("signature")))
    is_true = claim is not None and claim.kind == "signature" and claim.digest == digest(str(block.get("thinking")))
    return claim if is_true else None


def _drop(place: _Place, reason: str) -> dict[str, Any]:
    return {"type": "thinking_dropped", "path": place.path, "reason": reason}


def _places(view: View) -> list[_Place]:
    """The thinking blocks, each with the digests of the prompt at every point of its turn up to itself: an answer may be one part of
    a turn that was put together of several."""
    messages = as_dicts(view.body.get("messages"))
    if not any(block.get("type") in _KINDS for message in messages for block in blocks_of(message.get("content"))):
        return []
    blocks = prompt(view)
    chain = digests(blocks)
    at = sum(not block.place.startswith("messages.") for block in blocks)
    start = at
    places: list[_Place] = []
    previous = ""
    for number, message in enumerate(messages):
        role = str(message.get("role"))
        if role != previous:
            start = at
        previous = role
        for index, block in enumerate(blocks_of(message.get("content"))):
            if block.get("type") in _KINDS:
                before = frozenset(chain[max(start - 1, 0) : at])
                places.append(_Place(f"messages.{number}.content.{index}", block, before))
            at += 1
    return places
