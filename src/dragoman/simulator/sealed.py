"""Sealed items that come back over Responses: reasoning and compaction. Only the account that made them can have them opened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dragoman.simulator.proofs import Proofs
from dragoman.simulator.shapes import as_dicts
from dragoman.simulator.view import View
from dragoman.simulator.violation import Violation

_FOLLOWERS = ("message", "reasoning", "compaction", "program", "additional_tools")


def check_sealed(view: View, proofs: Proofs) -> Iterable[Violation]:
    """Every rule about sealed items that the request breaks."""
    items = as_dicts(view.body.get("input"))
    for number, item in enumerate(items):
        if item.get("type") in ("reasoning", "compaction"):
            yield from _sealed(f"input[{number}]", item, proofs, view.body.get("store") is False)
        if item.get("type") == "reasoning" and not _is_followed(items, number):
            told = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
            yield Violation(told, "input")


def _sealed(param: str, item: dict[str, Any], proofs: Proofs, is_unstored: bool) -> Iterable[Violation]:
    sealed = item.get("encrypted_content")
    if sealed is None:
        if is_unstored and item.get("type") == "reasoning" and not item.get("content"):
            told = f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false. "
            yield Violation(f"{told}Try again with `store` set to true, or remove this item from your input.", "input")
        return
    if not isinstance(sealed, str):
        yield Violation(f"Invalid type for '{param}.encrypted_content': expected a string.", f"{param}.encrypted_content", "invalid_type")
        return
    claim = proofs.read(sealed)
    if (claim is None or claim.kind != item["type"]) and not proofs.is_scripted(sealed):
        told = f"The encrypted content for item {item.get('id')} could not be verified. "
        yield Violation(f"{told}Reason: Encrypted content could not be decrypted or parsed.", None, "invalid_encrypted_content")


def _is_followed(items: list[dict[str, Any]], number: int) -> bool:
    """Whether something that the model said comes after a reasoning item, and not the user."""
    if number + 1 >= len(items):
        return False
    after = items[number + 1]
    kind = str(after.get("type") or "message")
    if kind == "message":
        return after.get("role") == "assistant"
    return kind in _FOLLOWERS or kind.endswith("_call")
